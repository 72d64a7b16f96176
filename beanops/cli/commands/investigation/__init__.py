"""Commands that look for the cause: new jobs as they are put (`tail`), and what is wrong with beanops (`doctor`)."""
