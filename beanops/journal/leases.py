"""Leases of runs: which runs are under way. A run holds a lease from its beginning to its end.

A run whose lease another run took over cannot prolong it: it records nothing more, and so sends nothing more.
Each function is part of a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from beanops.journal.heartbeat import Lease, is_elsewhere, is_gone
from beanops.journal.records import JournalError, Refused, RunRow
from beanops.journal.storage.tables import LEASES, microseconds


def take(connection: sa.Connection, run: RunRow, lease: Lease) -> None:
    """Begin the lease of a run.

    Raises
    ------
    Refused
        It resumes a run that is still under way, or that another run is resuming.
    """
    resumed = run.request.get("resumes")
    root = run.id if resumed is None else root_of(connection, resumed)
    if resumed is not None:
        refuse_if_under_way(connection, root, run.time)
        ended = LEASES.update().where(LEASES.c.root == root, LEASES.c.ended.is_(None))
        connection.execute(ended.values(ended=microseconds(run.time)))
    until = microseconds(lease.until)
    connection.execute(LEASES.insert(), {"run": run.id, "root": root, "owner": lease.owner, "alive_until": until})


def root_of(connection: sa.Connection, run: str) -> str:
    """Return the first of the chain of runs that a run resumes; the run itself where it resumes none."""
    root = connection.execute(sa.select(LEASES.c.root).where(LEASES.c.run == run)).scalar_one_or_none()
    return run if root is None else str(root)


def refuse_if_under_way(connection: sa.Connection, root: str, now: datetime) -> None:
    """Raise `Refused` where a run of the chain that began with `root` is still under way."""
    row = under_way(connection, root, now)
    if row is not None:
        left = (row.alive_until - microseconds(now)) / 1e6
        raise Refused(f"run {row.run} is still under way in {_advice(row.owner, left)}")


def under_way(connection: sa.Connection, root: str, now: datetime) -> sa.Row[Any] | None:
    """Return the lease of the run of a chain that is still under way, None where there is none."""
    open_ones = sa.select(LEASES).where(LEASES.c.root == root, LEASES.c.ended.is_(None))
    live = (row for row in connection.execute(open_ones).all() if row.alive_until > microseconds(now))
    return next((row for row in live if not is_gone(row.run, row.owner)), None)


def _advice(owner: str, left: float) -> str:
    host, *_, pid, _ = owner.split(" ")
    later = f", or in {left:.0f} s if that process has died" if is_elsewhere(owner) else ""
    return f"process {pid} on {host}: resume it when it has ended{later}"


def hold(connection: sa.Connection, run: str, lease: Lease) -> None:
    """Prolong a lease before the run acts.

    Raises
    ------
    JournalError
        Another run took the lease over.
    """
    known = LEASES.update().where(LEASES.c.run == run, LEASES.c.ended.is_(None))
    if not connection.execute(known.values(alive_until=microseconds(lease.until))).rowcount:
        raise JournalError(f"run {run} ends here: its lease had run out and another process resumed it")


def end(connection: sa.Connection, run: str, now: datetime) -> None:
    """Record that a run has ended."""
    known = LEASES.update().where(LEASES.c.run == run, LEASES.c.ended.is_(None))
    connection.execute(known.values(ended=microseconds(now)))


def prolong(connection: sa.Connection, runs: Iterable[str], lease: Lease) -> None:
    """Prolong the leases of runs that are under way."""
    known = LEASES.update().where(LEASES.c.run.in_(list(runs)), LEASES.c.ended.is_(None))
    connection.execute(known.values(alive_until=microseconds(lease.until)))
