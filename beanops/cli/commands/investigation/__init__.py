"""Commands that look for the cause of failures, and whether a fix helps.

What lives here: jobs by cause (`groups`), what their bodies have in common (`facets`), new jobs as they are put
(`tail`), one job until it is gone (`timeline`), a kick in waves (`canary`), a tube until it is drained (`wait`), and
what is wrong with beanops and its server (`doctor`).
"""
