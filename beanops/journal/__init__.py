"""The journal: every run, every intent and every outcome, in a database that outlives the process.

What lives here: the journal (`journal`) in a database (`database`, `database_url`), its tables and their versions
(`tables`, `schema`), queries (`filters`, `queries`, `outcomes`, `newest_first`), values (`records`) and frames
(`frames`), which runs are under way (`leases`, `signs_of_life`, `rivals`) and which tubes they need paused (`pauses`),
explanations of empty results (`nothing_there`), and pruning (`prune`). Imports jobs and below; session, ui and the
faces import this room.
"""
