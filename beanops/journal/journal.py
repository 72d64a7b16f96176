"""The journal: every run, every intent and every outcome, in a database that outlives the process.

Intents are on disk before their commands are sent, outcomes after. Runs, intents and outcomes never change; only
`Journal.prune` deletes them, and records that. Leases and pauses change while runs are under way.
The tables are in `tables`, what users see of them in `records`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from beanops.client.instances import spellings
from beanops.journal import leases
from beanops.journal.filters import EVERYTHING, Filter
from beanops.journal.heartbeat import Lease
from beanops.journal.newest_first import newest_first
from beanops.journal.pauses import Pauses
from beanops.journal.records import (
    NOT_SENT,
    Action,
    AlreadyClaimed,
    Entry,
    Fate,
    Intent,
    JournalError,
    RunCounts,
    RunRow,
    action_of,
    counted_run,
    gaps_between,
)
from beanops.journal.storage.database import Database
from beanops.journal.storage.outcomes import counts_of, fates_of, imported, reasons_of
from beanops.journal.storage.queries import active_since, of_actions, of_runs, puts_here, with_jobs
from beanops.journal.storage.schema import lock_for_writing
from beanops.journal.storage.tables import (
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
from beanops.text import plural

if TYPE_CHECKING:
    from beanops.journal.storage.columns import ActionPage

T = TypeVar("T")
Page = tuple[RunRow, "ActionPage"]

_FIELDS = tuple(ACTIONS.c[name] for name in Intent._fields)
_BODIES = ("body", "new_body")
_WITHOUT_BODY = tuple(sa.null() if column.name in _BODIES else column for column in _FIELDS)
#: Servers that an error names.
_NAMED = 5
#: Actions read in one query, and runs counted in one query.
_PAGE = 1000
#: Actions read in columns in one query.
_LARGE_PAGE = 50_000


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
        The runs that need tubes to stay paused.

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
        self._database = Database(url)
        self.where = self._database.where
        self.pauses = Pauses(self._database.exclusive)

    @property
    def url(self) -> str:
        """The path of its SQLite file, empty in memory, or its URL with the password, which nobody may be shown."""
        return self._database.url

    def __repr__(self) -> str:
        return f"<Journal {self.where}>"

    def close(self) -> None:
        """Close the database; a later call of a method raises `JournalError`."""
        self._database.close()

    # -- write ---------------------------------------------------------------------------------------------------

    def begin(self, run: RunRow, lease: Lease | None = None) -> None:
        """Record that a run begins.

        Parameters
        ----------
        run : RunRow
            The run.
        lease : Lease or None
            The lease of the process that executes it.

        Raises
        ------
        Refused
            It resumes a run that is still under way, or that another run is resuming; nothing is recorded.
        """
        with self._database.transaction() as connection:
            if lease is not None:
                if "resumes" in run.request:
                    lock_for_writing(connection)
                leases.take(connection, run, lease)
            insert_run(connection, run)

    def prolong(self, runs: Iterable[str], lease: Lease) -> None:
        """Record that runs are still under way."""
        with self._database.transaction() as connection:
            leases.prolong(connection, runs, lease)

    def under_way(self, run: str, now: datetime) -> str | None:
        """Return the run that is still under way: this one, one that resumes it, or one that it resumes; else None."""
        with self._database.transaction() as connection:
            row = leases.under_way(connection, leases.root_of(connection, run), now)
        return None if row is None else str(row.run)

    def refuse_if_under_way(self, run: str, now: datetime) -> None:
        """Raise `Refused` where a run, one that resumes it, or one that it resumes is still under way."""
        with self._database.transaction() as connection:
            leases.refuse_if_under_way(connection, leases.root_of(connection, run), now)

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
        """Record outcomes of earlier actions of a run and intents of the next ones, in one transaction.

        When it returns, both are on disk. An unknown outcome may become known; a known one stays.

        Parameters
        ----------
        run : str
            Its id.
        time : datetime
            Now, UTC.
        intents : sequence of Intent
            The next actions.
        first : int
            Position of the first intent in the run.
        fates : iterable of (int, Fate)
            Positions in the run and the outcomes there, in order.
        lease : Lease or None
            The lease of the process that executes the run.
        ended : bool
            Whether the run has ended.

        Raises
        ------
        JournalError
            Nothing was recorded; also where another run resumed this one because its lease had run out.
        AlreadyClaimed
            Nothing was recorded, because some of these actions are on record already.
        """
        with self._database.transaction() as connection:
            if lease is not None:
                leases.hold(connection, run, lease)
            if ended:
                leases.end(connection, run, time)
            insert_fates(connection, run, time, fates)
            try:
                insert_actions(connection, run, time, first, intents)
            except sa.exc.IntegrityError:
                raise AlreadyClaimed(f"run {run} has actions {first} to {first + len(intents) - 1} already") from None

    def prune(self, before: datetime, run: RunRow) -> int:
        """Delete the runs that were last active before a time, record that as `run`, and return how many.

        A run that is under way stays, whenever it began.
        """
        old = sa.not_(active_since(before))
        with self._database.transaction() as connection:
            for table in (ASKED, ACTIONS, FATES, LEASES, PAUSES):
                connection.execute(table.delete().where(table.c.run.in_(sa.select(RUNS.c.id).where(old))))
            pruned = connection.execute(RUNS.delete().where(old)).rowcount
            insert_run(connection, run)
            summary = f"deleted {plural(pruned, 'run')} that ended before {before:%Y-%m-%d %H:%M:%S} UTC"
            insert_actions(connection, run.id, run.time, 0, [Intent("prune")])
            insert_fates(connection, run.id, run.time, [(0, Fate("done", summary))])
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
        return self._runs(query)

    def count_runs(self, server: str | None = None) -> int:
        """Return the number of runs on a server, or on all servers."""
        return self._number(sa.select(sa.func.count()).select_from(RUNS).where(*of_runs(Filter(server))))

    def servers(self) -> Counter[str]:
        """Return the number of runs on each server."""
        runs = (
            sa.select(RUNS.c.server, sa.func.count().label("runs")).where(RUNS.c.server != "").group_by(RUNS.c.server)
        )
        with self._database.transaction() as connection:
            return Counter({row.server: row.runs for row in connection.execute(runs)})

    def tubes(self) -> list[str]:
        """Return the names of the tubes of all actions."""
        with self._database.transaction() as connection:
            return list(connection.scalars(sa.select(ACTIONS.c.tube).where(ACTIONS.c.tube.is_not(None)).distinct()))

    def actors(self) -> list[str]:
        """Return the actors of all runs."""
        with self._database.transaction() as connection:
            return list(connection.scalars(sa.select(RUNS.c.actor).distinct()))

    def run(self, id: str) -> RunRow:
        """Return one run with its whole request.

        Raises
        ------
        JournalError
            There is no run with this id.
        """
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(*RUN_FIELDS).where(RUNS.c.id == id)).one_or_none()
            apart = connection.execute(sa.select(ASKED.c.ids).where(ASKED.c.run == id)).scalar_one_or_none()
        if row is None:
            parts = self.find_runs(Filter(fleets=[id]))
            if parts:
                on = ", ".join(part.server for part in parts[:_NAMED]) + (", ..." if len(parts) > _NAMED else "")
                raise JournalError(
                    f"{id} is an action on several servers, {on}: use a fleet, or the run of one of them"
                )
            raise JournalError(f"the journal at {self.where} has no run {id}")
        run = run_of(row)
        return run if apart is None else run._replace(request=run.request | asked_of(apart))

    def undoing(self, *runs: str) -> list[RunRow]:
        """Return the runs that undid actions of these runs, oldest first."""
        return self._runs(sa.select(*RUN_FIELDS).where(RUNS.c.undoes.in_(runs)).order_by(RUNS.c.time, RUNS.c.id))

    def without_bodies(self, runs: Iterable[str]) -> set[str]:
        """Return the runs that deleted or edited jobs without their bodies on record, and did nothing else.

        They are judged by a thousand actions, from the first that was done.
        """
        ids = list(runs)
        done = sa.select(FATES.c.run, sa.func.min(FATES.c.first_n).label("n"))
        first = done.where(FATES.c.run.in_(ids), FATES.c.outcome == "done").group_by(FATES.c.run).subquery()
        judged = ACTIONS.c.n.between(first.c.n, first.c.n + (_PAGE - 1))
        # An edit that has a digest kept the body.
        kept_it = sa.and_(ACTIONS.c.action == "edit", ACTIONS.c.digest.is_not(None))
        undoable = sa.or_(ACTIONS.c.action.not_in(("delete", "edit")), ACTIONS.c.body.is_not(None), kept_it)
        kept = sa.select(ACTIONS.c.run).join(first, first.c.run == ACTIONS.c.run).where(judged, undoable)
        with self._database.transaction() as connection:
            return set(ids) - set(connection.scalars(kept.distinct()))

    def stamp(self) -> int:
        """Return a number that changes whenever an outcome is written; a cheap way to notice a change."""
        return self._number(sa.select(sa.func.max(FATES.c.seq)))

    def size(self, run: str) -> int:
        """Return the number of actions of a run."""
        return self._number(sa.select(sa.func.max(ACTIONS.c.n) + 1).where(ACTIONS.c.run == run))

    def claimed(self, run: str, start: int, stop: int) -> list[int]:
        """Return the positions of a run between two that have an action, in order."""
        here = sa.select(ACTIONS.c.n).where(ACTIONS.c.run == run, ACTIONS.c.n >= start, ACTIONS.c.n < stop)
        with self._database.transaction() as connection:
            return list(connection.scalars(here.order_by(ACTIONS.c.n)))

    def end_tasks(self, run: str, time: datetime, size: int) -> int:
        """End a run whose actions tasks of an executor claim, and return how many of its `size` positions have none.

        From then on no task claims one. Those of them that are before an action count as not sent.
        """
        with self._database.exclusive() as connection:
            leases.end(connection, run, time)
            here = sa.select(ACTIONS.c.n).where(ACTIONS.c.run == run).order_by(ACTIONS.c.n)
            gaps = gaps_between(connection.scalars(here), size)
            inner = (gap for gap in gaps if gap.stop < size)
            insert_fates(connection, run, time, ((n, Fate(NOT_SENT)) for gap in inner for n in gap))
        return sum(map(len, gaps))

    def reasons(self, run: str) -> dict[str, tuple[int, Intent]]:
        """Return why actions of a run were not done: each reason with the number of actions and the first of them."""
        with self._database.transaction() as connection:
            found = reasons_of(connection, run)
            first = sa.select(*_WITHOUT_BODY).where(ACTIONS.c.run == run)
            return {
                error: (times, Intent(*connection.execute(first.where(ACTIONS.c.n == n)).one()))
                for error, times, n in found
            }

    def largest_body(self, run: str) -> int:
        """Return the bytes of the largest body of a run, or of a body before and after an edit."""
        sizes = (sa.func.coalesce(sa.func.length(ACTIONS.c[name]), 0) for name in _BODIES)
        return self._number(sa.select(sa.func.max(sum(sizes, sa.literal(0)))).where(ACTIONS.c.run == run))

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
            Whether to read bodies; otherwise they are None.
        start, stop : int
            Positions in the run, as in a slice.
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
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()[::-1]
            first, end = (rows[0][0], rows[-1][0] + 1) if rows else (0, 0)
            fates = fates_of(connection, run, first, end)
        return [Entry(n, moment(time), Intent(*intent), *fates[n - first]) for n, time, *intent in rows]

    def actions(self, which: Filter = EVERYTHING) -> Iterator[Action]:
        """Yield actions as users see them, newest first. They are read page by page as the caller asks for them."""
        return newest_first((last, self._actions_of(run, which)) for last, run in self.by_last_action(which))

    def pages(self, run: RunRow, which: Filter = EVERYTHING, last: int | None = None) -> Iterator[Page]:
        """Yield the actions of a run in columns, newest first, each page with the run; numpy is imported.

        Parameters
        ----------
        run : RunRow
            The run.
        which : Filter
            Only matching actions.
        last : int or None
            Maximum number of actions, the last ones.
        """
        from beanops.journal.storage.columns import read_page

        stop, conditions = None, of_actions(which)
        while last is None or last > 0:
            most = _LARGE_PAGE if last is None else min(last, _LARGE_PAGE)
            with self._database.transaction() as connection:
                page = read_page(connection, run.id, conditions, stop, most)
            if page is None:
                return
            yield run, page
            if len(page.n) < most:
                return
            stop, last = int(page.n[-1]), None if last is None else last - most

    def by_last_action(self, which: Filter) -> Iterator[tuple[datetime, RunRow]]:
        """Yield the time of the last action of each run, and the run, newest first."""
        last = sa.select(ACTIONS.c.time).where(ACTIONS.c.run == RUNS.c.id).order_by(ACTIONS.c.n.desc()).limit(1)
        at = last.correlate(RUNS).scalar_subquery()
        found: list[tuple[int, str]] = []
        # The runs that are named may be more than a query takes.
        parts = [which] if which.runs is None else [which._replace(runs=part) for part in _pages(which.runs)]
        with self._database.transaction() as connection:
            for part in parts:
                times = sa.select(at, RUNS.c.id).where(*of_runs(part), *with_jobs(part), at.is_not(None))
                found += [(time, id) for time, id in connection.execute(times)]
        for page in _pages(sorted(found, reverse=True)):
            query = sa.select(*RUN_FIELDS).where(RUNS.c.id.in_([id for _, id in page]))
            runs = {run.id: run for run in self._runs(query)}
            yield from ((moment(time), runs[id]) for time, id in page if id in runs)

    def _actions_of(self, run: RunRow, which: Filter) -> Iterator[Action]:
        stop = None
        while page := self.entries(run.id, stop=stop, which=which, last=_PAGE):
            yield from (action_of(run, entry) for entry in reversed(page))
            if len(page) < _PAGE:
                return
            stop = page[0].n

    def of_job(self, instance: str, id: int) -> list[Action]:
        """Return the actions on a job of one server process, oldest first, including the put."""
        found = self.actions(Filter(jobs={instance: [id]}))
        return sorted(found, key=lambda action: (action.time, action.run))

    def counts(self, runs: Iterable[str]) -> dict[str, Counter[str]]:
        """Return the number of actions with each outcome for each run; the database counts."""
        ids = list(runs)
        with self._database.transaction() as connection:
            counted = [counts_of(connection, page) for page in _pages(ids)]
        return {id: Counter() for id in ids} | {run: counts for page in counted for run, counts in page.items()}

    def with_counts(self, runs: Iterable[RunRow]) -> list[RunCounts]:
        """Return runs as users see them, with the count of each outcome."""
        rows = list(runs)
        counts = self.counts(run.id for run in rows)
        return [counted_run(run, counts[run.id]) for run in rows]

    def imports(self, server: str, instance: str, digest: str) -> list[RunRow]:
        """Return the imports of the file with this digest into a server, oldest first, also by another address.

        The server is recognised by its address, by its process, and by the processes that answered at its address.
        """
        known = sa.select(RUNS.c.instance).where(RUNS.c.server == server)
        here = sa.or_(RUNS.c.server == server, RUNS.c.instance.in_(spellings(instance)), RUNS.c.instance.in_(known))
        query = sa.select(*RUN_FIELDS).where(here, RUNS.c.action == "import").order_by(RUNS.c.time, RUNS.c.id)
        return [run for run in self._runs(query) if run.request["digest"] == digest]

    def imported(self, run: str) -> Iterator[tuple[int, str]]:
        """Yield the line and the outcome of each action of an import, in order."""
        with self._database.transaction() as connection:
            yield from imported(connection, run)

    def highest_id(self, instance: str) -> int:
        """Return the highest job id recorded for one server process, 0 for none."""
        here = sa.select(RUNS.c.id).where(RUNS.c.instance.in_(spellings(instance)))
        acted = sa.select(sa.func.max(ACTIONS.c.job_id)).where(ACTIONS.c.run.in_(here), ACTIONS.c.state_before != "")
        made = sa.select(sa.func.max(FATES.c.new_id)).where(FATES.c.run.in_(here.where(puts_here())))
        return max(self._number(acted), self._number(made))

    def _runs(self, query: sa.Select[Any]) -> list[RunRow]:
        with self._database.transaction() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def _number(self, query: sa.Select[Any]) -> int:
        """Return the number that a query finds, 0 where it finds none."""
        with self._database.transaction() as connection:
            return int(connection.execute(query).scalar_one() or 0)


def _pages(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[at : at + _PAGE] for at in range(0, len(values), _PAGE))
