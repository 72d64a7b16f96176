"""`canary`: kick a few jobs, watch what becomes of them, and go on in waves as long as a condition is true.

All waves are one run, whose journal has the verdict on each. `verdicts` judges jobs, `job_watch` looks at them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, SupportsIndex

from beanops.jobs.identity import ref_of
from beanops.jobs.refs import JobRefs, refs_of
from beanops.journal.records import WATCH, Fate, Intent
from beanops.protocol.errors import ArgumentError, BeanopsError, UsageError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.arguments import Seconds, timeout_of
from beanops.session.bars import Bar, bar_for
from beanops.session.execution.executor import Batches, Executor, Waves
from beanops.session.execution.ledger import Ledger
from beanops.session.execution.run import Run
from beanops.session.execution.targets import Jobs, NotAllFound, orders_of, request_of
from beanops.session.execution.verbs import KEEP, VERBS, Order
from beanops.session.investigation.condition import Condition
from beanops.session.investigation.job_watch import JobWatch
from beanops.session.investigation.verdicts import VERDICTS, KickedJob
from beanops.session.job_verbs import grouped, kick, selected
from beanops.session.options import GroupedOptions, Options, how_of
from beanops.text import plural, span

#: Names that a condition on the verdicts of a wave may have.
NAMES = ("jobs", "gone", *VERDICTS)
#: What a wave is judged by where no condition is given.
_ALL_GONE = "gone = jobs"
#: Number of the first jobs, and seconds for which each wave is watched.
FIRST, LENGTH = 10, 60.0


class Wave(NamedTuple):
    """The jobs that were kicked together, and what has become of them.

    Attributes
    ----------
    number : int
        From 1.
    jobs : sequence of KickedJob
        The jobs.
    seconds : float
        How long they were watched.
    condition : str
        What it was judged by.
    passed : bool or None
        Whether the condition is true; None if that is unknown.
    notes : list of str
        What explains the verdicts, such as that no worker watches the tube.
    """

    number: int
    jobs: Sequence[KickedJob]
    seconds: float
    condition: str
    passed: bool | None
    notes: list[str]

    @property
    def counts(self) -> Counter[str]:
        """The number of jobs with each verdict."""
        return Counter(job.verdict for job in self.jobs)

    @property
    def summary(self) -> str:
        """One line with the counts and the verdict on the wave."""
        counts = self.counts
        found = ", ".join(f"{counts[name]:,} {name}" for name in VERDICTS if counts[name]) or "no job was kicked"
        notes = "".join(f"; {note}" for note in self.notes)
        return f"wave {self.number}: {found} after {self.length}{notes}; {self.judgement}"

    @property
    def length(self) -> str:
        """How long it was watched, in words."""
        return span(self.seconds, tenths=True)

    @property
    def judgement(self) -> str:
        """Whether the condition is true, in words."""
        return f"{self.condition} is {'unknown' if self.passed is None else str(self.passed).lower()}"


class CanaryRun(NamedTuple):
    """What a canary did.

    Attributes
    ----------
    run : Run
        The run with all its waves.
    waves : list of Wave
        The waves.
    left : int
        Number of jobs that were not touched.
    ending : str
        Why it ended, in words.
    promotes : bool
        Whether something could have made it go on: a condition, or somebody to ask.
    missing : BeanopsError or None
        Why some of the selected jobs may not have been found.
    """

    run: Run
    waves: list[Wave]
    left: int
    ending: str
    promotes: bool
    missing: BeanopsError | None

    @property
    def passed(self) -> bool:
        """Whether the last wave passed, and all jobs were kicked unless nothing could make it go on."""
        if self.run.stopped is not None:
            return False
        if not self.waves:
            return True
        return self.waves[-1].passed is True and not (self.promotes and self.left)

    @property
    def summary(self) -> str:
        """One line on the last wave, and why it ended."""
        last = f"{self.waves[-1].summary}; " if self.waves else ""
        return f"{last}{self.ending}"


class Hooks(NamedTuple):
    """What a face does during a canary.

    Attributes
    ----------
    began : callable
        Takes the run, once it has begun.
    show : callable
        Takes each wave when it is over, before anything is asked.
    ask : callable or None
        Whether to go on after a wave, with so many jobs in the next one and so many left in all; None where nobody can
        be asked.
    watched : bool
        Whether bars are shown by default where somebody would see them.
    clock : callable
        Monotonic seconds.
    wait : callable or None
        Waits for some seconds; None waits for them, or until the run is cancelled.
    look : callable
        Takes the jobs of the wave that is watched, and the seconds that are left, after each look.
    """

    began: Callable[[Run], None] = lambda run: None
    show: Callable[[Wave], None] = lambda wave: None
    ask: Callable[[Wave, int, int], bool] | None = None
    watched: bool = False
    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] | None = None
    look: Callable[[Sequence[KickedJob], float], None] = lambda jobs, left: None


class Stages(NamedTuple):
    """How a canary proceeds.

    Attributes
    ----------
    first : int
        Number of jobs in the first wave.
    seconds : float
        Maximum time for which a wave is watched.
    promote_if : Condition or None
        What must be true of a wave before the next one.
    more : tuple of int
        Number of jobs in each of the next waves; the wave after them has all that are left.
    """

    first: int = FIRST
    seconds: float = LENGTH
    promote_if: Condition | None = None
    more: tuple[int, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain data, for the journal."""
        condition = None if self.promote_if is None else self.promote_if.text
        return {"first": self.first, "watch": self.seconds, "promote_if": condition, "waves": list(self.more)}


