"""Commands that are about servers themselves, and not about the jobs of one that runs.

What lives here: the servers of the configuration and completion scripts (`servers`), options that say how one is
reached (`reach_options`), the embedded server (`serve`), the move of all jobs to another server (`migrate`), and the
binlog of a server that is down (`binlog`).
"""
