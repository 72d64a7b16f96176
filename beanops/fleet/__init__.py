"""Many servers as one: `Fleet` has the verbs of a session for all of its servers at once.

`servers` says which servers are meant, `members` opens a session on each, `calls` asks them at the same time and waits
for none that is silent, `merging` makes one frame of their frames, `fleet_run` has what a verb did on each. It stands
above `session` and knows nothing of faces.
"""
