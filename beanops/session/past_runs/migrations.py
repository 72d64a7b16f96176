"""Resume and undo a migration, which is on two servers. `transfer` has the commands for its jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.client.sync import Client
from beanops.jobs.found import look_at
from beanops.jobs.identity import doubts
from beanops.jobs.read import FoundJob
from beanops.journal.records import Entry, Refused, RunRow
from beanops.journal.rivals import Rivals
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import elsewhere, in_batches
from beanops.session.execution.verbs import MIGRATE, Order, Settings
from beanops.session.options import How, Options, how_of
from beanops.session.past_runs.remembered import CANNOT_JUDGE, Successors, family, left_behind
from beanops.session.transfer.other_server import check_apart, check_destination, other_server
from beanops.session.transfer.passes import Route, act, at_rest, selected
from beanops.session.transfer.settling import Settler
from beanops.session.transfer.steps import Marks, carry, new_mark
from beanops.session.tube_verbs import guard_of
from beanops.text import plural

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: Jobs that an undo looks up together, with their bodies.
_PAGE = 200


def is_migration(row: RunRow) -> bool:
    """Whether a run moved jobs to another server; so does the undo of one that did."""
    return "mark" in row.request


def resume_migration(
    executor: Executor, row: RunRow, how_asked: Options, there: Executor | None = None, follow: float | None = None
) -> Run:
    """Settle what a migration left, then move the rest; see `Session.resume`.

    Parameters
    ----------
    executor : Executor
        Of the source.
    row : RunRow
        The run.
    how_asked : Options
        Reason, rate, progress, dry run.
    there : Executor or None
        Of the destination; None opens one by the address on record.
    follow : float or None
        As in `passes.migrate`.
    """
    journal = executor.context.journal()
    first = journal.run(family(journal, row)[0].id)
    kept = {name: first.request[name] for name in ("rate", "buried_as") if name in first.request}
    options = Options(**kept | {name: value for name, value in how_asked.items() if value is not None})  # type: ignore[typeddict-item]
    how = how_of(options)
    with ExitStack() as opened:
        there = there or opened.enter_context(other_server(executor, row.request["server"]))
        check_destination(executor, there)
        if how.dry:
            journal.refuse_if_under_way(row.id, executor.context.now())
            return _planned(executor, executor.begin("migrate", first.request, how), first.request["tubes"])
        client = opened.enter_context(there.context.another())
        request = first.request | {"resumes": row.id, "server_instance": client.instance}
        request |= {"follow": follow} if follow is not None else {}
        resumed = executor.begin("migrate", request, how)
        # The rest is read after `begin`: from then on no other run resumes it.
        with executor.ledger(resumed).beginning():
            check_apart(executor, there)
            runs = [one for one in family(journal, row) if one.id != resumed.id]
            settled = _settle(Route(executor, there, client), runs, resumed)
            _tell(resumed, settled)
        return act(Route(executor, there, client), resumed, request, how)


def _planned(executor: Executor, run: Run, tubes: list[str]) -> Run:
    """Count the jobs that a resumed run would move."""
    for stats in selected(executor, tubes):
        run.count("done", jobs=at_rest(stats))
    return run


def _settle(route: Route, rows: list[RunRow], run: Run, repeat: str | None = None) -> Counter[str]:
    """Settle what a migration and those that resumed it left."""
    if not rows:
        return Counter()
    here, there = route.here, route.there
    marks = Marks(
        rows[0].request["mark"], here.lookups.capabilities.reserve_job, there.lookups.capabilities.reserve_job
    )
    guard = guard_of(there)
    try:
        return Settler(here, there, route.client, marks, repeat).settle(rows, run, guard)
    finally:
        guard.lift(run)


def _tell(run: Run, settled: Counter[str]) -> None:
    """Note what was settled beside what the run does itself."""
    words = {"done": "completed", "failed": "given back", "skipped": "gone", "unknown": "unknown"}
    found = [f"{number:,} {words[outcome]}" for outcome, number in sorted(settled.items())]
    if found:
        interrupted = f"of {plural(settled.total(), 'job')} that were under way when it was cut off"
        run.besides = f"{interrupted}: {', '.join(found)}"


# -- undo --------------------------------------------------------------------------------------------------------------


class Reverting(NamedTuple):
    """What the undo of a migration is asked for.

    Attributes
    ----------
    row : RunRow
        The migration, or an undo of one.
    how : How
        Reason, rate, progress, dry run.
    repeat : str or None
        As in `Session.undo`.
    chosen : callable
        Returns those of some actions that are to be undone, and those of which that cannot be known.
    undone : callable
        Returns the jobs that were undone before, with reasons.
    """

    row: RunRow
    how: How
    repeat: str | None
    chosen: Callable[[list[Entry]], tuple[list[Entry], list[Entry]]]
    undone: Callable[[Successors], dict[int, str]]


def undo_migration(executor: Executor, request: dict[str, Any], asked: Reverting) -> Run:
    """Move back the jobs that a migration put and nobody has taken since; `executor` is of their server."""
    journal, row, how = executor.context.journal(), asked.row, asked.how
    _refuse_under_way(executor, journal, row)
    with ExitStack() as opened:
        back = opened.enter_context(other_server(executor, row.server))
        check_destination(executor, back)
        client = opened.enter_context(back.context.another())
        mark = new_mark()
        request |= {"server": str(back.context.address), "server_instance": client.instance, "mark": mark}
        undoing = executor.begin("undo", request, how)
        with executor.ledger(undoing).beginning():
            if not how.dry:
                check_apart(executor, back)
                _settle_before(executor, back, client, asked, undoing)
            rivals = Rivals(journal, lambda: journal.undoing(row.id))
            reserves = (one.lookups.capabilities.reserve_job for one in (executor, back))
            orders = _orders(executor, asked, Marks(mark, *reserves))

        def disturbed() -> str | None:
            other = rivals.active(undoing.id)
            return other and f"run {other} is undoing the same run: undo again when it has ended"

        return executor.act_on_jobs(
            undoing, in_batches(orders, how.rate), how, guard_of(back), client, unless=disturbed
        )


def _refuse_under_way(executor: Executor, journal: Journal, row: RunRow) -> None:
    for one in (row, *journal.undoing(row.id)):
        under_way = journal.under_way(one.id, executor.context.now())
        if under_way is not None:
            raise Refused(f"run {under_way} is still under way: undo it when it has ended")


def _settle_before(executor: Executor, back: Executor, client: Client, asked: Reverting, undoing: Run) -> None:
    """Settle what the migration left, and what earlier undos of it left."""
    journal = executor.context.journal()
    with executor.context.another() as own:
        settled = _settle(Route(back, executor, own), [asked.row], undoing, asked.repeat)
    for earlier in journal.undoing(asked.row.id):
        if earlier.id != undoing.id:
            settled += _settle(Route(executor, back, client), [earlier], undoing, asked.repeat)
    _tell(undoing, settled)


def _orders(executor: Executor, asked: Reverting, marks: Marks) -> Iterator[Order]:
    """Yield the orders that move jobs back, oldest first, so that they keep their order."""
    journal, row = executor.context.journal(), asked.row
    # The jobs may have been moved or edited since, on their server of now.
    successors = Successors(journal, row._replace(server=str(executor.context.address)))
    undone = asked.undone(successors)
    verb = MIGRATE._replace(steps=partial(carry, marks=marks))
    client = executor.context.looking()
    for start in range(0, journal.size(row.id), _PAGE):
        entries, undecided = asked.chosen(journal.entries(row.id, start=start, stop=start + _PAGE))
        known = [successors.of(left_behind(row, entry)) for entry in entries]
        latest = [refs[-1] for refs in known]
        jobs, reasons = look_at(client, [ref.id for ref in latest], bodies=True), doubts(client, latest)
        for entry, refs, job, reason in zip(entries, known, jobs, reasons, strict=True):
            ref = refs[-1]
            settings = Settings(target=entry.intent.tube, there=True)
            refusal = next((undone[one.id] for one in refs if one.id in undone), None)
            if refusal is None and entry.fate.outcome != "done":
                refusal = f"its outcome is {entry.fate.outcome}: {entry.fate.error or 'it was interrupted'}"
            refusal = refusal or (job and (reason or elsewhere(ref, job)))
            yield Order(verb, ref.id, job and _as_it_was(job, entry), settings, refusal, ref=ref)
        yield from (Order(verb, entry.intent.job_id or 0, None, refusal=CANNOT_JUDGE) for entry in undecided)


def _as_it_was(job: FoundJob, entry: Entry) -> FoundJob:
    """Return a job as it is put back: one that was parked instead of buried is buried again."""
    stats, intent = job.stats, entry.intent
    parked = stats.state == "delayed" and stats.delay == U32_MAX
    if intent.state_before != "buried" or not parked:
        return job
    return job._replace(stats=stats._replace(state="buried", delay=intent.delay or 0, time_left=0))
