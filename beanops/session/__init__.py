"""Sessions: `Session` is what every face asks to look at a server and to act on its jobs.

What lives here: the session (`session`, made by `connect`), and what it is made of. `context` holds connections,
journal and protection; `lookups` reads; `job_verbs`, `tube_verbs` and `reservation` act, by the executor in
`execution`; `past_runs` undoes and resumes; `files` exports and imports; `watching` looks again and again;
`old_servers` replaces commands that a server lacks; `arguments`, `options` and `keywords` read what a caller passes.
Imports journal, jobs, monitor, client and protocol; only `ui` and the faces import this room.
"""
