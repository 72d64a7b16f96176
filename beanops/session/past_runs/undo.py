"""Taking back a run that is on record, by a new run made of the journal's entries. What else follows: `afterwards`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from beanops.jobs.identity import REUSED, JobRef, doubts
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.where import Where
from beanops.journal import explanations
from beanops.journal.records import Entry, Intent, RunRow
from beanops.journal.rivals import Rivals
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import check_choice
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import MOST_BYTES, batch_size, elsewhere, in_batches, look_up
from beanops.session.execution.undoable import CHOSEN_BY_SERVER
from beanops.session.execution.verbs import ALL, KEEP, MOVE, RESTORE, VERBS, Order, Settings, TubeStep, verb_of
from beanops.session.old_servers.claims import cut_off, put_in_place
from beanops.session.options import How, Options, how_of
from beanops.session.past_runs.remembered import Successors, acted_on, left_behind
from beanops.session.tube_verbs import guard_of
from beanops.text import inflected

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: The columns of a job as it was before an action, as far as the record tells.
_ON_RECORD = ("id", "tube", "state", "priority", "delay", "ttr", "time_left", "size", "body", "data")
#: Why an action is left alone of which a predicate cannot tell whether it is meant.
_NOT_TOLD = "its body is not on record or was not decoded, and the predicate reads it"
_KICK, _RELEASE, _DELETE = (VERBS[name] for name in ("kick", "release", "delete"))
#: What may be cut off between a put and a delete.
_PUTS_ANEW = ("move", "release")
#: Said of a job that exists still.
_THERE = "it exists"


def undo(executor: Executor, run: str, where: str | None, options: Options, repeat: str | None) -> Run:
    """Take back what a run did; see `Session.undo`."""
    if repeat is not None:
        check_choice("repeat", repeat, ["unknown"])
    journal = executor.context.journal()
    under_way = journal.under_way(run, executor.context.now())
    undoing = _undo(executor, run, where, how_of(options), repeat)
    about = [] if under_way is None else [f"run {under_way} was still under way: undo that again when it has ended"]
    if not undoing.counted and undoing.stopped is None:
        about.append(explanations.nothing_to_undo(journal, journal.run(run), where))
    undoing.besides = "; ".join(filter(None, [*about, undoing.besides])) or None
    return undoing


def _undo(executor: Executor, run: str, where: str | None, how: How, repeat: str | None) -> Run:
    journal = executor.context.journal()
    row = journal.run(run)
    check_server(executor, row)
    predicate = (
        None
        if where is None
        else Where(where, executor.context.redact, executor.context.query_timeout, known=_ON_RECORD)
    )
    how = how._replace(undoes=run)
    undoing = executor.begin("undo", {"run": run, "where": where}, how)
    undoing.besides = _rest_of_it(journal, row)
    first = journal.entries(run, start=0, stop=1)
    if first and first[0].intent.action in ("pause", "unpause", "kick") and first[0].intent.job_id is None:
        entries, untold = _meant(reversed(journal.entries(run)), predicate)
        steps = [_on_the_tube(executor, entry) for entry in entries + untold]
        steps[len(entries) :] = [step._replace(refusal=_NOT_TOLD) for step in steps[len(entries) :]]
        return executor.act_on_tube(undoing, steps, how)
    rivals = Rivals(journal, lambda: journal.undoing(run))

    def disturbed() -> str | None:
        other = rivals.active(undoing.id)
        return other and f"run {other} takes the same back meanwhile: undo again when it has ended"

    orders = _orders(executor, journal, row, predicate, how.rate, repeat)
    return executor.act_on_jobs(undoing, in_batches(orders, how.rate), how, guard_of(executor), unless=disturbed)


def check_server(executor: Executor, row: RunRow) -> None:
    """Refuse a run whose jobs are not on this session's server."""
    if not row.server:
        raise UsageError(f"run {row.id} is a {row.action} of the journal: no server knows of it, and nothing undoes it")
    at = row.request.get("server", row.server)
    if at != str(executor.context.address):
        copied = f" and copied to {at}" if at != row.server else ""
        raise UsageError(f"run {row.id} was on {row.server}{copied}, this session is on {executor.context.address}")


def family(journal: Journal, row: RunRow) -> list[RunRow]:
    """Return a run, what it went on with, and what went on with it, the first one first."""
    runs = {one.id: one for one in reversed(journal.runs(row.server))}

    def root(one: RunRow) -> str:
        while one.request.get("resumes") in runs:
            one = runs[one.request["resumes"]]
        return one.id

    return [one for one in runs.values() if root(one) == root(row)]


def _rest_of_it(journal: Journal, row: RunRow) -> str | None:
    """Say which runs did other parts of what a run was asked for, and are not taken back with it."""

    def did_something(run: RunRow) -> bool:
        counts = journal.counts([run.id])[run.id]
        return counts["done"] + counts["unknown"] > 0

    others = [one for one in family(journal, row) if one.id != row.id and did_something(one)]
    ids = [one.id for one in others if not any(map(did_something, journal.undoing(one.id)))]
    if not ids:
        return None
    return (
        f"{inflected(len(ids), 'run')} {', '.join(ids)} did the rest of it: undo {'these' if ids[1:] else 'that'} too"
    )


