"""Parts of what `journal` asks its tables: which runs are on a server, were heard of since a time, ended how."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from beanops.journal.tables import ACTIONS, FATES, LEASES, RUNS, microseconds

#: Which runs put into their own server: a copy to another one names it, and the new ids are that server's.
PUTS_HERE = RUNS.c.request.not_like('%"server": %')


def on_server(server: str | None) -> list[sa.ColumnElement[bool]]:
    """Return what chooses the runs on a server; what was done to the journal itself is shown on every one."""
    return [] if server is None else [RUNS.c.server.in_([server, ""])]


def heard_since(time: datetime) -> sa.ColumnElement[bool]:
    """Return whether a run began, went on or was settled since a time."""
    since = microseconds(time)
    of_run = sa.select(ACTIONS.c.time).where(ACTIONS.c.run == RUNS.c.id)
    acted = of_run.order_by(ACTIONS.c.n.desc()).limit(1).correlate(RUNS).scalar_subquery()
    last = sa.select(sa.func.max(FATES.c.time)).where(FATES.c.run == RUNS.c.id)
    settled = last.correlate(RUNS).scalar_subquery()
    beats = sa.select(LEASES.c.alive_until).where(LEASES.c.run == RUNS.c.id, LEASES.c.ended.is_(None))
    alive = beats.correlate(RUNS).scalar_subquery()
    times = (RUNS.c.time, *(sa.func.coalesce(heard, 0) for heard in (acted, settled, alive)))
    return sa.or_(*(heard >= since for heard in times))


def known(runs: list[str]) -> sa.Select[Any]:
    """Return the count of places and jobs of runs by their outcome, where it is known. One told twice counts once."""
    first, last = FATES.c.first_n, FATES.c.last_n
    of_outcome = (FATES.c.run, FATES.c.outcome)
    before = sa.func.max(last).over(partition_by=of_outcome, order_by=(first, FATES.c.seq), rows=(None, -1))
    reached = sa.select(*of_outcome, first, last, FATES.c.jobs, sa.func.coalesce(before, -1).label("before"))
    row = reached.where(FATES.c.run.in_(runs), FATES.c.outcome != "unknown").subquery().c
    more = sa.case((row.before >= row.last_n, 0), (row.before >= row.first_n, row.last_n - row.before),
                   else_=row.last_n - row.first_n + 1)  # fmt: skip
    total = sa.select(row.run, row.outcome, sa.func.sum(more), sa.func.sum(more * row.jobs))
    return total.group_by(row.run, row.outcome)
