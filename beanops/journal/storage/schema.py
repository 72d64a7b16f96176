"""Versions of the journal's tables, and the migration from each version to the next.

The table ``schema_version`` has the version of a database; tables without it are of version 1. A migration only adds,
so that a beanops of the previous version can still write. `tables` has the tables of the current version.
"""

from __future__ import annotations

import glob
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from beanops import private
from beanops.journal.records import JournalError
from beanops.journal.storage.tables import ACTIONS, ASKED, LEASES, PAUSES, RUNS, SCHEMA, VERSION

#: How a transaction locks out all other writers.
_LOCK = {"sqlite": "begin immediate", "postgresql": "select pg_advisory_xact_lock(7368054)"}
#: Changing a table waits for all readers and blocks all writers: give up after a while.
_LOCK_TIMEOUT = {"postgresql": "set local lock_timeout = '30s'"}
_UNSTAMPED = 1

_log = logging.getLogger("beanops")


def lock_for_writing(connection: sa.Connection) -> None:
    """Make the transaction that a connection begins the only one that writes, until its end."""
    if connection.dialect.name in _LOCK:
        connection.exec_driver_sql(_LOCK[connection.dialect.name])


def bring_up_to_date(engine: sa.Engine, where: str) -> None:
    """Create the tables, or migrate those of an older version; a SQLite file is copied first.

    Parameters
    ----------
    engine : Engine
        The engine of the database.
    where : str
        Name of the database in messages.

    Raises
    ------
    JournalError
        The tables are of a newer version, or the copy could not be made.
    """
    with engine.begin() as connection:
        if _is_current(connection, where):
            return
    with engine.begin() as connection:
        lock_for_writing(connection)
        if _is_current(connection, where):
            return  # another process was faster
        version, saved = _version(connection, where), None
        if version is not None and version < CURRENT:
            saved = _saved(connection, version, where)
            if connection.dialect.name in _LOCK_TIMEOUT:
                connection.exec_driver_sql(_LOCK_TIMEOUT[connection.dialect.name])
            for number in range(version + 1, CURRENT + 1):
                _STEPS[number](connection)
        SCHEMA.create_all(connection)
        connection.execute(VERSION.delete())
        connection.execute(VERSION.insert(), {"version": CURRENT})
    if version is not None and version < CURRENT:
        kept = f"; a copy of the old file is {saved}" if saved else ""
        _log.warning("beanops: the journal at %s was migrated from version %d to %d%s", where, version, CURRENT, kept)


def _is_current(connection: sa.Connection, where: str) -> bool:
    return _version(connection, where) == CURRENT and SCHEMA.tables.keys() <= _names(connection)


def _names(connection: sa.Connection) -> set[str]:
    return set(sa.inspect(connection).get_table_names())


def _version(connection: sa.Connection, where: str) -> int | None:
    """Return the version of the tables, None where there are none."""
    names, stamp = _names(connection), None
    if VERSION.name in names:
        stamp = connection.execute(sa.select(sa.func.max(VERSION.c.version))).scalar_one()
    if stamp is None:
        return _UNSTAMPED if RUNS.name in names else None
    if stamp > CURRENT:
        raise JournalError(
            f"the journal at {where} has version {stamp}, and this beanops knows versions up to {CURRENT}:"
            " upgrade beanops, or set BEANOPS_JOURNAL to another journal"
        )
    return int(stamp)


def _saved(connection: sa.Connection, version: int, where: str) -> Path | None:
    """Copy a SQLite file with all that was committed to it, also what is in its WAL still; return the copy's path.

    The caller is alone with the database, so the copy is what the steps begin with.
    """
    file = connection.engine.url.database
    if connection.dialect.name != "sqlite" or not file or file == ":memory:" or file.startswith("file:"):
        return None
    path = _new_name(Path(file), version)
    for left in path.parent.glob(f"{glob.escape(Path(file).name)}.v*.bak.*.tmp"):
        left.unlink(missing_ok=True)  # of a process that was killed
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        private.create(draft).close()  # it holds the bodies of jobs
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("pragma journal_mode = delete")  # one file, without a WAL beside it
        with draft.open("rb") as whole:
            os.fsync(whole.fileno())
        draft.rename(path)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise JournalError(
            f"the journal at {where} has version {version} and was not migrated to {CURRENT}, as no copy could be"
            f" made beside it ({why}): make room or allow writing there"
        ) from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return path


def _new_name(file: Path, version: int) -> Path:
    name = f"{file.name}.v{version}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    path, number = file.with_name(f"{name}.bak"), 1
    while path.exists():
        number += 1
        path = file.with_name(f"{name}-{number}.bak")
    return path


def _add(connection: sa.Connection, *columns: sa.Column[object]) -> None:
    """Add columns that a table does not have yet; rows of before have no value there."""
    for column in columns:
        table = column.table
        assert isinstance(table, sa.Table)
        assert column.nullable
        if column.name not in {known["name"] for known in sa.inspect(connection).get_columns(table.name)}:
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"alter table {table.name} add column {column.name} {kind}")


def _to_2(connection: sa.Connection) -> None:
    """Add when a job was put and the digest of its body, and which runs go on, or went on with which."""
    ASKED.create(connection, checkfirst=True)
    LEASES.create(connection, checkfirst=True)
    PAUSES.create(connection, checkfirst=True)
    _add(connection, ACTIONS.c.created, ACTIONS.c.digest)
    of_runs = sa.select(RUNS.c.id, RUNS.c.time, RUNS.c.request).order_by(RUNS.c.time)
    roots: dict[str, str] = {}
    for id, time, request in connection.execute(of_runs.where(RUNS.c.request.like('%"resumes": "%'))).all():
        before = json.loads(request).get("resumes")
        if isinstance(before, str):
            roots[id] = roots.get(before, before)
            row = {"run": id, "root": roots[id], "owner": "", "alive_until": time, "ended": time}
            connection.execute(LEASES.insert(), row)


def _to_3(connection: sa.Connection) -> None:
    """Call the end of a pause ``unpause``; ``resume`` continues a run."""
    for table in (RUNS, ACTIONS):
        connection.execute(table.update().where(table.c.action == "resume").values(action="unpause"))


def _to_4(connection: sa.Connection) -> None:
    """Add what an edit changes."""
    _add(connection, ACTIONS.c.delay_before, ACTIONS.c.new_state, ACTIONS.c.new_body)


def _to_5(connection: sa.Connection) -> None:
    """Add the call on several servers that a run is part of."""
    _add(connection, RUNS.c.fleet)
    for index in RUNS.indexes:
        index.create(connection, checkfirst=True)


#: The step to each version from the one before it.
_STEPS: Mapping[int, Callable[[sa.Connection], None]] = {2: _to_2, 3: _to_3, 4: _to_4, 5: _to_5}
CURRENT = max(_STEPS)