def taken_back(journal: Journal, run: str, successors: Successors, repeat: str | None = None) -> dict[int, str]:
    """Return the jobs of a run that an undo dealt with, unless that was undone itself, each with the reason."""
    found: dict[int, str] = {}
    for later in journal.undoing(run):
        again = taken_back(journal, later.id, successors)
        for entry in journal.entries(later.id):
            why = _dealt_with(entry, later.id, repeat)
            known = {job.id for job in successors.of(left_behind(later, entry))}
            if why is not None and again.keys().isdisjoint(known):
                found[entry.intent.job_id or 0] = why
    return found


def _dealt_with(entry: Entry, undo: str, repeat: str | None) -> str | None:
    """Return why what an undo did to a job is not done again; None when it can be, as what it did by its id."""
    intent, fate = entry.intent, entry.fate
    if intent.job_id is None:
        return None
    if fate.outcome == "done":
        return f"already undone by run {undo}"
    if fate.new_id is not None:
        return (
            f"run {undo} put it as job {fate.new_id}, and the outcome is {fate.outcome}: verify or undo that run first"
        )
    if fate.outcome == "unknown" and ALL[intent.action].puts and repeat != "unknown":
        return f"run {undo} may have put it, which is unknown: look, then undo with repeat unknown"
    return None


def _meant(entries: Iterable[Entry], predicate: Where | None) -> tuple[list[Entry], list[Entry]]:
    """Return the actions that did something, or may have, to what a predicate means; and those where it cannot tell."""
    entries = [entry for entry in entries if entry.fate.outcome in ("done", "unknown") or _is_left_over(entry)]
    if predicate is None:
        return entries, []
    jobs = [_before(entry.intent) for entry in entries]
    of = {id(job): entry for entry, job in zip(entries, jobs, strict=True)}
    matching, undecoded = predicate.judge(jobs)
    return [of[id(job)] for job in matching], [of[id(job)] for job in undecoded]


def _why_unknown(entry: Entry, gone: bool = False) -> str:
    """Return why an action is not taken back of which nobody knows whether it was done, and what can be done."""
    found = entry.fate.error or ""
    if not found.startswith("verified by"):
        return "its outcome is unknown: verify the run first"
    return f"its outcome is unknown, {found}{'; look, then undo with repeat unknown' if gone else ''}"


def _on_the_tube(executor: Executor, entry: Entry) -> TubeStep:
    """Return what gives a tube the pause that it would have by now, or why nothing takes back what was done to it."""
    tube = entry.intent.tube or ""
    if entry.intent.action == "kick":
        return TubeStep(commands.kick(1), Intent("kick", tube), refusal=CHOSEN_BY_SERVER)
    left = max(0, (entry.intent.time_left or 0) - int((executor.context.now() - entry.time).total_seconds()))
    now = next((stats for stats in executor.lookups.tube_stats() if stats.name == tube), None)
    refusal = None if entry.fate.outcome == "done" else _why_unknown(entry)
    if now is not None and now.pause_time_left and now.pause != entry.intent.delay:
        refusal = f"it was paused for {now.pause} s meanwhile"
    intent = Intent("pause" if left else "unpause", tube, delay=left, time_left=now.pause_time_left if now else 0)
    return TubeStep(commands.pause_tube(tube, left), intent, refusal=refusal)


