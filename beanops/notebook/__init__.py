"""The notebook face: live views of a session as Jupyter widgets.

What lives here: the view (`dashboard`, filled from `tables`), the table and the charts that views share (`grid` and
`chart`, both a `channel`; their page side is in ``page``), the life of a view (`view`), the thread that polls (`poll`),
and what stands in a notebook without a kernel (`static`). Imports session and below; nothing imports this room,
`Session.dashboard` finds `open` by name.
"""
