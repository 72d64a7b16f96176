"""The notebook face: live views of a session as Jupyter widgets, and the magic ``%beans``.

What lives here: the views and their actions (`views`), the widgets that they are made of (`widgets`, with the page side
in a folder of ``page`` for each), the thread that refreshes them (`refresher`), which jobs they show (`job_identity`),
and the magic (`magic`, `magic_completion`). What the widgets show is made here without them: the card of a server
(`server_card`), rows of tubes, jobs and actions (`tube_rows`, `tube_trends`, `job_rows`, `shown_rows`), one job
(`opened_job`), the past (`chart_feed`, `chart_samples`), waves (`shown_waves`), and the tables that a saved notebook
keeps (`static`). Imports ui, session and below; only `beanops.accessors` imports this room.
"""