def stages_of(
    first: SupportsIndex, watch: Seconds, promote_if: str | None, waves: Iterable[SupportsIndex] | None
) -> Stages:
    """Check how a canary is to proceed.

    Raises
    ------
    ArgumentError, ConditionError
        An argument is not as described.
    """
    if isinstance(waves, str) or not isinstance(waves, Iterable | None):
        raise ArgumentError("waves", waves, "a list of numbers of jobs, such as [100, 1000]")
    more = tuple(_size("waves", number) for number in waves or ())
    condition = None if promote_if is None else Condition(promote_if, NAMES)
    return Stages(_size("first", first), timeout_of("watch", watch), condition, more)


def _size(argument: str, number: SupportsIndex) -> int:
    size = check_number(argument, number, U32_MAX)
    if not size:
        raise ArgumentError(argument, number, "a number of jobs above 0")
    return size


def canary(executor: Executor, jobs: Jobs | str, stages: Stages, options: Options, hooks: Hooks) -> CanaryRun:
    """Kick jobs in waves; see `Session.canary`."""
    jobs, options = selected(jobs, options)
    if options.get("dry_run"):
        raise UsageError("canary takes no dry_run: a dry run of kick shows which jobs it would kick")
    if isinstance(jobs, Iterator):
        jobs = list(jobs)  # read twice: for the search and for the journal
    if isinstance(jobs, str):
        options.setdefault("state", "buried")
    options = grouped(executor.lookups, VERBS["kick"], jobs, options)
    # Which jobs is decided now: later waves must not take jobs that earlier ones sent back.
    found = kick(executor, jobs, GroupedOptions(**{**options, "dry_run": True, "progress": None}))
    if found.cause is not None and not isinstance(found.cause, NotAllFound):
        raise found.cause
    refs = found.refs
    if not isinstance(jobs, str) and "where" not in options:
        known = set(refs.ids)  # those that cannot be kicked come last, and the run says why
        refs = refs_of([*refs, *(ref for ref in refs_of(jobs) if ref.id not in known)])
    return _Canary(executor, jobs, refs, stages, options, hooks).execute(found.cause)


