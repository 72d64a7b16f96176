"""The journal: every run, every intent and every outcome, in a database that outlives the process.

Intents are on disk before their commands are sent, outcomes after; nothing is ever changed or deleted but by
`Journal.prune`, which is on the record itself. What rows look like to users is in `record`.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from beanops.session.record import OUTCOMES, UNKNOWN, Action, Entry, Fate, Intent, JournalError, RunRow, action_of

_U63 = 2**63


class _Unsigned(sa.TypeDecorator[int]):
    """Unsigned 64 bit in the signed column that databases have."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else _signed(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> int | None:
        return value + 2 * _U63 if value is not None and value < 0 else value


def _signed(value: int) -> int:
    return value - 2 * _U63 if value >= _U63 else value


_SCHEMA = sa.MetaData()
_RUNS = sa.Table(
    "runs",
    _SCHEMA,
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
)
# The ids of a run that names many: megabytes, which a list of runs must not read.
_ASKED = sa.Table(
    "asked",
    _SCHEMA,
    sa.Column("run", sa.String(40), primary_key=True),
    sa.Column("ids", sa.Text, nullable=False),
)
_ACTIONS = sa.Table(
    "actions",
    _SCHEMA,
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
    sa.Column("body", sa.LargeBinary),
)
# One row settles the actions first_n to last_n of a run: a hundred thousand that were all done cost one row.
_OUTCOMES = sa.Table(
    "outcomes",
    _SCHEMA,
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
_FIELDS = tuple(_ACTIONS.c[name] for name in Intent._fields)
# A copy to another server names it in its request, and the new ids are that server's.
_PUTS_HERE = _RUNS.c.request.not_like('%"server": %')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: How a transaction is alone with the database until it ends.
_ALONE = {"sqlite": "begin immediate", "postgresql": "select pg_advisory_xact_lock(7368054)"}
#: Seconds to wait for another process that writes.
_PATIENCE = 30.0
#: Ids that stand with their run; more stand apart.
_FEW = 100
#: Actions that are read at once, and runs that are counted at once.
_PAGE = 1000


class Journal:
    """A journal in a database. Threads may share one, and processes may share its database.

    Parameters
    ----------
    url : str
        A path of a SQLite file, or any URL that SQLAlchemy takes, such as ``postgresql+psycopg://host/ops``.

    Raises
    ------
    JournalError
        It cannot be opened.

    Examples
    --------
    >>> Journal("sqlite://").runs()
    []
    """

    def __init__(self, url: str) -> None:
        try:
            if "://" not in url:
                path = Path(url).expanduser()
                path.parent.mkdir(parents=True, exist_ok=True)
                url = sa.URL.create("sqlite", database=str(path))  # type: ignore[assignment]
            self._engine = sa.create_engine(url)
        except (sa.exc.SQLAlchemyError, ImportError, OSError, ValueError) as error:
            raise JournalError(f"the journal at {url} is of no use: {_one_line(error)}") from None
        self.where = self._engine.url.render_as_string()
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _harden_sqlite)
        with self._transaction() as connection:
            if not sa.inspect(connection).has_table(_ASKED.name):
                # Another process may be about to make the tables in the same moment.
                if self._engine.dialect.name in _ALONE:
                    connection.exec_driver_sql(_ALONE[self._engine.dialect.name])
                _SCHEMA.create_all(connection)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise JournalError(f"the journal at {self.where} failed: {_one_line(error)}") from None

    # -- write ---------------------------------------------------------------------------------------------------

    def begin(self, run: RunRow) -> None:
        """Write down that a run begins."""
        with self._transaction() as connection:
            _insert_run(connection, run)

    def write(
        self,
        run: str,
        time: datetime,
        intents: Sequence[Intent] = (),
        first: int = 0,
        fates: Iterable[tuple[int, Fate]] = (),
    ) -> None:
        """Write down what became of earlier actions of a run and what is about to be done, in one transaction.

        When it returns, both are on disk. What is unknown may become known; what is known stays.

        Parameters
        ----------
        run : str
            Its id.
        time : datetime
            Now, UTC.
        intents : sequence of Intent
            What is about to be done.
        first : int
            The place of the first of them in the run.
        fates : iterable of (int, Fate)
            Places in the run, and what became of the actions there, in order.
        """
        now = _microseconds(time)
        with self._transaction() as connection:
            settled = [
                {"run": run, "first_n": start, "last_n": end, "time": now, **fate._asdict()}
                for start, end, fate in _together(fates)
            ]
            if settled:
                connection.execute(_OUTCOMES.insert(), settled)
            if intents:
                rows = [(run, first + n, now, *intent) for n, intent in enumerate(intents)]
                _insert_many(connection, ("run", "n", "time", *Intent._fields), rows)

    def prune(self, before: datetime, run: RunRow) -> int:
        """Delete the runs of which nothing was heard since a time, and write down that this was done; return how many.

        A run that goes on keeps its row, whenever it began.
        """
        old = sa.not_(_heard_since(before))
        with self._transaction() as connection:
            for table in (_ASKED, _ACTIONS, _OUTCOMES):
                connection.execute(table.delete().where(table.c.run.in_(sa.select(_RUNS.c.id).where(old))))
            pruned = connection.execute(_RUNS.delete().where(old)).rowcount
            _insert_run(connection, run)
            told = f"{pruned} runs were deleted that had ended before {before:%Y-%m-%d %H:%M:%S} UTC"
            place = {"run": run.id, "time": _microseconds(run.time)}
            connection.execute(_ACTIONS.insert(), {**place, "n": 0, **Intent("prune")._asdict()})
            connection.execute(_OUTCOMES.insert(), {**place, "first_n": 0, "last_n": 0, **Fate("done", told)._asdict()})
        return pruned

    # -- read ----------------------------------------------------------------------------------------------------

    def runs(
        self, server: str | None = None, *, since: datetime | None = None, limit: int | None = None, offset: int = 0
    ) -> list[RunRow]:
        """Return runs, the newest first; see `each_run`."""
        return list(self.each_run(server, since=since, limit=limit, offset=offset))

    def each_run(
        self, server: str | None = None, *, since: datetime | None = None, limit: int | None = None, offset: int = 0
    ) -> Iterator[RunRow]:
        """Yield runs as they are read, the newest first. Of the ids that they name, more than a few are left out.

        Parameters
        ----------
        server : str or None
            Those on one server, and what was done to the journal itself; None means all.
        since : datetime or None
            Those of which anything was heard since.
        limit, offset : int or None
            At most so many, without so many of the newest.
        """
        query = sa.select(_RUNS).order_by(_RUNS.c.time.desc(), _RUNS.c.id.desc()).limit(limit).offset(offset)
        query = query.where(*_on(server), *([] if since is None else [_heard_since(since)]))
        with self._transaction() as connection:
            yield from map(_run, connection.execute(query.execution_options(yield_per=_PAGE)))

    def count_runs(self, server: str | None = None) -> int:
        """Return how many runs there are, see `each_run`."""
        query = sa.select(sa.func.count()).select_from(_RUNS).where(*_on(server))
        with self._transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def run(self, id: str) -> RunRow:
        """Return one run, with all that it was asked for.

        Raises
        ------
        JournalError
            There is none of that id.
        """
        with self._transaction() as connection:
            row = connection.execute(sa.select(_RUNS).where(_RUNS.c.id == id)).one_or_none()
            apart = connection.execute(sa.select(_ASKED.c.ids).where(_ASKED.c.run == id)).scalar_one_or_none()
        if row is None:
            raise JournalError(f"the journal at {self.where} has no run {id}")
        run = _run(row)
        return run if apart is None else run._replace(request=run.request | {"ids": json.loads(apart)})

    def undoing(self, run: str) -> list[RunRow]:
        """Return the runs that took back something of a run, oldest first."""
        query = sa.select(_RUNS).where(_RUNS.c.undoes == run).order_by(_RUNS.c.time, _RUNS.c.id)
        with self._transaction() as connection:
            return [_run(row) for row in connection.execute(query)]

    def stamp(self) -> int:
        """Return a number that is another one when something has come to its end since; costs next to nothing."""
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_OUTCOMES.c.seq))).scalar_one() or 0

    def size(self, run: str) -> int:
        """Return how many actions a run has."""
        query = sa.select(sa.func.max(_ACTIONS.c.n)).where(_ACTIONS.c.run == run)
        with self._transaction() as connection:
            last = connection.execute(query).scalar_one()
        return 0 if last is None else int(last) + 1

    def largest_body(self, run: str) -> int:
        """Return how many bytes the largest body of a run has."""
        query = sa.select(sa.func.max(sa.func.length(_ACTIONS.c.body))).where(_ACTIONS.c.run == run)
        with self._transaction() as connection:
            return connection.execute(query).scalar_one() or 0

    def entries(
        self,
        run: str,
        bodies: bool = False,
        start: int = 0,
        stop: int | None = None,
        *,
        since: datetime | None = None,
        action: str | None = None,
        last: int | None = None,
    ) -> list[Entry]:
        """Return the actions of a run, in order.

        Parameters
        ----------
        run : str
            Its id.
        bodies : bool
            Whether to read bodies too; without, they are None.
        start, stop : int
            Places in the run, as in a slice.
        since : datetime or None
            Only those from then on.
        action : str or None
            Only those of this name.
        last : int or None
            At most so many, the last ones.
        """
        fields = _FIELDS if bodies else (*_FIELDS[:-1], sa.null())
        query = sa.select(_ACTIONS.c.n, _ACTIONS.c.time, *fields).where(_ACTIONS.c.run == run, _ACTIONS.c.n >= start)
        if stop is not None:
            query = query.where(_ACTIONS.c.n < stop)
        if since is not None:
            query = query.where(_ACTIONS.c.time >= _microseconds(since))
        if action is not None:
            query = query.where(_ACTIONS.c.action == action)
        with self._transaction() as connection:
            rows = connection.execute(query.order_by(_ACTIONS.c.n.desc()).limit(last)).all()[::-1]
            first, end = (rows[0][0], rows[-1][0] + 1) if rows else (0, 0)
            fates = self._fates(connection, run, first, end)
        return [Entry(n, _EPOCH + time * _MICROSECOND, Intent(*intent), fates[n - first]) for n, time, *intent in rows]

    def actions(
        self, runs: Iterable[RunRow], *, since: datetime | None = None, action: str | None = None
    ) -> Iterator[Action]:
        """Yield the actions of runs as users see them, the last of each run first; they are read as they are wanted."""
        for run in runs:
            stop = None
            while page := self.entries(run.id, stop=stop, since=since, action=action, last=_PAGE):
                for entry in reversed(page):
                    yield action_of(run, entry)
                if len(page) < _PAGE:
                    break
                stop = page[0].n

    def of_job(self, instance: str, id: int) -> list[Action]:
        """Return what was done to a job of one server process, oldest first, and how it was put."""
        here = sa.select(_RUNS.c.id).where(_RUNS.c.instance == instance)
        acted = sa.select(_ACTIONS.c.run, _ACTIONS.c.n).where(_ACTIONS.c.run.in_(here), _ACTIONS.c.job_id == id)
        put = _OUTCOMES.c.run.in_(here.where(_PUTS_HERE))
        made = sa.select(_OUTCOMES.c.run, _OUTCOMES.c.first_n).where(put, _OUTCOMES.c.new_id == id)
        with self._transaction() as connection:
            places = connection.execute(sa.union(acted, made)).all()
        found = [
            action_of(self.run(run), entry) for run, n in places for entry in self.entries(run, start=n, stop=n + 1)
        ]
        return sorted(found, key=lambda action: (action.time, action.run))

    def counts(self, runs: Iterable[str]) -> dict[str, Counter[str]]:
        """Return for each run how many of its actions ended in which outcome; the database counts them."""
        ids = list(runs)
        counts: dict[str, Counter[str]] = {id: Counter() for id in ids}
        size = sa.select(sa.func.max(_ACTIONS.c.n)).where(_ACTIONS.c.run == _RUNS.c.id).scalar_subquery()
        with self._transaction() as connection:
            for part in (ids[at : at + _PAGE] for at in range(0, len(ids), _PAGE)):
                for run, last in connection.execute(sa.select(_RUNS.c.id, size).where(_RUNS.c.id.in_(part))):
                    counts[run]["unknown"] = 0 if last is None else last + 1
                for run, outcome, places, jobs in connection.execute(_known(part)):
                    counts[run][outcome] += int(jobs)
                    counts[run]["unknown"] -= int(places)
        return {id: +count for id, count in counts.items()}

    def imports(self, server: str, instance: str, digest: str) -> list[RunRow]:
        """Return the imports of a file of that digest into a server, oldest first, whichever address it was called by.

        The server is known by its address, by its process, and by the processes that answered at its address.
        """
        known = sa.select(_RUNS.c.instance).where(_RUNS.c.server == server)
        here = sa.or_(_RUNS.c.server == server, _RUNS.c.instance == instance, _RUNS.c.instance.in_(known))
        query = sa.select(_RUNS).where(here, _RUNS.c.action == "import").order_by(_RUNS.c.time, _RUNS.c.id)
        with self._transaction() as connection:
            return [run for run in map(_run, connection.execute(query)) if run.request["digest"] == digest]

    def imported(self, run: str) -> Iterator[tuple[int, str]]:
        """Yield line and outcome of what an import did, in order."""
        with self._transaction() as connection:
            of_run = sa.select(_ACTIONS.c.target).where(_ACTIONS.c.run == run).order_by(_ACTIONS.c.n)
            lines = array("L", map(int, connection.scalars(of_run.execution_options(yield_per=10_000))))
            # A million lines each have an outcome of their own: a byte for each, not a `Fate`.
            outcomes = bytearray([OUTCOMES.index("unknown")]) * len(lines)
            columns = sa.select(_OUTCOMES.c.first_n, _OUTCOMES.c.last_n, _OUTCOMES.c.outcome)
            settled = columns.where(_OUTCOMES.c.run == run).order_by(_OUTCOMES.c.seq)
            for first, last, outcome in connection.execute(settled.execution_options(yield_per=10_000)):
                outcomes[first : last + 1] = bytes([OUTCOMES.index(outcome)]) * (last + 1 - first)
            yield from ((line, OUTCOMES[code]) for line, code in zip(lines, outcomes, strict=True))

    def highest_id(self, instance: str) -> int:
        """Return the highest job id that the journal knows of one server process, 0 for none."""
        here = sa.select(_RUNS.c.id).where(_RUNS.c.instance == instance)
        acted = sa.select(sa.func.max(_ACTIONS.c.job_id)).where(_ACTIONS.c.run.in_(here), _ACTIONS.c.state_before != "")
        made = sa.select(sa.func.max(_OUTCOMES.c.new_id)).where(_OUTCOMES.c.run.in_(here.where(_PUTS_HERE)))
        with self._transaction() as connection:
            return max(connection.execute(acted).scalar_one() or 0, connection.execute(made).scalar_one() or 0)

    def _fates(self, connection: sa.Connection, run: str, start: int, stop: int) -> list[Fate]:
        fates = [UNKNOWN] * (stop - start)
        within = (_OUTCOMES.c.run == run, _OUTCOMES.c.last_n >= start, _OUTCOMES.c.first_n < stop)
        for row in connection.execute(sa.select(_OUTCOMES).where(*within).order_by(_OUTCOMES.c.seq)):
            fate = Fate(row.outcome, row.error, row.new_id, row.jobs)
            first, end = max(row.first_n, start), min(row.last_n + 1, stop)
            fates[first - start : end - start] = [fate] * (end - first)
        return fates


