"""Settle what an interrupted migration left: complete what was put, give back what was not.

Both servers show how far each job had come, see `steps`: a job of which the journal has no copy was not deleted. Its
copy, if one was put, has the mark of the run, or the delay with which it was put, and the same body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.found import look_at
from beanops.jobs.identity import REUSED, TOLERANCE, JobRef, digest_of, doubts
from beanops.jobs.read import FoundJob
from beanops.journal.records import UNKNOWN, Entry, Fate, RunRow
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import NotFound, ReplyError
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.connection_use import stage
from beanops.session.execution.conversation import Ask, Steps
from beanops.session.execution.executor import Executor
from beanops.session.execution.pause_guard import PauseGuard
from beanops.session.execution.putting import wait_of
from beanops.session.execution.run import Run
from beanops.session.execution.targets import BATCH, elsewhere
from beanops.session.execution.verbs import MIGRATE, Order, Settings
from beanops.session.old_servers.bury import Alone
from beanops.session.past_runs.remembered import acted_on, job_before, left_behind
from beanops.session.transfer.holding import Holding, give_back
from beanops.session.transfer.steps import FREE, HELD, SOON, STAYS, Marks, drop, finish, free_copy

_TAKEN = "no longer available (reserved or deleted)"
_GIVEN_BACK = "it was interrupted before its copy was on record, and is on its server as before"


class Loose(NamedTuple):
    """An action with an unknown outcome, with what both servers have of it.

    Attributes
    ----------
    row : RunRow
        Its run.
    entry : Entry
        The action.
    job : FoundJob or None
        The job on the source; None if it does not exist.
    copy : FoundJob or None
        Its copy on the destination; None if none is known, or it does not exist.
    doubt : str or None
        Why either of them may be another job.
    """

    row: RunRow
    entry: Entry
    job: FoundJob | None = None
    copy: FoundJob | None = None
    doubt: str | None = None

    @property
    def before(self) -> JobStats:
        """The job's statistics before the action."""
        return job_before(self.entry.intent).stats

    @property
    def put_with(self) -> int | None:
        """The delay with which its copy was put; None for the mark of the run."""
        before, state = self.before, self.before.state
        if state == "delayed":
            return wait_of(before.delay, before.time_left)
        return U32_MAX if state == "buried" and self.row.request.get("buried_as") == "parked" else None