class _Canary:
    def __init__(
        self, executor: Executor, jobs: Any, refs: JobRefs, stages: Stages, options: GroupedOptions, hooks: Hooks
    ) -> None:
        self._executor = executor
        self._refs = refs
        self._stages = stages
        self._hooks = hooks
        self._progress = options.get("progress")
        how = how_of(options)
        self._how = how._replace(progress=how.progress or self._show)
        # The limit has been applied.
        kept = {name: value for name, value in options.items() if name not in ("limit", "progress")}
        self._options = Options(**kept)  # type: ignore[typeddict-item]
        self._bar: Bar | None = None
        self._waves: list[Wave] = []
        self._ending = "there are no jobs to kick"
        # How many of the jobs have had their turn, and how many actions the run had before this wave.
        self._place = self._before = 0
        request = request_of(jobs, KEEP, options, None) | {"canary": stages.plain}
        self._run = executor.begin("kick", request, self._how)
        self._run.named = len(refs)
        hooks.began(self._run)

    def execute(self, missing: BeanopsError | None) -> CanaryRun:
        """Carry it out, and return what it did."""
        self._executor.act_in_waves(self._run, self._in_waves, self._how)
        if self._run.cause is not None:
            self._ending = f"stopped: {self._run.stopped}"
        elif self._run.stopped is None:
            self._run.besides = self._ending
        stages = self._stages
        promotes = stages.promote_if is not None or self._hooks.ask is not None
        return CanaryRun(self._run, self._waves, len(self._refs) - self._place, self._ending, promotes, missing)

    def _in_waves(self, ledger: Ledger) -> Waves:
        for number, size in enumerate(sizes_of(self._stages, len(self._refs)), 1):
            part = self._refs[self._place : self._place + size]
            watch = yield from self._wave(number, part, ledger)
            wave = self._waves[-1]
            ledger.note(Intent(WATCH, _one_tube(part)), Fate("done", wave.summary))
            self._hooks.show(wave)
            if not self._goes_on(wave, watch):
                return

    def _wave(self, number: int, part: JobRefs, ledger: Ledger) -> Generator[Batches, None, JobWatch]:
        """Kick the jobs of a wave, and watch them."""
        hooks, run, orders, start = self._hooks, self._run, list[Order](), ledger.size
        with bar_for(self._progress, hooks.watched, "jobs", f"wave {number}", len(part)) as self._bar:
            self._before, kicked = run.counted, hooks.clock()
            lookup = orders_of(self._executor.lookups, VERBS["kick"], part, KEEP, self._options, False)
            run.when_cancelled(lookup.cancel)
            yield _noting(lookup.batches, orders)
            self._place += run.counted - self._before if run.cancelled else len(part)
            entries = self._executor.context.journal().entries(run.id, start=start, stop=ledger.size)
            jobs = [
                KickedJob(ref_of(order.job), order.job.stats, number, kicked)
                for order, entry in zip(orders, entries, strict=False)  # a cancelled run has looked up more
                if order.job is not None and entry.fate.outcome == "done"
            ]
            watch = JobWatch(self._executor.context, jobs, run.instance, hooks.clock)
            wait = hooks.wait or run.wait
            seconds = watch.run(
                self._stages.seconds, wait, lambda: run.cancelled, lambda left: self._report(jobs, left)
            )
        condition = self._stages.promote_if or Condition(_ALL_GONE, NAMES)
        passed = condition.judge(_counted(jobs)) if jobs and watch.error is None else None
        self._waves.append(Wave(number, jobs, seconds, condition.text, passed, watch.notes))
        return watch

    def _goes_on(self, wave: Wave, watch: JobWatch) -> bool:
        """Decide whether there is another wave, and why not."""
        run, left = self._run, len(self._refs) - self._place
        rest = f"{plural(left, 'job')} left untouched"
        if watch.error is not None:
            run.stop(watch.error)
        elif run.cancelled:
            self._ending = f"cancelled: {rest}"
        elif not left:
            self._ending = "no jobs left to kick"
        elif watch.restarted:
            self._ending = f"stopped, as the server was restarted: {rest}"
        elif self._stages.promote_if is None and self._hooks.ask is None:
            self._ending = f"stopped after the first wave: {rest}"
        elif self._stages.promote_if is not None and not wave.passed:
            self._ending = f"stopped, as {wave.judgement}: {rest}"
        elif self._stages.promote_if is None and not self._asks(wave, left):
            self._ending = f"not confirmed: {rest}"
        else:
            return True
        if self._run.cancelled:  # also while it asked
            run.stopped = "cancelled"
        return False

    def _asks(self, wave: Wave, left: int) -> bool:
        sizes = [*sizes_of(self._stages, len(self._refs))]
        return self._hooks.ask is not None and self._hooks.ask(wave, sizes[wave.number], left)

    def _show(self, run: Run) -> None:
        if self._bar is not None:
            self._bar.show(run.counted - self._before)

    def _report(self, jobs: Sequence[KickedJob], left: float) -> None:
        self._hooks.look(jobs, left)
        if self._bar is not None:
            counts = Counter(job.verdict for job in jobs)
            found = ", ".join(f"{counts[name]:,} {name}" for name in VERDICTS if counts[name])
            self._bar.show(sum(job.is_final for job in jobs), len(jobs), f"{found}; {span(left)} left")


def sizes_of(stages: Stages, total: int) -> Iterator[int]:
    """Yield the number of jobs of each wave."""
    for size in (stages.first, *stages.more):
        if total > 0:
            yield min(size, total)
            total -= size
    if total > 0:
        yield total


def _one_tube(jobs: JobRefs) -> str | None:
    """Return the tube of all jobs, None if they are in several."""
    tubes = set(jobs.facts["tube"] or ())
    return tubes.pop() if len(tubes) == 1 else None


def _noting(batches: Iterator[Sequence[Order]], orders: list[Order]) -> Batches:
    for batch in batches:
        orders += batch
        yield batch


def _counted(jobs: Sequence[KickedJob]) -> dict[str, int]:
    """Return the values of the names that a condition may have."""
    counts = Counter(job.verdict for job in jobs)
    named = {name: counts[name] for name in VERDICTS}
    return {"jobs": len(jobs), "gone": named["done"] + named["unseen"], **named}
