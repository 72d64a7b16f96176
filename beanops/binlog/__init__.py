"""The binlog of a server, read without the server: which jobs it has, and what a start would bring back.

What lives here: the decoder of its records, without I/O (`formats`, `decoder`), the replay of a log as a start does it
and beyond its damages (`replay`, `log_reading`, `compact_map`, `damage`), its folder (`folder`), jobs out of it
(`logged_job`, `job_reader`, `search`, `export`), numbers of it (`statistics`), and `Binlog`, which users have. Files
are never opened for writing and never locked. Only faces import it.
"""