class Settler:
    """Settles what migrations from one server to another left.

    Parameters
    ----------
    here, there : Executor
        The source and the destination of these runs.
    client : Client
        A connection to the destination of its own.
    marks : Marks
        What the two servers support.
    repeat : str or None
        ``"unknown"`` lets workers have copies of jobs that a worker of the source may have done.
    """

    def __init__(
        self, here: Executor, there: Executor, client: Client, marks: Marks, repeat: str | None = None
    ) -> None:
        self._here, self._there, self._client = here, there, client
        self._marks = marks
        self._repeat = repeat
        self._journal = here.context.journal()

    def settle(self, rows: Sequence[RunRow], run: Run, guard: PauseGuard) -> Counter[str]:
        """Settle runs with one mark, and return how many actions ended in each outcome.

        Parameters
        ----------
        rows : sequence of RunRow
            The migration, and the runs that resumed it. None of them may be under way.
        run : Run
            The run for which that is done.
        guard : PauseGuard
            Pauses tubes of the destination whose copies are buried.
        """
        counts = self._journal.counts([row.id for row in rows])
        if not any(of["unknown"] for of in counts.values()):
            return Counter()
        loose, known = self._loose(rows)
        if not loose:
            return Counter()
        strays = self._strays([one for one in loose if one.entry.fate.new_id is None], known)
        self._drop(strays.pop((self._marks.mark,), ()))
        settled: Counter[str] = Counter()
        for start in range(0, len(loose), BATCH):
            batch = self._looked_at(loose[start : start + BATCH])
            for fate in self._carry_out([self._with_stray(one, strays) for one in batch], run, guard):
                settled[fate.outcome] += 1
        return settled

    def _loose(self, rows: Iterable[RunRow]) -> tuple[list[Loose], set[int]]:
        """Return the actions with unknown outcomes, and the ids of all copies on record."""
        loose, known = [], set()
        for row in rows:
            for start in range(0, self._journal.size(row.id), BATCH):
                for entry in self._journal.entries(row.id, start=start, stop=start + BATCH):
                    if entry.fate.new_id is not None:
                        known.add(entry.fate.new_id)
                    if entry.fate.outcome == "unknown" and entry.intent.action == MIGRATE.name:
                        loose.append(Loose(row, entry))
        return loose, known

    # -- what both servers have ----------------------------------------------------------------------------------

    def _strays(self, loose: Sequence[Loose], known: set[int]) -> dict[tuple[object, ...], list[FoundJob]]:
        """Return copies whose ids are not on record: those with the mark, and those that are like a job."""
        if not loose:
            return {}
        wanted = {_kind(one) for one in loose}
        since = min(one.entry.time.timestamp() for one in loose) - TOLERANCE
        strays: dict[tuple[object, ...], list[FoundJob]] = {}
        for tube in sorted({one.entry.intent.put_into or "" for one in loose}):
            for batch in self._there.lookups.raw_scan(tube, state="delayed", order="oldest"):
                for job in batch:
                    kind: tuple[object, ...] = (self._marks.mark,)
                    if job.stats.delay != self._marks.mark:
                        kind = _kind_of(job)
                        if kind not in wanted or (job.created or 0.0) < since:
                            continue
                    if job.id not in known:
                        strays.setdefault(kind, []).append(job)
        return strays

    def _looked_at(self, batch: Sequence[Loose]) -> list[Loose]:
        """Return actions with their jobs and copies."""
        refs = [acted_on(one.row, one.entry) for one in batch]
        jobs = _found(self._here.context.acting(), refs)
        put = [one for one in batch if one.entry.fate.new_id is not None]
        copies = _found(self._client, [left_behind(one.row, one.entry) for one in put])
        copy_of = {id(one): found for one, found in zip(put, copies, strict=True)}
        looked = []
        for one, (job, doubt) in zip(batch, jobs, strict=True):
            copy, other = copy_of.get(id(one), (None, None))
            looked.append(one._replace(job=job, copy=copy, doubt=doubt or other))
        return looked

    def _with_stray(self, one: Loose, strays: dict[tuple[object, ...], list[FoundJob]]) -> Loose:
        """Return an action with a copy that was put for it and is not on record."""
        if one.entry.fate.new_id is not None or one.put_with is None:
            return one
        alike = strays.get(_kind(one))
        return one._replace(copy=alike.pop(0)) if alike else one

    # -- what is done about it -----------------------------------------------------------------------------------

    def _carry_out(self, batch: Sequence[Loose], run: Run, guard: PauseGuard) -> list[Fate]:
        """Settle actions in parallel, and record how each ended."""
        orders = [self._order(one) for one in batch]
        talks: dict[int, Steps] = {}
        asks: dict[int, Ask] = {}
        fates: list[Fate | None] = [None] * len(batch)
        guard.cover(run, (order for order, one in zip(orders, batch, strict=True) if one.copy is not None))
        for n, (one, order) in enumerate(zip(batch, orders, strict=True)):
            talks[n] = self._steps(one, order)
            try:
                asks[n] = next(talks[n])
            except StopIteration as stop:
                fates[n] = stop.value
        acting = self._here.context.acting()
        clients = {False: acting, True: self._client}
        alone = Alone(dict(clients))
        try:
            with self._here.context.turn:
                while asks:
                    self._record(batch, {n: ask.so_far for n, ask in asks.items() if ask.so_far is not None})
                    stage(asks, talks, fates, clients, alone)
        finally:
            alone.close()
            self._record(batch, {n: fate for n, fate in enumerate(fates) if fate is not None})
        return [fate for fate in fates if fate is not None]

    def _record(self, batch: Sequence[Loose], fates: dict[int, Fate]) -> None:
        by_run: dict[str, list[tuple[int, Fate]]] = {}
        for n, fate in sorted(fates.items()):
            one = batch[n]
            if fate != one.entry.fate:
                by_run.setdefault(one.row.id, []).append((one.entry.n, fate))
        for run, settled in by_run.items():
            self._journal.write(run, self._here.context.now(), fates=settled)

    def _order(self, one: Loose) -> Order:
        stats = one.before
        found = FoundJob(stats, None, (), "" if one.job is None else one.job.instance)
        settings = Settings(
            one.entry.intent.priority, 0, one.entry.intent.target, True, one.row.request.get("buried_as")
        )
        return Order(MIGRATE, stats.id, found, settings)

    def _steps(self, one: Loose, order: Order) -> Steps:
        """Return what completes one action, or takes it back."""
        entry, new = one.entry, one.entry.fate.new_id
        if one.doubt is not None:
            yield from ()
            return _stays(entry, one.doubt)
        if new is None and one.copy is None:
            return (yield from self._take_back(one, order))
        if new is None and one.copy is not None and one.job is None:
            return (yield from drop(one.copy.id, Fate("skipped", _TAKEN)))
        if one.job is not None and one.copy is None:
            yield from self._give_back(one, order)
            return Fate("failed", f"its copy, job {new}, no longer exists: it is on its server as before")
        if one.job is not None and one.copy is not None:
            said = HELD if self._is_held(one) or order.stats.state == "buried" else FREE
            return (yield from finish(order, one.copy.id, said, self._marks))
        if one.copy is None:
            return self._without_both(one)
        if not self._is_ours(one):
            left = f"its copy, job {one.copy.id}, is held there"
            return _stays(entry, f"a worker may have done it, and {left}: look, then kick it or delete it")
        if one.copy.stats.state == "buried":
            return Fate("done", new_id=one.copy.id)
        return (yield from free_copy(order, one.copy.id, self._marks))

    def _is_held(self, one: Loose) -> bool:
        return one.job is not None and one.job.stats.state == "delayed" and one.job.stats.delay == self._marks.mark

    def _is_ours(self, one: Loose) -> bool:
        """Whether nobody but this run can have deleted a job that is gone."""
        if FREE not in (one.entry.fate.error or "") or self._repeat == "unknown":
            return True
        return one.before.state == "buried" or (one.before.state == "delayed" and not self._is_over(one))

    def _is_over(self, one: Loose) -> bool:
        """Whether the delay that a job had has ended."""
        ends = one.entry.time + timedelta(seconds=max(one.before.time_left, 0) - SOON)
        return self._here.context.now() >= ends

    def _is_early(self, one: Loose) -> bool:
        """Whether a delayed job is ready before its time: its reservation was cut off before it was held."""
        if one.job is None or one.before.state != "delayed" or self._is_over(one):
            return False
        return self._marks.reserves and one.job.stats.state == "ready" and not one.job.stats.kicks

    def _take_back(self, one: Loose, order: Order) -> Steps:
        """Give back a job of which no copy is known."""
        if one.put_with is not None and one.before.state == "delayed" and self._is_over(one) and self._is_held(one):
            yield from ()
            why = "its copy may have been put, and may be done by now"
            return _stays(one.entry, f"{why}: it is held; look, then kick it or delete it")
        if one.job is None:
            yield from ()
            return Fate("skipped", _TAKEN)
        if self._is_early(one):
            left = one.entry.time + timedelta(seconds=one.before.time_left) - self._here.context.now()
            release = commands.release(one.job.id, priority=order.priority, delay=round(left.total_seconds()))
            yield Ask((commands.reserve_job(one.job.id), release))
        yield from self._give_back(one, order)
        return Fate("failed", _GIVEN_BACK)

    def _give_back(self, one: Loose, order: Order) -> Generator[Ask, list[Any], None]:
        holding = Holding.HELD if self._is_held(one) else Holding.FREE
        yield from give_back(order, holding, self._marks.reserves)

    def _without_both(self, one: Loose) -> Fate:
        """Return the outcome of an action whose job and copy are gone: a worker of the destination had the copy."""
        new = one.entry.fate.new_id
        if self._client.instance != one.row.request["server_instance"]:
            return _stays(one.entry, f"its copy, job {new}, was on a process of the destination that has ended")
        return Fate("done", new_id=new)

    def _drop(self, strays: Iterable[FoundJob]) -> None:
        """Delete copies whose ids are not on record: their jobs were not deleted."""
        for answer in self._client.pipeline([commands.delete(job.id) for job in strays]):
            if isinstance(answer, ReplyError) and not isinstance(answer, NotFound):
                raise answer


