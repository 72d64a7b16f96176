"""Sessions: `Session` is what every face asks to look at a server and to act on its jobs.

What lives here: the session (`session`, made by `connect`), and what it is made of. `context` holds connections,
journal and protection; `lookups` reads; `job_verbs`, `tube_verbs` and `reservation` act, by the executor in
`execution`; `past_runs` undoes and resumes; `files` exports and imports; `watching` looks again and again;
`investigation` finds causes and facets, `editing` changes bodies, `doctor` examines beanops and its servers;
`old_servers` replaces commands that a server lacks, `transfer` moves jobs to another server, `distributed` does all of
this in the tasks of an executor. `config` reads the configuration, with `reaching` and `web_access` for their tables;
`arguments`, `options` and `keywords` read what a caller passes. Imports journal, jobs, monitor, client and protocol;
`binlog`, `fleet`, `migration` and all to the right of them import this room.
"""
