"""The journal: every run, every intent and every outcome, in a database that outlives the process.

Intents are on disk before their commands are sent, outcomes after; no run, intent or outcome is ever changed, and none
deleted but by `Journal.prune`, which is on the record itself. What goes on just now changes: see `leases` and `pauses`.
The tables are in `tables`, what users see of them in `record`.
"""

from __future__ import annotations

import sqlite3
import weakref
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import heappop, heappush
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import sqlalchemy as sa

from beanops import private
from beanops.journal import leases
from beanops.journal.database_url import Place
from beanops.journal.filters import EVERYTHING, Filter
from beanops.journal.pauses import Pauses
from beanops.journal.queries import active_since, known, of_actions, of_runs, puts_here, with_jobs
from beanops.journal.records import (
    OUTCOMES,
    UNKNOWN,
    Action,
    Entry,
    Fate,
    Intent,
    JournalError,
    RunCounts,
    RunRow,
    action_of,
)
from beanops.journal.schema import alone, bring_up_to_date
from beanops.journal.signs_of_life import Lease
from beanops.journal.tables import (
    ACTIONS,
    ASKED,
    FATES,
    LEASES,
    PAUSES,
    RUN_FIELDS,
    RUNS,
    asked_of,
    insert_actions,
    insert_fates,
    insert_run,
    moment,
    run_of,
)

T = TypeVar("T")

_FIELDS = tuple(ACTIONS.c[name] for name in Intent._fields)
_WITHOUT_BODY = tuple(sa.null() if column.name == "body" else column for column in _FIELDS)
#: Seconds to wait for another process that writes.
_PATIENCE = 30.0
#: Seconds to wait for the connection to a database server.
_CONNECT = 10
#: Actions that are read at once, and runs that are counted at once.
_PAGE = 1000


