"""Migration: all jobs of a server, or of some tubes, to another server.

What lives here: the report before it (`report`), the check of what was moved (`moved`), both as frames (`frames`), and
the call that does both around the passes of `beanops.session.transfer` (`migrate`). Imports `session`; the command line
and the accessors of the session import this room.
"""
