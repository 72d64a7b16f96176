"""The journal: every run, every intent and every outcome, in a database that outlives the process.

What lives here: the journal (`journal`), one that several sessions share (`shared`), how it is stored (`storage`), its
values (`records`), filters (`filters`, `newest_first`) and frames (`frames`), which runs are under way (`leases`,
`heartbeat`, `rivals`) and which tubes they need paused (`pauses`), explanations of empty results (`explanations`), and
pruning (`prune`). Imports jobs and below; session, ui and the faces import this room.
"""
