"""The notebook face: live views of a session as Jupyter widgets.

What lives here: the view (`dashboard`, whose rows are made in `tables`), the table that views share (`grid`, its page
side in ``page``), their life (`view`), the thread that polls for them (`poll`), and what stands in a notebook without
a kernel (`static`). Imports session and below; nothing imports this room, `Session.dashboard` finds `open` by name.
"""
