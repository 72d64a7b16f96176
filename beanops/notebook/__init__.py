"""The notebook face: live views of a session as Jupyter widgets.

What lives here: the views (`dashboard`, `browser`, `holder`; what they show of records is in `tables`), what they do
for their user (`desk`, `jobsview`) and to which jobs (`seen`), the table and the charts that they share (`grid` and
`chart`, both a `channel`; their page side is in ``page``), the life of a view (`view`), the thread that polls (`poll`),
what stands in a notebook without a kernel (`static`), and the magic ``%beans`` (`magic`). Imports session and below;
nothing imports this room: `beanops.session.views` finds `open` by name.
"""
