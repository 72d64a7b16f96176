"""Edits of jobs: what becomes of a job's body and settings, and which bodies a schema accepts.

What lives here: `Edit`, which turns the orders of an edit into ones that put changed jobs, and `schema`. The bodies are
changed by `beanops.jobs.bodies.edits`, the jobs put and deleted by `beanops.session.execution`, which knows nothing of
this room; `job_verbs`, past runs and files import it.
"""
