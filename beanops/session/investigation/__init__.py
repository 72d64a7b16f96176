"""Look for the cause of failures, and see whether a fix helped.

What lives here: groups of jobs (`groups`) and what their names stand for (`group_names`), what the bodies of jobs have
in common (`facets`, with its frames in `facet_frames`), what a shell completes (`last_shown`), conditions on counts
(`condition`), what becomes of jobs that were kicked (`verdicts`, `job_watch`), the canary that kicks jobs in waves
(`canary`, with its frame in `canary_frames`), and waiting for a tube (`wait`); new jobs as they are put (`tail`,
`tail_counts`, `tube_puts`), and one job until it is gone (`follow`). Imports `jobs`,
`monitor`, and of `session` lookups, verbs and their execution.
"""
