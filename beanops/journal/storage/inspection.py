"""Look at a journal without creating, changing or migrating anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import sqlalchemy as sa

from beanops.journal.heartbeat import is_gone
from beanops.journal.records import JournalError, RunCounts, counted_run
from beanops.journal.storage.database import engine_for
from beanops.journal.storage.outcomes import counts_of
from beanops.journal.storage.schema import CURRENT
from beanops.journal.storage.tables import LEASES, RUN_FIELDS, RUNS, VERSION, microseconds, run_of
from beanops.journal.storage.url import DatabaseUrl

#: Newest runs that are looked at one by one.
MOST_RUNS = 1000


class JournalState(NamedTuple):
    """What a look at a journal found.

    Attributes
    ----------
    where : str
        The journal, without a password.
    version, current : int
        The version of its tables, and the one that this beanops writes. Other fields need the same version.
    runs : int
        Number of runs.
    recent : sequence of RunCounts
        The newest runs, at most `MOST_RUNS`, newest first.
    interrupted : sequence of str
        Runs that have not ended although their process has, or their lease.
    """

    where: str
    version: int
    current: int
    runs: int = 0
    recent: Sequence[RunCounts] = ()
    interrupted: Sequence[str] = ()


def inspect_journal(url: str, now: datetime) -> JournalState:
    """Look at a journal.

    Parameters
    ----------
    url : str
        A path of a SQLite file that exists, or a URL of a database.
    now : datetime
        The time, UTC.

    Raises
    ------
    JournalError
        It cannot be read, or is no journal; the text has no password.
    """
    known = DatabaseUrl(url)
    if known.problem is not None:
        raise JournalError(f"cannot use the journal at {known.shown}: {known.problem}")
    try:
        engine = _file(Path(url).expanduser()) if "://" not in url else engine_for(url)
    except (sa.exc.SQLAlchemyError, ImportError, TypeError, ValueError) as error:
        raise JournalError(f"cannot use the journal at {known.shown}: {known.said(error)}") from None
    try:
        with engine.connect() as connection:
            return _look(connection, known.shown, now)
    except (sa.exc.SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise JournalError(f"cannot read the journal at {known.shown}: {known.said(error)}") from None
    finally:
        engine.dispose()


def _file(path: Path) -> sa.Engine:
    """Return the engine of a SQLite file that is only read."""
    name = f"file:{quote(str(path.absolute()))}?mode=ro"
    return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(name, uri=True))


def _look(connection: sa.Connection, where: str, now: datetime) -> JournalState:
    names = set(sa.inspect(connection).get_table_names())
    if RUNS.name not in names:
        raise JournalError(f"the database at {where} is no journal of beanops")
    stamp = None
    if VERSION.name in names:
        stamp = connection.execute(sa.select(sa.func.max(VERSION.c.version))).scalar_one()
    version = int(stamp or 1)
    if version != CURRENT:
        return JournalState(where, version, CURRENT)
    number = connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one()
    newest = sa.select(*RUN_FIELDS).order_by(RUNS.c.time.desc(), RUNS.c.id.desc()).limit(MOST_RUNS)
    runs = [run_of(row) for row in connection.execute(newest)]
    counts = counts_of(connection, [run.id for run in runs])
    leases = connection.execute(sa.select(LEASES).where(LEASES.c.ended.is_(None))).all()
    interrupted = [row.run for row in leases if row.alive_until < microseconds(now) or is_gone(row.run, row.owner)]
    recent = [counted_run(run, counts.get(run.id, {})) for run in runs]
    return JournalState(where, version, CURRENT, number, recent, interrupted)