def _orders(
    executor: Executor,
    journal: Journal,
    row: RunRow,
    predicate: Where | None,
    rate: float | None,
    repeat: str | None,
) -> Iterator[Order]:
    """Yield the orders that take a run back, the oldest job first: what is put again comes in the order that it had."""
    successors = Successors(journal, row)
    before = taken_back(journal, row.id, successors, repeat)
    # A page is read with its bodies.
    size = max(1, min(batch_size(rate), MOST_BYTES // max(1, journal.largest_body(row.id))))
    pages = range(0, journal.size(row.id), size)
    newest_first = _went_down(journal, row.id)
    for start in reversed(pages) if newest_first else pages:
        page = journal.entries(row.id, bodies=True, start=start, stop=start + size)
        entries, untold = _meant(reversed(page) if newest_first else page, predicate)
        known = [successors.of(left_behind(row, entry)) for entry in entries]
        yield from _page_of_orders(executor, row, entries, known, before, repeat)
        yield from (Order(_DELETE, left_behind(row, entry).id, None, refusal=_NOT_TOLD) for entry in untold)


def _went_down(journal: Journal, run: str) -> bool:
    """Whether a run began with a younger job than it ended with."""
    last = journal.size(run) - 1
    first, end = (journal.entries(run, start=n, stop=n + 1) for n in (0, max(last, 0)))
    return bool(first and end) and (first[0].intent.job_id or 0) > (end[0].intent.job_id or 0)


def _page_of_orders(
    executor: Executor,
    row: RunRow,
    entries: list[Entry],
    known: list[list[JobRef]],
    before: dict[int, str],
    repeat: str | None,
) -> Iterator[Order]:
    client = executor.context.looking()
    # What was put is deleted, and its body must be on record; what was moved is moved back.
    bodies = any(entry.intent.action not in VERBS or cut_off(entry) for entry in entries)
    latest = [refs[-1] for refs in known]
    reasons = doubts(client, latest)
    originals = _originals(executor, row, entries)
    now = look_up(client, [ref.id for ref in latest], bodies)
    for entry, refs, job, reason in zip(entries, known, now, reasons, strict=True):
        ref, id = refs[-1], refs[-1].id
        dealt_with = next((before[one.id] for one in refs if one.id in before), None)
        another = job and (reason or elsewhere(ref, job))
        gone = entry.intent.action == "delete" and (job is None or another == REUSED)
        original = originals.get(entry.intent.job_id)
        if dealt_with is not None:
            yield Order(_DELETE, id, job, refusal=dealt_with)
        elif cut_off(entry) and original in (None, REUSED):
            copy = None if another else job
            yield put_in_place(entry, copy, back=True, sure=repeat == "unknown")._replace(ref=ref)
        elif _is_unknown(entry) and not (gone and repeat == "unknown"):
            yield Order(_DELETE, id, job, refusal=_why_unknown(entry, gone))
        elif entry.intent.action == "delete":
            yield _order(entry, refs[0].id, None)
        elif job is not None and another:
            moved = job.stats.tube != ref.tube and len(refs) > 1
            yield Order(
                _DELETE, id, None, refusal=f"it is in tube {job.stats.tube} by now, as job {id}" if moved else another
            )
        elif _is_left_over(entry) and entry.fate.outcome != "failed" and original not in (None, _THERE, REUSED):
            yield Order(_DELETE, id, None, refusal=f"job {entry.intent.job_id} may still exist: {original}")
        elif _is_left_over(entry) and (entry.fate.outcome == "failed" or original == _THERE):
            yield Order(_DELETE, id, job, ref=ref)
        else:
            yield _order(entry, id, job)._replace(ref=ref)


def _is_unknown(entry: Entry) -> bool:
    """Whether nobody knows what an action did, not even that it put a job."""
    return entry.fate.outcome == "unknown" and entry.fate.new_id is None


def _is_left_over(entry: Entry) -> bool:
    """Whether an action put a job and then failed, or nobody knows how it ended."""
    return entry.fate.outcome in ("failed", "unknown") and entry.fate.new_id is not None


def _originals(executor: Executor, row: RunRow, entries: Iterable[Entry]) -> dict[int | None, str]:
    """Return which jobs exist still that were to be put elsewhere, or why what has the id may be another."""
    client = executor.context.looking()
    refs = [acted_on(row, entry) for entry in entries if _is_left_over(entry) and entry.intent.action in _PUTS_ANEW]
    here = zip(refs, look_up(client, [ref.id for ref in refs], bodies=False), doubts(client, refs), strict=True)
    return {ref.id: reason or elsewhere(ref, job) or _THERE for ref, job, reason in here if job is not None}


def _before(intent: Intent) -> FoundJob:
    """Return the job as it was before an action, as far as the record tells."""
    priority = intent.priority_before if intent.priority_before is not None else intent.priority
    stats = JobStats(
        intent.job_id or 0,
        intent.tube or "",
        intent.state_before or "ready",
        priority or 0,
        0,
        intent.delay or 0,
        intent.ttr or 0,
        intent.time_left or 0,
        *(0,) * 6,
    )
    return FoundJob(stats, intent.body, seen=intent.created or 0.0)


def _order(entry: Entry, id: int, now: FoundJob | None) -> Order:
    """Return what takes one action back, or why nothing does."""
    intent = entry.intent
    before = _before(intent)
    state = before.stats.state
    restored = Settings(intent.priority_before, max(before.stats.time_left, 0) if state == "delayed" else 0)
    bury = verb_of("bury", restored)
    match intent.action:
        case "delete":
            if intent.body is None:
                return Order(RESTORE, id, before, refusal="its body is not in the journal, so it cannot be put again")
            return Order(RESTORE, id, before, KEEP)
        case "put" | "copy" | "restore" | "import":
            return Order(_DELETE, id, now)
        case "move":
            return Order(MOVE, id, now, Settings(target=intent.tube))
        case "kick":
            return Order(bury if state == "buried" else _RELEASE, id, now, restored, _unless(now, "ready"))
        case "bury":
            if state == "ready" and intent.priority == intent.priority_before:
                return Order(_KICK, id, now, KEEP, _unless(now, "buried"))
            return Order(bury if state == "buried" else _RELEASE, id, now, restored, _unless(now, "buried"))
        case "release":
            back = bury if state == "buried" else _RELEASE
            return Order(back, id, now, restored, _unless(now, "ready", "delayed"))
    return Order(_DELETE, id, now, refusal=f"a {intent.action} leaves nothing to take back")


def _unless(now: FoundJob | None, *states: str) -> str | None:
    """Return why an action is not taken back: the job is in none of the states that it left it in."""
    if now is None or now.stats.state in states:
        return None
    return "a worker has reserved it" if now.stats.state == "reserved" else f"it is {now.stats.state} by now"
