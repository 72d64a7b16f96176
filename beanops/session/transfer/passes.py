"""Move the jobs of tubes to another server, in passes, until none is left that can be moved.

Producers and workers may be switched over while it runs: each pass takes what was put since the one before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.select import select
from beanops.jobs.tube_names import NoTube, is_any
from beanops.journal.filters import Filter
from beanops.journal.records import Refused, RunRow
from beanops.monitor.sweep import sweep
from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.session.execution.executor import Executor, Waves
from beanops.session.execution.ledger import Ledger
from beanops.session.execution.run import Run
from beanops.session.execution.targets import BATCH, NotAllFound, orders_of
from beanops.session.execution.verbs import MIGRATE, Order, Settings, Verb
from beanops.session.options import How, Options, how_of
from beanops.session.transfer.other_server import check_apart, check_destination
from beanops.session.transfer.settling import relieve
from beanops.session.transfer.steps import SOON, STAYS, Marks, carry, is_mark, new_mark
from beanops.session.tube_verbs import guard_of, pause
from beanops.text import plural

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: Seconds between two looks at tubes in which nothing can be moved now.
_BETWEEN = 1.0
#: Jobs that the destination may refuse, besides a tenth of those that it takes.
_MOST_REFUSED = 100


class Route(NamedTuple):
    """The two servers of a migration.

    Attributes
    ----------
    here, there : Executor
        The source and the destination.
    client : Client
        A connection to the destination of its own.
    """

    here: Executor
    there: Executor
    client: Client


def migrate(
    executor: Executor, there: Executor, tubes: Sequence[str], options: Options, follow: float | None = None
) -> Run:
    """Move jobs to another server; see `beanops.migration`.

    Parameters
    ----------
    executor, there : Executor
        The source and the destination.
    tubes : sequence of str
        Names and globs.
    options : Options
        Reason, rate, progress, and how to put buried jobs.
    follow : float or None
        Seconds for which the tubes must be empty, with no job reserved, before it ends; None ends when no job is left
        that can be moved.
    """
    executor.context.check_open()
    how = how_of(options)
    check_destination(executor, there)
    check_tubes(executor, tubes)
    _refuse_unfinished(executor)
    with ExitStack() as opened:
        # A separate connection: the tube that `there` uses must not receive the copies.
        client = opened.enter_context(there.context.another())
        request: dict[str, Any] = {"jobs": ", ".join(tubes), "tubes": list(tubes), "mark": new_mark()}
        request |= {"server": str(there.context.address), "server_instance": client.instance}
        kept = {"rate": how.rate, "buried_as": how.buried_as, "follow": follow}
        request |= {name: value for name, value in kept.items() if value is not None}
        run = executor.begin("migrate", request, how)
        with executor.ledger(run).beginning():
            check_apart(executor, there)
        return act(Route(executor, there, client), run, request, how)


def act(route: Route, run: Run, request: dict[str, Any], how: How) -> Run:
    """Move the jobs that a run was asked for."""
    passes = Passes(route, run, request, how)
    try:
        return route.here.act_in_waves(run, passes.waves, how, guard_of(route.there), route.client)
    finally:
        passes.close()
        if run.stopped and run.unknown:
            with suppress(BeanopsError):  # the source may be lost too
                if given_back := relieve(route.here, run.id, request["mark"]):
                    note = f"{plural(given_back, 'job')} that it held: given back"
                    run.besides = f"{run.besides}; {note}" if run.besides else note


def check_tubes(executor: Executor, tubes: Iterable[str]) -> None:
    """Raise `NotFound` if no tube matches one of these names and globs."""
    known = executor.lookups.looking().list_tubes()
    for tube in tubes:
        if not is_any(tube, known):
            raise NoTube(tube, known)


def unfinished(executor: Executor) -> RunRow | None:
    """Return a migration from this server, or an undo of one, that was cut off and may hold jobs; None without one."""
    journal, here = executor.context.journal(), str(executor.context.address)
    for row in journal.find_runs(Filter(here, actions=["migrate", "undo"])):
        if "mark" in row.request and journal.counts([row.id])[row.id].get("unknown") and not _is_settled(journal, row):
            return row
    return None


def _refuse_unfinished(executor: Executor) -> None:
    """Refuse to begin while jobs of an earlier migration may be held."""
    row = unfinished(executor)
    if row is not None:
        executor.context.journal().refuse_if_under_way(row.id, executor.context.now())
        again = f"undo run {row.request['run']} again" if row.action == "undo" else "resume it, or undo it there"
        raise Refused(f"run {row.id} to {row.request['server']} was cut off and may hold jobs: {again}")


def _is_settled(journal: Journal, row: RunRow) -> bool:
    """Whether both servers have shown all that they can of the jobs with unknown outcomes."""
    pages = range(0, journal.size(row.id), BATCH)
    fates = (entry.fate for start in pages for entry in journal.entries(row.id, start=start, stop=start + BATCH))
    return all((fate.error or "").startswith(STAYS) for fate in fates if fate.outcome == "unknown")


def selected(executor: Executor, tubes: Iterable[str]) -> list[TubeStats]:
    """Return the statistics of the tubes that names and globs select."""
    wanted = [select(tube) for tube in tubes]
    return sweep(executor.lookups.looking(), lambda name: any(one.in_tube(name) for one in wanted))


def at_rest(tube: TubeStats) -> int:
    """Return how many jobs of a tube are not reserved."""
    return tube.current_jobs_ready + tube.current_jobs_delayed + tube.current_jobs_buried


class Passes:
    """The passes of a migration over its tubes.

    Parameters
    ----------
    route : Route
        The two servers.
    run : Run
        The run.
    request : dict
        What it was asked for.
    how : How
        Rate, and how to put buried jobs.
    """

    def __init__(self, route: Route, run: Run, request: dict[str, Any], how: How) -> None:
        here, there = route.here, route.there
        self._route = route
        self._run = run
        self._how = how
        self._tubes: list[str] = request["tubes"]
        self._follow: float | None = request.get("follow")
        marks = Marks(request["mark"], here.lookups.capabilities.reserve_job, there.lookups.capabilities.reserve_job)
        self._verb: Verb = MIGRATE._replace(steps=partial(carry, marks=marks))
        self._most = there.lookups.server().max_job_size
        #: Jobs that cannot be moved, which are reported once.
        self._stay: set[int] = set()
        #: Delayed jobs that the last pass left until they are ready.
        self._soon = 0
        #: Connections that keep paused tubes of the destination in being.
        self._paused: dict[str, Client] = {}

    def close(self) -> None:
        """Close the connections that kept tubes in being."""
        for client in self._paused.values():
            client.close()
        self._paused.clear()

    def waves(self, ledger: Ledger) -> Waves:
        """Yield the batches of each pass."""
        empty_since: float | None = None
        while True:
            before = self._run.done
            if self._left():
                self._keep_pauses()
                for tube in self._tubes:
                    yield self._batches(tube)
            if self._run.cancelled:
                return
            left, moved = self._left(), self._run.done - before
            if self._follow is None:
                if not left or (not moved and not self._soon):
                    return
            elif left or moved or self._reserved():
                empty_since = None
            else:
                empty_since = empty_since or time.monotonic()
                if time.monotonic() - empty_since >= self._follow:
                    return
            if not moved:
                self._run.wait(_BETWEEN if self._follow is None else min(_BETWEEN, self._follow / 4))

    def _selected(self) -> list[TubeStats]:
        return selected(self._route.here, self._tubes)

    def _left(self) -> int:
        """Return how many jobs can still be moved."""
        return max(0, sum(map(at_rest, self._selected())) - len(self._stay))

    def _reserved(self) -> int:
        return sum(tube.current_jobs_reserved for tube in self._selected())

    def _batches(self, tube: str) -> Iterator[Sequence[Order]]:
        """Yield the orders for the jobs of a tube or a glob."""
        here = self._route.here
        options = Options(rate=self._how.rate)
        lookup = orders_of(here.lookups, self._verb, tube, Settings(there=True), options, here.context.keep_bodies)
        self._run.when_cancelled(lookup.cancel)
        self._soon = 0
        try:
            for batch in lookup.batches:
                self._check_refusals()
                if orders := self._fitting(batch):
                    yield orders
        except NotAllFound:
            pass  # the counts of the tubes say whether another pass is needed

    def _check_refusals(self) -> None:
        """End the run where the destination refuses most jobs: each is held for a moment, which its counts show."""
        if self._run.failed > _MOST_REFUSED + self._run.done // 10:
            raise BeanopsError(f"{self._route.there.context.address} refuses too many jobs")

    def _fitting(self, batch: Iterable[Order]) -> list[Order]:
        """Return the orders of jobs that can be moved now, and refuse once those that never can be."""
        orders = []
        for order in batch:
            job = order.job
            if job is None or order.id in self._stay:
                continue
            if job.stats.state == "delayed" and job.stats.time_left <= SOON:
                self._soon += 1  # the next pass takes it, as a ready job
                continue
            if job.stats.state == "delayed" and is_mark(job.stats.delay):
                self._stay.add(order.id)
                order = order._replace(refusal="a migration that was cut off holds it: resume or undo that")
            if job.body is not None and len(job.body) > self._most:
                self._stay.add(order.id)
                limit = f"jobs of at most {self._most:,} bytes (-z)"
                why = f"its body has {len(job.body):,} bytes, and {self._route.there.context.address} takes {limit}"
                order = order._replace(refusal=why)
            orders.append(order)
        return orders

    def _keep_pauses(self) -> None:
        """Pause tubes of the destination for as long as they are paused here, before they get jobs."""
        for stats in self._selected():
            if stats.pause_time_left and at_rest(stats) and stats.name not in self._paused:
                self._paused[stats.name] = self._pause(stats)

    def _pause(self, stats: TubeStats) -> Client:
        there, here = self._route.there, self._route.here.context.address
        keeper = there.context.another()
        keeper.use(stats.name)  # which creates the tube
        now = keeper.stats_tube(stats.name)
        if now.pause_time_left < stats.pause_time_left:
            paused = pause(there, stats.name, stats.pause_time_left, f"as on {here}, for run {self._run.id}")
            if paused.stopped:
                keeper.close()
                raise BeanopsError(f"tube {stats.name} could not be paused there: {paused.stopped}")
        return keeper