def _on(server: str | None) -> list[sa.ColumnElement[bool]]:
    """Return what chooses the runs on a server; what was done to the journal itself is shown on every one."""
    return [] if server is None else [_RUNS.c.server.in_([server, ""])]


def _heard_since(moment: datetime) -> sa.ColumnElement[bool]:
    """Return whether a run began, went on or was settled since a moment."""
    since = _microseconds(moment)
    of_run = sa.select(_ACTIONS.c.time).where(_ACTIONS.c.run == _RUNS.c.id)
    acted = of_run.order_by(_ACTIONS.c.n.desc()).limit(1).correlate(_RUNS).scalar_subquery()
    last = sa.select(sa.func.max(_OUTCOMES.c.time)).where(_OUTCOMES.c.run == _RUNS.c.id)
    settled = last.correlate(_RUNS).scalar_subquery()
    return sa.or_(_RUNS.c.time >= since, sa.func.coalesce(acted, 0) >= since, sa.func.coalesce(settled, 0) >= since)


def _known(runs: list[str]) -> sa.Select[Any]:
    """Return the count of places and jobs of runs by their outcome, where it is known. One told twice counts once."""
    first, last = _OUTCOMES.c.first_n, _OUTCOMES.c.last_n
    of_outcome = (_OUTCOMES.c.run, _OUTCOMES.c.outcome)
    before = sa.func.max(last).over(partition_by=of_outcome, order_by=(first, _OUTCOMES.c.seq), rows=(None, -1))
    reached = sa.select(*of_outcome, first, last, _OUTCOMES.c.jobs, sa.func.coalesce(before, -1).label("before"))
    row = reached.where(_OUTCOMES.c.run.in_(runs), _OUTCOMES.c.outcome != "unknown").subquery().c
    more = sa.case((row.before >= row.last_n, 0), (row.before >= row.first_n, row.last_n - row.before),
                   else_=row.last_n - row.first_n + 1)  # fmt: skip
    total = sa.select(row.run, row.outcome, sa.func.sum(more), sa.func.sum(more * row.jobs))
    return total.group_by(row.run, row.outcome)


