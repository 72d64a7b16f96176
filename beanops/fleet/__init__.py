"""Many servers as one: `Fleet` has the verbs of a session for all of its servers at once.

What lives here: which servers are meant (`servers`), the call that opens them (`connect`), what users see (`fleet`,
with the docstrings of the session by `described`), and how it is carried out. `looking` and `acting` say what each
server is asked, `targets` which jobs of it, and `dispatch` asks all at the same time by `calls`, which wait for no
silent server. `members` holds the session on each, `found` and `fleet_run` what searches found and a verb did on each,
`merging` makes one frame of their frames, `dataset` one of their files, and `past_runs` finds runs in the journal.
Imports session and below; `ui` and the faces import this room.
"""
