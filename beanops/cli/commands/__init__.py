"""One module for each group of commands; `beanops.cli.app` lists them and imports each when it is called."""
