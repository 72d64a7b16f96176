"""The session: what acts on jobs, and the record of it."""