def _insert_run(connection: sa.Connection, run: RunRow) -> None:
    request, ids = run.request, run.request.get("ids")
    if isinstance(ids, list) and len(ids) > _FEW:
        request = request | {"ids": {"count": len(ids)}}
        connection.execute(_ASKED.insert(), {"run": run.id, "ids": json.dumps(ids)})
    row = run._asdict() | {"time": _microseconds(run.time), "request": json.dumps(request)}
    connection.execute(_RUNS.insert(), row)


def _harden_sqlite(connection: Any, _: Any) -> None:
    """Commit to disk, not to the page cache; let several processes write, one after the other."""
    for pragma in (f"busy_timeout = {int(_PATIENCE * 1000)}", "journal_mode = wal", "synchronous = full"):
        connection.execute(f"pragma {pragma}")


def _insert_many(connection: sa.Connection, names: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    """Insert actions without the cost of a dict and a pass through the type system for each, which is two thirds."""
    at = names.index("job_id")
    rows = [row if row[at] is None or row[at] < _U63 else (*row[:at], _signed(row[at]), *row[at + 1 :]) for row in rows]
    compiled = _ACTIONS.insert().compile(dialect=connection.dialect, column_keys=list(names))
    if compiled.positional:
        connection.exec_driver_sql(str(compiled), rows)
    else:
        connection.exec_driver_sql(str(compiled), [dict(zip(names, row, strict=True)) for row in rows])


def _together(fates: Iterable[tuple[int, Fate]]) -> Iterator[tuple[int, int, Fate]]:
    """Join neighbours that ended the same way."""
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


def _run(row: sa.Row[Any]) -> RunRow:
    values = row._asdict()
    return RunRow(**values | {"time": _EPOCH + row.time * _MICROSECOND, "request": json.loads(row.request)})


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _one_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())
