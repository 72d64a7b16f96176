"""Commands that look for the cause.

What lives here: jobs by cause (`groups`), new jobs as they are put (`tail`), one job until it is gone (`timeline`), and
what is wrong with beanops and its server (`doctor`).
"""
