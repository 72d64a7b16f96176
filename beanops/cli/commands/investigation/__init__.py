"""Commands that look for the cause: groups of jobs, new jobs as they are put (`tail`), and what is wrong with beanops."""
