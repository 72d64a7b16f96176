"""What is wrong with a server and its tubes, with severity, reason, beginning and what to look at.

What lives here: the kinds of problems and their order (`problem`), the rules that find them (`tube_rules`,
`server_rules`) from which numbers on (`thresholds`), and what keeps them from look to look (`evaluation`). The rules
are pure functions. Imports what `monitor` may; the survey and all faces import this room.
"""