class Journal:
    """A journal in a database. Threads may share one, and processes may share its database.

    Parameters
    ----------
    url : str
        A path of a SQLite file, or any URL that SQLAlchemy takes, such as ``postgresql+psycopg://host/ops``.

    Attributes
    ----------
    where : str
        The same, without a password.
    pauses : Pauses
        Which runs need tubes to stay paused.

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
        self._place = Place(url)
        self.where = self._place.shown
        if self._place.problem is not None:
            raise JournalError(f"the journal at {self.where} is of no use: {self._place.problem}")
        try:
            if "://" not in url:
                path = Path(url).expanduser()
                private.make_folder(path.parent)
                url = sa.URL.create("sqlite", database=str(path))  # type: ignore[assignment]
            self._engine = _engine(url)
            if self._engine.dialect.name == "sqlite":
                private.database(self._engine.url.database)
        except (sa.exc.SQLAlchemyError, ImportError, OSError, TypeError, ValueError) as error:
            told = self._place.hidden(_one_line(error))
            raise JournalError(f"the journal at {self.where} is of no use: {told}") from None
        self.pauses = Pauses(self._alone)
        # The connections of a journal that nobody closed end with it, or with the process.
        self._closing = weakref.finalize(self, self._engine.dispose)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _harden_sqlite)
        try:
            with self._faults_told():
                bring_up_to_date(self._engine, self.where)
        except BaseException as error:
            self.close()
            if not isinstance(error, TypeError | ValueError):
                raise
            # A parameter of the URL that the driver does not know, or cannot read.
            told = self._place.hidden(_one_line(error))
            raise JournalError(f"the journal at {self.where} is of no use: {told}") from None

    def __repr__(self) -> str:
        return f"<Journal {self.where}>"

    def close(self) -> None:
        """Close the database; what is asked after that raises `JournalError`."""
        self._closing()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if not self._closing.alive:
            raise JournalError(f"the journal at {self.where} is closed: open another, or use it before close()")
        with self._faults_told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        """Give a transaction beside which nobody else writes."""
        with self._transaction() as connection:
            alone(connection)
            yield connection

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.SQLAlchemyError, OSError) as error:
            told = self._place.hidden(_one_line(error))
            raise JournalError(f"the journal at {self.where} failed: {told}") from None

    # -- write ---------------------------------------------------------------------------------------------------

    def begin(self, run: RunRow, lease: Lease | None = None) -> None:
        """Write down that a run begins.

        Parameters
        ----------
        run : RunRow
            The run.
        lease : Lease or None
            Of the process that carries it out.

        Raises
        ------
        Refused
            It goes on with a run that goes on itself, or that another goes on with; nothing is written down.
        """
        with self._transaction() as connection:
            if lease is not None:
                if "resumes" in run.request:
                    alone(connection)
                leases.take(connection, run, lease)
            insert_run(connection, run)

    def prolong(self, runs: Iterable[str], lease: Lease) -> None:
        """Write down that runs go on."""
        with self._transaction() as connection:
            leases.prolong(connection, runs, lease)

    def going_on(self, run: str, now: datetime) -> str | None:
        """Return the run that goes on still: this one, one that goes on with it, or that it goes on with; else None."""
        with self._transaction() as connection:
            row = leases.going_on(connection, leases.root_of(connection, run), now)
        return None if row is None else str(row.run)

    def refuse_what_goes_on(self, run: str, now: datetime) -> None:
        """Raise `Refused` where a run goes on, or a run that goes on with it, or that it goes on with."""
        with self._transaction() as connection:
            leases.refuse_what_goes_on(connection, leases.root_of(connection, run), now)

    def write(
        self,
        run: str,
        time: datetime,
        intents: Sequence[Intent] = (),
        first: int = 0,
        fates: Iterable[tuple[int, Fate]] = (),
        *,
        lease: Lease | None = None,
        ended: bool = False,
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
        lease : Lease or None
            Of the process that carries out the run, and still may.
        ended : bool
            Whether the run has come to its end.

        Raises
        ------
        JournalError
            Nothing was written down; also where the run was taken for dead, and another goes on with it.
        """
        with self._transaction() as connection:
            if lease is not None:
                leases.hold(connection, run, lease)
            if ended:
                leases.end(connection, run, time)
            insert_fates(connection, run, time, fates)
            insert_actions(connection, run, time, first, intents)

    def prune(self, before: datetime, run: RunRow) -> int:
        """Delete the runs of which nothing was heard since a time, and write down that this was done; return how many.

        A run that goes on keeps its row, whenever it began.
        """
        old = sa.not_(active_since(before))
        with self._transaction() as connection:
            for table in (ASKED, ACTIONS, FATES, LEASES, PAUSES):
                connection.execute(table.delete().where(table.c.run.in_(sa.select(RUNS.c.id).where(old))))
            pruned = connection.execute(RUNS.delete().where(old)).rowcount
            insert_run(connection, run)
            told = f"{pruned} runs were deleted that had ended before {before:%Y-%m-%d %H:%M:%S} UTC"
            insert_actions(connection, run.id, run.time, 0, [Intent("prune")])
            insert_fates(connection, run.id, run.time, [(0, Fate("done", told))])
        return pruned

    # -- read ----------------------------------------------------------------------------------------------------

    def runs(self, server: str | None = None, *, limit: int | None = None, offset: int = 0) -> list[RunRow]:
        """Return the runs on a server, or on all servers, newest first; see `find_runs`."""
        return self.find_runs(Filter(server), limit=limit, offset=offset)

    def find_runs(self, which: Filter = EVERYTHING, *, limit: int | None = None, offset: int = 0) -> list[RunRow]:
        """Return runs, newest first. The ids that a run names are left out where they are many.

        Parameters
        ----------
        which : Filter
            Runs that were active in its period and have an action on its jobs and tubes. Its actions are verbs.
        limit, offset : int or None
            Maximum number of runs, and how many of the newest to skip.
        """
        query = sa.select(*RUN_FIELDS).order_by(RUNS.c.time.desc(), RUNS.c.id.desc()).limit(limit).offset(offset)
        query = query.where(*of_runs(which), *with_jobs(which))
        if which.actions is not None:
            query = query.where(RUNS.c.action.in_(which.actions))
        with self._transaction() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def count_runs(self, server: str | None = None) -> int:
        """Return the number of runs on a server, or on all servers."""
        query = sa.select(sa.func.count()).select_from(RUNS).where(*of_runs(Filter(server)))
        with self._transaction() as connection:
            return int(connection.execute(query).scalar_one())

    def servers(self) -> Counter[str]:
        """Return how many runs there are on each server."""
        query = (
            sa.select(RUNS.c.server, sa.func.count().label("runs")).where(RUNS.c.server != "").group_by(RUNS.c.server)
        )
        with self._transaction() as connection:
            return Counter({row.server: row.runs for row in connection.execute(query)})

    def tubes(self) -> list[str]:
        """Return the names of all tubes on record."""
        with self._transaction() as connection:
            return list(connection.scalars(sa.select(ACTIONS.c.tube).where(ACTIONS.c.tube.is_not(None)).distinct()))

    def actors(self) -> list[str]:
        """Return everybody who is on record."""
        with self._transaction() as connection:
            return list(connection.scalars(sa.select(RUNS.c.actor).distinct()))

    def run(self, id: str) -> RunRow:
        """Return one run, with all that it was asked for.

        Raises
        ------
        JournalError
            There is none of that id.
        """
        with self._transaction() as connection:
            row = connection.execute(sa.select(*RUN_FIELDS).where(RUNS.c.id == id)).one_or_none()
            apart = connection.execute(sa.select(ASKED.c.ids).where(ASKED.c.run == id)).scalar_one_or_none()
        if row is None:
            raise JournalError(f"the journal at {self.where} has no run {id}")
        run = run_of(row)
        return run if apart is None else run._replace(request=run.request | asked_of(apart))

    def undoing(self, *runs: str) -> list[RunRow]:
        """Return the runs that took back something of these runs, oldest first."""
        query = sa.select(*RUN_FIELDS).where(RUNS.c.undoes.in_(runs)).order_by(RUNS.c.time, RUNS.c.id)
        with self._transaction() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def without_bodies(self, runs: Iterable[str]) -> set[str]:
        """Return those of some runs that deleted jobs without keeping a body; the first thousand actions tell."""
        ids = list(runs)
        kept = sa.select(ACTIONS.c.run).where(ACTIONS.c.run.in_(ids), ACTIONS.c.n < _PAGE, ACTIONS.c.body.is_not(None))
        with self._transaction() as connection:
            return set(ids) - set(connection.scalars(kept.distinct()))

    def stamp(self) -> int:
        """Return a number that is another one when something has come to its end since; costs next to nothing."""
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.max(FATES.c.seq))).scalar_one() or 0

    def size(self, run: str) -> int:
        """Return how many actions a run has."""
        query = sa.select(sa.func.max(ACTIONS.c.n)).where(ACTIONS.c.run == run)
        with self._transaction() as connection:
            last = connection.execute(query).scalar_one()
        return 0 if last is None else int(last) + 1

    def largest_body(self, run: str) -> int:
        """Return how many bytes the largest body of a run has."""
        query = sa.select(sa.func.max(sa.func.length(ACTIONS.c.body))).where(ACTIONS.c.run == run)
        with self._transaction() as connection:
            return connection.execute(query).scalar_one() or 0

    def entries(
        self,
        run: str,
        bodies: bool = False,
        start: int = 0,
        stop: int | None = None,
        *,
        which: Filter = EVERYTHING,
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
        which : Filter
            Only matching actions.
        last : int or None
            Maximum number of actions, the last ones.
        """
        fields = _FIELDS if bodies else _WITHOUT_BODY
        query = sa.select(ACTIONS.c.n, ACTIONS.c.time, *fields).where(ACTIONS.c.run == run, ACTIONS.c.n >= start)
        if stop is not None:
            query = query.where(ACTIONS.c.n < stop)
        query = query.where(*of_actions(which)).order_by(ACTIONS.c.n.desc()).limit(last)
        with self._transaction() as connection:
            rows = connection.execute(query).all()[::-1]
            first, end = (rows[0][0], rows[-1][0] + 1) if rows else (0, 0)
            fates = self._fates(connection, run, first, end)
        return [Entry(n, moment(time), Intent(*intent), *fates[n - first]) for n, time, *intent in rows]

    def actions(self, which: Filter = EVERYTHING) -> Iterator[Action]:
        """Yield actions as users see them, newest first. They are read page by page as the caller asks for them."""
        return newest_first((last, self._actions_of(run, which)) for last, run in self._by_last_action(which))

    def _by_last_action(self, which: Filter) -> Iterator[tuple[datetime, RunRow]]:
        """Yield the time of the last action of each run, and the run, newest first."""
        last = sa.select(ACTIONS.c.time).where(ACTIONS.c.run == RUNS.c.id).order_by(ACTIONS.c.n.desc()).limit(1)
        at = last.correlate(RUNS).scalar_subquery()
        found: list[tuple[int, str]] = []
        # The runs that are named may be more than a query takes.
        parts = [which] if which.runs is None else [which._replace(runs=part) for part in _pages(which.runs)]
        with self._transaction() as connection:
            for part in parts:
                query = sa.select(at, RUNS.c.id).where(*of_runs(part), *with_jobs(part), at.is_not(None))
                found += [(time, id) for time, id in connection.execute(query)]
        for page in _pages(sorted(found, reverse=True)):
            rows = sa.select(*RUN_FIELDS).where(RUNS.c.id.in_([id for _, id in page]))
            with self._transaction() as connection:
                runs = {row.id: run_of(row) for row in connection.execute(rows)}
            yield from ((moment(time), runs[id]) for time, id in page if id in runs)

    def _actions_of(self, run: RunRow, which: Filter) -> Iterator[Action]:
        stop = None
        while page := self.entries(run.id, stop=stop, which=which, last=_PAGE):
            yield from (action_of(run, entry) for entry in reversed(page))
            if len(page) < _PAGE:
                return
            stop = page[0].n

    def of_job(self, instance: str, id: int) -> list[Action]:
        """Return what was done to a job of one server process, oldest first, also how it was put."""
        found = self.actions(Filter(jobs={instance: [id]}))
        return sorted(found, key=lambda action: (action.time, action.run))

    def counts(self, runs: Iterable[str]) -> dict[str, Counter[str]]:
        """Return for each run how many of its actions ended in which outcome; the database counts them."""
        ids = list(runs)
        counts: dict[str, Counter[str]] = {id: Counter() for id in ids}
        size = sa.select(sa.func.max(ACTIONS.c.n)).where(ACTIONS.c.run == RUNS.c.id).scalar_subquery()
        with self._transaction() as connection:
            for part in _pages(ids):
                for run, last in connection.execute(sa.select(RUNS.c.id, size).where(RUNS.c.id.in_(part))):
                    counts[run]["unknown"] = 0 if last is None else last + 1
                for run, outcome, places, jobs in connection.execute(known(part)):
                    counts[run][outcome] += int(jobs)
                    counts[run]["unknown"] -= int(places)
        return {id: +count for id, count in counts.items()}

    def with_counts(self, runs: Iterable[RunRow]) -> list[RunCounts]:
        """Return runs as users see them, with the count of each outcome."""
        rows = list(runs)
        counts = self.counts(run.id for run in rows)
        return [
            RunCounts(
                run.time, run.id, run.server, run.instance, run.actor, run.source, run.action, run.reason, run.undoes,
                *(counts[run.id][outcome] for outcome in OUTCOMES),
            )
            for run in rows
        ]  # fmt: skip

    def imports(self, server: str, instance: str, digest: str) -> list[RunRow]:
        """Return the imports of a file of that digest into a server, oldest first, whichever address it was called by.

        The server is known by its address, by its process, and by the processes that answered at its address.
        """
        known = sa.select(RUNS.c.instance).where(RUNS.c.server == server)
        here = sa.or_(RUNS.c.server == server, RUNS.c.instance == instance, RUNS.c.instance.in_(known))
        query = sa.select(*RUN_FIELDS).where(here, RUNS.c.action == "import").order_by(RUNS.c.time, RUNS.c.id)
        with self._transaction() as connection:
            return [run for run in map(run_of, connection.execute(query)) if run.request["digest"] == digest]

    def imported(self, run: str) -> Iterator[tuple[int, str]]:
        """Yield line and outcome of what an import did, in order."""
        with self._transaction() as connection:
            of_run = sa.select(ACTIONS.c.target).where(ACTIONS.c.run == run).order_by(ACTIONS.c.n)
            lines = array("L", map(int, connection.scalars(of_run.execution_options(yield_per=10_000))))
            # A million lines each have an outcome of their own: a byte for each, not a `Fate`.
            outcomes = bytearray([OUTCOMES.index("unknown")]) * len(lines)
            columns = sa.select(FATES.c.first_n, FATES.c.last_n, FATES.c.outcome)
            settled = columns.where(FATES.c.run == run).order_by(FATES.c.seq)
            for first, last, outcome in connection.execute(settled.execution_options(yield_per=10_000)):
                outcomes[first : last + 1] = bytes([OUTCOMES.index(outcome)]) * (last + 1 - first)
            yield from ((line, OUTCOMES[code]) for line, code in zip(lines, outcomes, strict=True))

    def highest_id(self, instance: str) -> int:
        """Return the highest job id that the journal knows of one server process, 0 for none."""
        here = sa.select(RUNS.c.id).where(RUNS.c.instance == instance)
        acted = sa.select(sa.func.max(ACTIONS.c.job_id)).where(ACTIONS.c.run.in_(here), ACTIONS.c.state_before != "")
        made = sa.select(sa.func.max(FATES.c.new_id)).where(FATES.c.run.in_(here.where(puts_here())))
        with self._transaction() as connection:
            return max(connection.execute(acted).scalar_one() or 0, connection.execute(made).scalar_one() or 0)

    def _fates(self, connection: sa.Connection, run: str, start: int, stop: int) -> list[tuple[Fate, datetime | None]]:
        """Return what became of the actions at places of a run, and when that was written down."""
        fates: list[tuple[Fate, datetime | None]] = [(UNKNOWN, None)] * (stop - start)
        within = (FATES.c.run == run, FATES.c.last_n >= start, FATES.c.first_n < stop)
        for row in connection.execute(sa.select(FATES).where(*within).order_by(FATES.c.seq)):
            fate = Fate(row.outcome, row.error, row.new_id, row.jobs)
            first, end = max(row.first_n, start), min(row.last_n + 1, stop)
            fates[first - start : end - start] = [(fate, moment(row.time))] * (end - first)
        return fates


def _pages(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[at : at + _PAGE] for at in range(0, len(values), _PAGE))


def newest_first(runs: Iterable[tuple[datetime, Iterator[Action]]]) -> Iterator[Action]:
    """Yield the actions of runs by time, newest first; a run is read when its last action may be the next.

    Parameters
    ----------
    runs : iterable of (datetime, iterator of Action)
        The time of the last action of each run, newest first, and the actions, newest first.
    """
    heap: list[tuple[float, int, Action, Iterator[Action]]] = []

    def read_on(number: int, actions: Iterator[Action]) -> None:
        for action in actions:
            heappush(heap, (-action.time.timestamp(), number, action, actions))
            return

    for number, (last, actions) in enumerate(runs):
        while heap and -heap[0][0] > last.timestamp():
            _, at, action, rest = heappop(heap)
            yield action
            read_on(at, rest)
        read_on(number, actions)
    while heap:
        _, at, action, rest = heappop(heap)
        yield action
        read_on(at, rest)


def _engine(url: str | sa.URL) -> sa.Engine:
    """Return an engine; one of a server notices when that was restarted, and does not wait for it without an end."""
    url = sa.make_url(url)
    if url.get_backend_name() == "sqlite":
        return sa.create_engine(url)
    limited = url.drivername in ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")
    limits = {"connect_timeout": _CONNECT} if limited and "connect_timeout" not in url.query else {}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=limits)


def _harden_sqlite(connection: Any, _: Any) -> None:
    """Commit to disk, not to the page cache; let several processes write, one after the other."""
    connection.execute(f"pragma busy_timeout = {int(_PATIENCE * 1000)}")
    give_up = monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            # Of several processes that switch a file to WAL at once SQLite lets all but one fail without a wait.
            if "locked" not in str(error) or monotonic() > give_up:
                raise
            sleep(0.02)
    connection.execute("pragma synchronous = full")


def _one_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())
