"""How a change reaches the server: checked, recorded, sent, settled.

What lives here: the verbs with their states and commands (`verbs`, `putting`, `conversation`), the jobs that a call is
about (`targets`), the executor with what it records (`executor`, `ledger`), how it uses connections, pauses tubes and
ends by signals (`connection_use`, `pause_guard`, `signals`, `ending`), and the run that each call returns (`run`,
`undoable`). Imports the context and the lookups of the session, and the room of old servers. The rest of the session
imports this room, and so do `fleet` and `ui`; it imports neither past runs nor files.
"""
