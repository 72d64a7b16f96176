"""beanops' tests: one folder for each room, tools that several rooms need beside this file."""
