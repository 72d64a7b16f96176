"""Find and read jobs, without reserving or moving any.

What lives here: reading at known places (`read`), the scan that finds the others (`scan`, with `plan`,
`account` and `idmap`), the selection (`select`, `order`), SQL on jobs (`where`, `query`), files of them (`snapshot`),
and decoded bodies (`bodies`). Imports monitor, client and protocol; session and the faces import this room.
"""
