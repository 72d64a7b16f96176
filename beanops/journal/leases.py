"""Which runs go on, in the journal: each is on lease from its beginning to its end.

A run that was taken for dead, and was not, can prolong its lease no more: it writes nothing down, and so sends nothing.
Each function is part of a transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from beanops.journal.records import JournalError, Refused, RunRow
from beanops.journal.signs_of_life import Lease, is_elsewhere, is_gone
from beanops.journal.tables import LEASES, microseconds


def take(connection: sa.Connection, run: RunRow, lease: Lease) -> None:
    """Begin the lease of a run.

    Raises
    ------
    Refused
        It goes on with a run that goes on itself, or that another goes on with.
    """
    resumed = run.request.get("resumes")
    root = run.id if resumed is None else root_of(connection, resumed)
    if resumed is not None:
        refuse_what_goes_on(connection, root, run.time)
        ended = LEASES.update().where(LEASES.c.root == root, LEASES.c.ended.is_(None))
        connection.execute(ended.values(ended=microseconds(run.time)))
    until = microseconds(lease.until)
    connection.execute(LEASES.insert(), {"run": run.id, "root": root, "owner": lease.owner, "alive_until": until})


def root_of(connection: sa.Connection, run: str) -> str:
    """Return the first of the runs that a run goes on with."""
    root = connection.execute(sa.select(LEASES.c.root).where(LEASES.c.run == run)).scalar_one_or_none()
    return run if root is None else str(root)


def refuse_what_goes_on(connection: sa.Connection, root: str, now: datetime) -> None:
    """Raise `Refused` where one of the runs that began with `root` goes on still."""
    row = going_on(connection, root, now)
    if row is not None:
        left = (row.alive_until - microseconds(now)) / 1e6
        raise Refused(f"run {row.run} still goes on ({_told(row.owner, left)}")


def going_on(connection: sa.Connection, root: str, now: datetime) -> sa.Row[Any] | None:
    """Return the lease of the run that goes on still, of those that began with `root`; None where none does."""
    open_ones = sa.select(LEASES).where(LEASES.c.root == root, LEASES.c.ended.is_(None))
    live = (row for row in connection.execute(open_ones).all() if row.alive_until > microseconds(now))
    return next((row for row in live if not is_gone(row.run, row.owner)), None)


def _told(owner: str, left: float) -> str:
    host, *_, pid, _ = owner.split(" ")
    later = f", or in {left:.0f} s if that process is gone" if is_elsewhere(owner) else ""
    return f"process {pid} on {host}): resume it when it has ended{later}"


def hold(connection: sa.Connection, run: str, lease: Lease) -> None:
    """Prolong a lease before something is done.

    Raises
    ------
    JournalError
        The run was taken for dead.
    """
    known = LEASES.update().where(LEASES.c.run == run, LEASES.c.ended.is_(None))
    if not connection.execute(known.values(alive_until=microseconds(lease.until))).rowcount:
        raise JournalError(f"run {run} was taken for dead and resumed by another process, and so it ends here")


def end(connection: sa.Connection, run: str, now: datetime) -> None:
    """Write down that a run has ended."""
    known = LEASES.update().where(LEASES.c.run == run, LEASES.c.ended.is_(None))
    connection.execute(known.values(ended=microseconds(now)))


def prolong(connection: sa.Connection, runs: Iterable[str], lease: Lease) -> None:
    """Say that runs go on."""
    known = LEASES.update().where(LEASES.c.run.in_(list(runs)), LEASES.c.ended.is_(None))
    connection.execute(known.values(alive_until=microseconds(lease.until)))
