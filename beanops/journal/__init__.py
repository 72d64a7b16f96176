"""The journal: every run, every intent and every outcome, in a database that outlives the process.

What lives here: the journal (`journal`), its tables and their versions (`tables`, `schema`, `queries`), what it holds
as values (`records`) and as frames (`frames`), which runs go on (`leases`, `signs_of_life`, `rivals`) and which tubes
they need paused (`pauses`), and pruning (`prune`). Imports jobs and below; session, ui and the faces import this
room.
"""
