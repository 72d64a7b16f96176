"""The journal's tables, and the conversion between rows and values. `journal` queries them.

A change of a table needs a migration in `schema`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

from beanops.journal.records import UNKNOWN, Fate, Intent, RunRow

_U63 = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Maximum number of ids in the row of a run; more go to the table `ASKED`.
_FEW = 100
#: Rows that one statement inserts into SQLite, which allows 32,766 values; before 3.32 only 999.
_TOGETHER = 500 if sqlite3.sqlite_version_info >= (3, 32) else 1_000_000


class _Unsigned(sa.TypeDecorator[int]):
    """An unsigned 64-bit number in the signed column that databases have."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else _signed(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> int | None:
        return value + 2 * _U63 if value is not None and value < 0 else value


def _signed(value: int) -> int:
    return value - 2 * _U63 if value >= _U63 else value


SCHEMA = sa.MetaData()
VERSION = sa.Table("schema_version", SCHEMA, sa.Column("version", sa.Integer, nullable=False))
RUNS = sa.Table(
    "runs",
    SCHEMA,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("time", sa.BigInteger, nullable=False, index=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("instance", sa.String(32), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("undoes", sa.String(40)),
    sa.Column("request", sa.Text, nullable=False),
    # The call on several servers that it is part of.
    sa.Column("fleet", sa.String(40), index=True),
)
# Leases: the process that executes a run, until when it counts as alive, and when the run ended. The root is the first
# of a chain of runs that resume one another. A run of version 1 has no row and is not under way.
LEASES = sa.Table(
    "leases",
    SCHEMA,
    sa.Column("run", sa.String(40), primary_key=True),
    sa.Column("root", sa.String(40), nullable=False, index=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("alive_until", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
)
# The ids of a run that names many, with facts about these jobs: megabytes that a list of runs must not read.
ASKED = sa.Table(
    "asked",
    SCHEMA,
    sa.Column("run", sa.String(40), primary_key=True),
    sa.Column("ids", sa.Text, nullable=False),
)
ACTIONS = sa.Table(
    "actions",
    SCHEMA,
    sa.Column("run", sa.String(40), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("tube", sa.Text),
    sa.Column("job_id", _Unsigned),
    sa.Column("state_before", sa.String(10)),
    sa.Column("priority", sa.BigInteger),
    sa.Column("delay", sa.BigInteger),
    sa.Column("priority_before", sa.BigInteger),
    sa.Column("time_left", sa.BigInteger),
    sa.Column("ttr", sa.BigInteger),
    sa.Column("target", sa.Text),
    # Before the body, which may fill many pages: reading the columns before it does not read these pages.
    sa.Column("created", sa.Double),
    sa.Column("digest", sa.Text),
    sa.Column("body", sa.LargeBinary),
    # Of an edit. Without it these take no room.
    sa.Column("delay_before", sa.BigInteger),
    sa.Column("new_state", sa.String(10)),
    sa.Column("new_body", sa.LargeBinary),
)
# One row settles the actions first_n to last_n of a run: one row for a hundred thousand that were all done.
FATES = sa.Table(
    "outcomes",
    SCHEMA,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("run", sa.String(40), nullable=False),
    sa.Column("first_n", sa.Integer, nullable=False),
    sa.Column("last_n", sa.Integer, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("new_id", _Unsigned),
    sa.Column("jobs", sa.BigInteger, nullable=False),
    sa.Index("outcomes_of_run", "run", "last_n", "first_n"),
)
# Which runs need a tube of a server process to stay paused, and until when at most.
PAUSES = sa.Table(
    "pauses",
    SCHEMA,
    sa.Column("run", sa.String(40), primary_key=True),
    sa.Column("tube", sa.String(200), primary_key=True),
    sa.Column("instance", sa.String(32), nullable=False),
    sa.Column("needed_until", sa.BigInteger, nullable=False),
    # Whether runs of this journal paused the tube, and until when somebody else had paused it before (0: not).
    sa.Column("ours", sa.Boolean, nullable=False),
    sa.Column("before_until", sa.BigInteger, nullable=False),
    # Whether its run is ending the pause.
    sa.Column("lifting", sa.Boolean, nullable=False),
)

#: The columns of `RUNS` that make a `RunRow`.
RUN_FIELDS = tuple(RUNS.c[name] for name in RunRow._fields)

_ACTION_NAMES = ("run", "n", "time", *Intent._fields)
#: The same table with its columns in the order of the inserted rows.
_IN_ORDER = sa.table(ACTIONS.name, *map(sa.column, _ACTION_NAMES))
_FATE_NAMES = ("run", "first_n", "last_n", "time", *Fate._fields)
_FATES_IN_ORDER = sa.table(FATES.name, *map(sa.column, _FATE_NAMES))


def insert_run(connection: sa.Connection, run: RunRow) -> None:
    """Record a run."""
    request, ids = run.request, run.request.get("ids")
    if isinstance(ids, list) and len(ids) > _FEW:
        apart = {name: request[name] for name in ("ids", "facts") if name in request}
        request = {name: value for name, value in request.items() if name != "facts"} | {"ids": {"count": len(ids)}}
        connection.execute(ASKED.insert(), {"run": run.id, "ids": json.dumps(apart)})
    row = run._asdict() | {"time": microseconds(run.time), "request": json.dumps(request)}
    connection.execute(RUNS.insert(), row)


def insert_actions(connection: sa.Connection, run: str, now: datetime, first: int, intents: Iterable[Intent]) -> None:
    """Record intents, the first of them at a position in the run.

    Inserting tuples as they are saves the two thirds of the time that a dict and SQLAlchemy's types cost.
    """
    at, time = _ACTION_NAMES.index("job_id"), microseconds(now)
    rows: list[tuple[Any, ...]] = [(run, n, time, *intent) for n, intent in enumerate(intents, first)]
    rows = [row if row[at] is None or row[at] < _U63 else (*row[:at], _signed(row[at]), *row[at + 1 :]) for row in rows]
    _insert(connection, _IN_ORDER, _ACTION_NAMES, rows)


def insert_fates(connection: sa.Connection, run: str, now: datetime, fates: Iterable[tuple[int, Fate]]) -> None:
    """Record the outcomes of the actions at positions of a run, in order."""
    time = microseconds(now)
    rows = [
        (run, start, end, time, outcome, error, None if new is None else _signed(new), jobs)
        for start, end, (outcome, error, new, jobs) in _together(fates)
    ]
    _insert(connection, _FATES_IN_ORDER, _FATE_NAMES, rows)


def _insert(
    connection: sa.Connection, table: sa.TableClause, names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    statement, positional = _statement(connection.dialect, table, names)
    together = _TOGETHER if positional and connection.dialect.name == "sqlite" else len(rows) + 1
    # Between two rows the interpreter may go to another thread, and waits to come back: insert many in one statement.
    while len(rows) >= together:
        connection.exec_driver_sql(_of_many(statement, together), tuple(chain.from_iterable(rows[:together])))
        rows = rows[together:]
    if rows:
        connection.exec_driver_sql(
            statement, rows if positional else [dict(zip(names, row, strict=True)) for row in rows]
        )


@lru_cache(16)  # compiling takes a millisecond
def _statement(dialect: sa.Dialect, table: sa.TableClause, names: tuple[str, ...]) -> tuple[str, bool]:
    compiled = table.insert().compile(dialect=dialect, column_keys=list(names))
    return str(compiled), compiled.positional


@lru_cache(16)
def _of_many(statement: str, rows: int) -> str:
    """Return the statement that inserts so many rows, given that for one."""
    into, _, values = statement.rpartition(" VALUES ")
    return f"{into} VALUES {', '.join([values] * rows)}"


def _together(fates: Iterable[tuple[int, Fate]]) -> Iterator[tuple[int, int, Fate]]:
    """Join neighbours with the same outcome."""
    start = end = -1
    last = UNKNOWN
    for n, fate in fates:
        if fate == last and n == end + 1 and fate.new_id is None and fate.jobs == 1:
            end = n
        else:
            if start >= 0:
                yield start, end, last
            start = end = n
            last = fate
    if start >= 0:
        yield start, end, last


def asked_of(apart: str) -> dict[str, Any]:
    """Return the part of a request that is stored apart; in a journal of version 1 that is the ids alone."""
    asked: Any = json.loads(apart)
    return asked if isinstance(asked, dict) else {"ids": asked}


def run_of(row: sa.Row[Any]) -> RunRow:
    """Return a row as a run."""
    fields = {name: getattr(row, name) for name in RunRow._fields}
    return RunRow(**fields | {"time": moment(row.time), "request": json.loads(row.request)})


def microseconds(time: datetime) -> int:
    """Return a time as the tables store it."""
    return (time - _EPOCH) // _MICROSECOND


def moment(time: int) -> datetime:
    """Return a time from the tables."""
    return _EPOCH + time * _MICROSECOND
