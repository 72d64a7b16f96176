"""Moving jobs to another server, so that no job is lost or done twice wherever it is interrupted.

What lives here: the commands for one job (`steps`), its hold on the source (`holding`), the passes over the tubes of a
server (`passes`), what an interruption left (`settling`), and the server at the other end (`other_server`). Imports the
rooms `execution` and `old_servers`. Past runs import this room, since a migration can be resumed and undone.
"""
