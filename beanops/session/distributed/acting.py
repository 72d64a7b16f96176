"""Verbs in the tasks of an executor: one run, whose jobs are looked up, claimed and acted on in parts.

Each job has a place in the run, whichever task comes to it. A task records the intents of a batch at their places in
one transaction before it sends the batch: a second execution of the task finds these places taken, and leaves them.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from contextlib import ExitStack, closing
from typing import Any, NamedTuple

from beanops.jobs.identity import ref_of
from beanops.jobs.refs import JobRefs, refs_of
from beanops.journal.heartbeat import alive, shared_lease_from
from beanops.journal.records import NOT_SENT
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.distributed.workers import Workers, WorkersLost, words_of
from beanops.session.distributed.workplace import JournalPlace, Workplace
from beanops.session.execution.ending import ending_gently
from beanops.session.execution.executor import Executor
from beanops.session.execution.ledger import SharedLedger
from beanops.session.execution.run import Run
from beanops.session.execution.targets import ORDER, NotAllFound, orders_of
from beanops.session.execution.verbs import Settings, verb_of
from beanops.session.lookups import Lookups
from beanops.session.options import How, Options
from beanops.session.tube_verbs import guard_of
from beanops.text import plural

#: Jobs of a task, at least and at most.
_LEAST, _MOST = 1000, 20_000
#: Seconds for tasks under way to record their last batches after a cancel, and between two looks whether they have.
_LEAVE, _STEP = 30.0, 0.05


class Part(NamedTuple):
    """The part of a run that one task does.

    Attributes
    ----------
    run, instance : str
        The run, and the server process of its jobs.
    place : int
        The place of the first job in the run.
    verb : str
        What to do.
    settings : Settings
        What it sets.
    jobs : JobRefs
        The jobs.
    options : Options
        As the verb was called, without what has selected the jobs.
    how : How
        As the verb was called.
    there : Workplace or None
        The destination server of a copy.
    """

    run: str
    instance: str
    place: int
    verb: str
    settings: Settings
    jobs: JobRefs
    options: Options
    how: How
    there: Workplace | None = None


def act_on_part(workplace: Workplace, journal: JournalPlace, part: Part) -> str | None:
    """Act on the jobs of one part, those that no other execution of the task has claimed; the task of an executor.

    Returns
    -------
    str or None
        Why it ended early. What it did is in the journal.
    """
    with ExitStack() as opened:
        record = opened.enter_context(closing(journal.open(part.run)))
        context = opened.enter_context(workplace.context(record))
        lookups = Lookups(context)
        executor = Executor(context, lookups, workplace.source)
        run = Run(part.run, part.verb, list)
        run.instance = part.instance
        ledger = SharedLedger(run, context.journal, context.now, part.place)
        copying, guarded = None, executor
        if part.there is not None:
            there = opened.enter_context(part.there.context(record))
            guarded = Executor(there, Lookups(there), workplace.source)
            copying = opened.enter_context(there.another())
        verb = verb_of(part.verb, part.settings)
        lookup = orders_of(lookups, verb, part.jobs, part.settings, part.options, context.keep_bodies)
        run.when_cancelled(lookup.cancel)
        guard = guard_of(guarded, f"/{part.place}")
        executor.act_on_jobs(run, lookup.batches, part.how, guard, copying, ledger=ledger)
    return run.stopped


class DistributedVerb:
    """One call of a verb whose run is executed by the tasks of an executor.

    Parameters
    ----------
    executor : Executor
        Of the session that was called; it begins and ends the run.
    workers : Workers
        Do the rest.
    verb : str
        What to do.
    settings : Settings
        What it sets.
    options : Options
        As the verb was called, without ``executor`` and ``group``.
    how : How
        The same, checked.
    there : Executor or None
        Of the destination server of a copy.
    """

    def __init__(
        self,
        executor: Executor,
        workers: Workers,
        verb: str,
        settings: Settings,
        options: Options,
        how: How,
        there: Executor | None = None,
    ) -> None:
        self._executor = executor
        self._workers = workers
        self._verb = verb
        self._settings = settings
        self._options = options
        self._how = how
        self._there = there

    def run(self, jobs: Any, request: dict[str, Any]) -> Run:
        """Find the jobs, begin the run, and have tasks act."""
        context = self._executor.context
        place = JournalPlace(context.journal())
        run = self._executor.begin(self._verb, request, self._how, shared_lease_from)
        refs = JobRefs(array("Q"))
        with ending_gently(run), alive(run.id, lambda *lease: context.journal().prolong(*lease), context.now):
            try:
                refs = self._jobs(run, jobs)
                if not run.cancelled:
                    self._have_done(run, refs, place)
            except BeanopsError as error:
                run.stop(error)
            finally:
                try:
                    self._settle(run, len(refs))
                except BeanopsError as error:  # of the journal: the counts are those that it had last
                    run.stop(error)
        return run

    def _jobs(self, run: Run, jobs: Any) -> JobRefs:
        """Return references to all jobs, as the server has them now where a search found them."""
        options, limit = self._options, self._options.get("limit")
        named = None if isinstance(jobs, str) else refs_of(jobs)
        if named is not None and options.get("where") is None:
            return named if limit is None else named[: check_number("limit", limit, U32_MAX)]
        verb = verb_of(self._verb, self._settings)
        scan = self._executor.lookups.raw_scan(
            jobs if named is None else None,
            state=options.get("state") or sorted(verb.states),
            ids=None if named is None else named.ids,
            where=options.get("where"),
            limit=limit,
            order=options.get("order", ORDER),
            bodies=False,
        )
        run.when_cancelled(scan.cancel)
        found = JobRefs(array("Q"), [], [], array("d"), None)
        for batch in scan:
            for job in batch:
                found.append(ref_of(job))
        if not (run.cancelled or scan.complete or scan.sure):
            raise NotAllFound(scan.conclusion)
        return found

    def _have_done(self, run: Run, refs: JobRefs, place: JournalPlace) -> None:
        """Have tasks act on the jobs."""
        context, journal = self._executor.context, self._executor.context.journal()
        at_once = self._workers.number
        size = min(_MOST, max(_LEAST, -(-len(refs) // (4 * at_once))))
        rate = self._how.rate
        # A worker takes the next task as soon as it has done one, unless that would exceed the rate.
        ahead = at_once if rate is not None else 2 * at_once
        how = How(buried_as=self._how.buried_as, rate=None if rate is None else rate / at_once)
        kept = ("state", "buried_as")
        options = Options(**{name: self._options[name] for name in kept if name in self._options})  # type: ignore[literal-required,typeddict-item]
        if how.rate is not None:
            options["rate"] = how.rate
        there = None if self._there is None else Workplace.of(self._there.context, self._there.source)
        workplace = Workplace.of(context, self._executor.source)
        parts = (
            Part(
                run.id, run.instance, start, self._verb, self._settings, refs[start : start + size], options, how, there
            )
            for start in range(0, len(refs), size)
        )
        run.named = len(refs)

        def sign() -> Counter[str]:
            counts = journal.counts([run.id])[run.id]
            run.count_as(counts)
            if self._how.progress is not None:
                self._how.progress(run)
            return counts

        tasks = ((workplace, place, part) for part in parts)
        problems: list[str] = []
        with closing(
            self._workers.run(act_on_part, tasks, at_once=ahead, sign=sign, cancelled=lambda: run.cancelled)
        ) as ended:
            for end in ended:
                why = end.result if end.error is None else words_of(end.error)
                if why is not None:
                    problems.append(why)
        if problems:
            more = f"; and {plural(len(problems) - 1, 'other task')}" if len(problems) > 1 else ""
            raise WorkersLost(f"{problems[0]}{more}")

    def _settle(self, run: Run, size: int) -> None:
        """End the run, and read from the journal what became of it."""
        context, journal = self._executor.context, self._executor.context.journal()
        missing = journal.end_tasks(run.id, context.now(), size)
        counts = journal.counts([run.id])[run.id]
        give_up = time.monotonic() + (_LEAVE if run.cancelled else 0)
        while counts["unknown"] and time.monotonic() < give_up:  # tasks that are under way record their last batches
            time.sleep(_STEP)
            counts = journal.counts([run.id])[run.id]
        if missing:
            counts[NOT_SENT] = missing
        run.count_as(counts)
        run.reasons = {
            error: (times, f"job {intent.job_id}") for error, (times, intent) in journal.reasons(run.id).items()
        }
        if run.cancelled and run.stopped is None:
            run.stopped = "cancelled"
        elif (missing or run.unknown) and run.stopped is None:
            lost = "a worker was lost" if run.unknown else "workers were lost"
            run.stopped = f"{lost}; its outcomes are unknown" if run.unknown else lost
        if self._how.progress is not None:
            self._how.progress(run)
