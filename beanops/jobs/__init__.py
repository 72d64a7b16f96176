"""Find and read jobs, without reserving or moving any: by id and at the heads of a tube (`read`).

Imports `client` and `protocol`; session and the faces import this room.
"""
