"""The same reads and acts in the tasks of an executor: `concurrent.futures`, or `distributed.Client` of Dask.

What lives here: how a task opens a session (`workplace`), how tasks are submitted and awaited (`workers`), searches in
parts (`reading`, for Dask DataFrames `frames`), and verbs in parts (`acting`). Tasks are functions of modules with
values that can be pickled. An executor may run a task twice, also at the same time: acts are claimed in the journal
before they are sent, and outcomes are read from the journal, never from a task. `Session` imports this room when an
`executor` is given.
"""
