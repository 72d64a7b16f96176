"""The notebook face: live views of a session as Jupyter widgets, and the magic ``%beans``.

What lives here: the views and their actions (`views`), the widgets that they are made of (`widgets`, with the page side
in ``page``), the thread that refreshes them (`refresher`), which jobs they show (`job_identity`), the rows they show
(`shown_rows`), the tables that a saved notebook keeps (`static`), and the magic (`magic`). Imports ui, session and
below; only `beanops.accessors` imports this room.
"""