def relieve(here: Executor, run: str, mark: int) -> int:
    """Give back jobs that a run holds though no copy of them can run, as the destination was lost.

    Their outcomes stay unknown, so that a copy with the mark is deleted when the run is settled.

    Parameters
    ----------
    here : Executor
        The source.
    run : str
        The run, which has ended.
    mark : int
        Its mark.

    Returns
    -------
    int
        The number of jobs.
    """
    journal, marks = here.context.journal(), Marks(mark, here.lookups.capabilities.reserve_job)
    row = journal.run(run)
    held = []
    for entry in journal.entries(run, last=2 * BATCH):
        one = Loose(row, entry)
        without_copy = entry.fate.outcome == "unknown" and entry.fate.new_id is None
        if without_copy and entry.intent.action == MIGRATE.name and one.put_with is None:
            held.append(one)
    client = here.context.acting()
    found = _found(client, [acted_on(one.row, one.entry) for one in held])
    talks: dict[int, Steps] = {}
    for n, (one, (job, doubt)) in enumerate(zip(held, found, strict=True)):
        if job is not None and doubt is None and job.stats.state == "delayed" and job.stats.delay == mark:
            talks[n] = _back(Order(MIGRATE, job.id, FoundJob(one.before, None)), marks)
    asks = {n: next(talk) for n, talk in talks.items()}
    fates: list[Fate | None] = [None] * len(held)
    clients = {False: client, True: client}
    with here.context.turn:
        while asks:
            stage(asks, talks, fates, clients, Alone(clients))
    return len(talks)


def _back(order: Order, marks: Marks) -> Steps:
    yield from give_back(order, Holding.HELD, marks.reserves)
    return UNKNOWN


def _kind(one: Loose) -> tuple[object, ...]:
    """Return by what the copy of a job is found, where it has no mark."""
    intent = one.entry.intent
    return intent.put_into, intent.priority, intent.ttr, one.put_with, intent.digest


def _kind_of(job: FoundJob) -> tuple[object, ...]:
    stats = job.stats
    return stats.tube, stats.priority, stats.ttr, stats.delay, digest_of(job.body or b"")


def _found(client: Client, refs: Sequence[JobRef]) -> list[tuple[FoundJob | None, str | None]]:
    """Return each job that is the expected one, None if it no longer exists, and why that is in doubt."""
    looked = zip(refs, look_at(client, [ref.id for ref in refs], bodies=False), doubts(client, refs), strict=True)
    found: list[tuple[FoundJob | None, str | None]] = []
    for ref, job, reason in looked:
        why = job and (reason or elsewhere(ref, job))
        found.append((None, None) if why == REUSED else (job, why))
    return found


def _stays(entry: Entry, why: str) -> Fate:
    return Fate("unknown", f"{STAYS} {why}", entry.fate.new_id)
