"""Commands that look for the cause: groups of jobs, new jobs (`tail`), and what is wrong with beanops (`doctor`)."""
