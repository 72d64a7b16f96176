"""Find and read jobs, without reserving or moving any.

What lives here: a job with its facts (`read`), the identity of jobs (`identity`, `refs`), the selection (`select`),
frames (`frames`) and files of jobs (`snapshot`), what is hidden of them (`hiding`), which processes of a cluster share
them (`cluster`); the scan and what it knows of ids (`search`), predicates and queries in SQL (`sql`), decoded bodies
(`bodies`). Imports monitor, client and protocol; journal, session, ui and the faces import this room.
"""
