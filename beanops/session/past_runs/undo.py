"""Undo a run of the journal by a new run of opposite actions. `recovery` resumes and verifies runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from beanops.jobs.found import look_at
from beanops.jobs.identity import REUSED, JobRef, doubts
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.where import Where
from beanops.journal import explanations
from beanops.journal.records import WATCH, Entry, Intent, RunRow
from beanops.journal.rivals import Rivals
from beanops.protocol import commands
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import check_choice
from beanops.session.execution.executor import Executor
from beanops.session.execution.putting import NewJob
from beanops.session.execution.run import Run
from beanops.session.execution.targets import MOST_BYTES, batch_size, elsewhere, in_batches
from beanops.session.execution.undoable import CHOSEN_BY_SERVER, TRUNCATED
from beanops.session.execution.verbs import ALL, EDIT, KEEP, MOVE, RESTORE, VERBS, Order, Settings, TubeStep, verb_of
from beanops.session.old_servers.claims import cut_off, put_in_place
from beanops.session.options import How, Options, how_of
from beanops.session.past_runs.migrations import Reverting, is_migration, undo_migration
from beanops.session.past_runs.remembered import CANNOT_JUDGE, Successors, acted_on, family, job_before, left_behind
from beanops.session.tube_verbs import guard_of
from beanops.text import inflected

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

#: The columns that the journal has of a job before an action.
_ON_RECORD = ("id", "tube", "state", "priority", "delay", "ttr", "time_left", "size", "body", "data",
              "group_name", "cause")  # fmt: skip
_KICK, _RELEASE, _DELETE = (VERBS[name] for name in ("kick", "release", "delete"))
#: Verbs that an interruption can end between a put and a delete.
_PUT_AND_DELETE = ("move", "edit", "release")
#: Said of a job that still exists.
_THERE = "it exists"


def undo(executor: Executor, run: str, where: str | None, options: Options, repeat: str | None) -> Run:
    """Undo a run; see `Session.undo`."""
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
    how, request = how._replace(undoes=run), {"run": run, "where": where}
    if is_migration(row):
        undone = partial(undone_jobs, journal, run, repeat=repeat)
        return undo_migration(
            executor, request, Reverting(row, how, repeat, partial(_to_undo, predicate=predicate), undone)
        )
    undoing = executor.begin("undo", request, how)
    undoing.besides = _rest_of_it(journal, row)
    first = journal.entries(run, start=0, stop=1)
    if first and first[0].intent.action in ("pause", "unpause", "kick", "truncate") and first[0].intent.job_id is None:
        entries, undecided = _to_undo(reversed(journal.entries(run)), predicate)
        steps = [_on_the_tube(executor, entry) for entry in entries + undecided]
        steps[len(entries) :] = [step._replace(refusal=CANNOT_JUDGE) for step in steps[len(entries) :]]
        return executor.act_on_tube(undoing, steps, how)
    rivals = Rivals(journal, lambda: journal.undoing(run))

    def disturbed() -> str | None:
        other = rivals.active(undoing.id)
        return other and f"run {other} is undoing the same run: undo again when it has ended"

    orders = _orders(executor, journal, row, predicate, how.rate, repeat)
    return executor.act_on_jobs(undoing, in_batches(orders, how.rate), how, guard_of(executor), unless=disturbed)


def check_server(executor: Executor, row: RunRow) -> None:
    """Reject a run whose jobs are not on this session's server."""
    if not row.server:
        raise UsageError(f"run {row.id} is a {row.action} of the journal: no server knows of it, and nothing undoes it")
    at = row.request.get("server", row.server)
    if at != str(executor.context.address):
        moved = "moved" if "mark" in row.request else "copied"
        copied = f" and {moved} to {at}" if at != row.server else ""
        here = f"this session is on {executor.context.address}"
        raise UsageError(f"run {row.id} was on {row.server}{copied}, {here}: connect to {at}")


def _rest_of_it(journal: Journal, row: RunRow) -> str | None:
    """Return a note on the runs that did other parts of the same request, which this undo leaves."""

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


def undone_jobs(journal: Journal, run: str, successors: Successors, repeat: str | None = None) -> dict[int, str]:
    """Return the jobs of a run that an undo has processed, unless that was undone too, each with the reason."""
    found: dict[int, str] = {}
    for later in journal.undoing(run):
        again = undone_jobs(journal, later.id, successors)
        for entry in journal.entries(later.id):
            why = _already_undone(entry, later.id, repeat)
            known = {job.id for job in successors.of(left_behind(later, entry))}
            if why is not None and again.keys().isdisjoint(known):
                found[entry.intent.job_id or 0] = why
    return found


def _already_undone(entry: Entry, undo: str, repeat: str | None) -> str | None:
    """Return why an action that an undo processed is not undone again; None if it can be."""
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


def _to_undo(entries: Iterable[Entry], predicate: Where | None) -> tuple[list[Entry], list[Entry]]:
    """Return the actions to undo: done or perhaps done, on jobs that match; then those that cannot be evaluated."""
    entries = [entry for entry in entries if entry.fate.outcome in ("done", "unknown") or _is_left_over(entry)]
    entries = [entry for entry in entries if entry.intent.action != WATCH]
    if predicate is None:
        return entries, []
    jobs = [job_before(entry.intent) for entry in entries]
    of = {id(job): entry for entry, job in zip(entries, jobs, strict=True)}
    matching, undecoded = predicate.judge(jobs)
    return [of[id(job)] for job in matching], [of[id(job)] for job in undecoded]


def _why_unknown(entry: Entry, gone: bool = False) -> str:
    """Return why an action with an unknown outcome is not undone, and what to do."""
    found = entry.fate.error or ""
    if not found.startswith("verified by"):
        return "its outcome is unknown: verify the run first"
    return f"its outcome is unknown, {found}{'; look, then undo with repeat unknown' if gone else ''}"


def _on_the_tube(executor: Executor, entry: Entry) -> TubeStep:
    """Return the command that restores the pause that a tube would have now, or why it is not sent."""
    tube = entry.intent.tube or ""
    if entry.intent.action == "kick":
        return TubeStep(commands.kick(1), Intent("kick", tube), refusal=CHOSEN_BY_SERVER)
    if entry.intent.action == "truncate":
        return TubeStep(commands.stats_tube(tube), Intent("put", tube), refusal=TRUNCATED)
    left = max(0, (entry.intent.time_left or 0) - int((executor.context.now() - entry.time).total_seconds()))
    now = next((stats for stats in executor.lookups.tube_stats() if stats.name == tube), None)
    refusal = None if entry.fate.outcome == "done" else _why_unknown(entry)
    if now is not None and now.pause_time_left and now.pause != entry.intent.delay:
        refusal = f"it was paused again, for {now.pause} s"
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
    """Yield the orders that undo a run, oldest job first, so that jobs put again keep their order."""
    successors = Successors(journal, row)
    before = undone_jobs(journal, row.id, successors, repeat)
    # A page includes bodies.
    size = max(1, min(batch_size(rate), MOST_BYTES // max(1, journal.largest_body(row.id))))
    pages = range(0, journal.size(row.id), size)
    newest_first = _went_down(journal, row.id)
    for start in reversed(pages) if newest_first else pages:
        page = journal.entries(row.id, bodies=True, start=start, stop=start + size)
        entries, undecided = _to_undo(reversed(page) if newest_first else page, predicate)
        known = [successors.of(left_behind(row, entry)) for entry in entries]
        yield from _page_of_orders(executor, row, entries, known, before, repeat)
        yield from (Order(_DELETE, left_behind(row, entry).id, None, refusal=CANNOT_JUDGE) for entry in undecided)


def _went_down(journal: Journal, run: str) -> bool:
    """Whether a run went from newer jobs to older ones."""
    first = journal.entries(run, stop=1)
    # The last action of a canary is a verdict, after an action on a job.
    last = [entry for entry in journal.entries(run, last=2) if entry.intent.action != WATCH]
    return bool(first and last) and (first[0].intent.job_id or 0) > (last[-1].intent.job_id or 0)


def _page_of_orders(
    executor: Executor,
    row: RunRow,
    entries: list[Entry],
    known: list[list[JobRef]],
    before: dict[int, str],
    repeat: str | None,
) -> Iterator[Order]:
    client = executor.context.looking()
    # Undo deletes jobs that were put, whose bodies it records, and moves jobs back.
    bodies = any(entry.intent.action not in VERBS or cut_off(entry) for entry in entries)
    latest = [refs[-1] for refs in known]
    reasons = doubts(client, latest)
    originals = _originals(executor, row, entries)
    now = look_at(client, [ref.id for ref in latest], bodies)
    for entry, refs, job, reason in zip(entries, known, now, reasons, strict=True):
        ref, id = refs[-1], refs[-1].id
        done_by = next((before[one.id] for one in refs if one.id in before), None)
        another = job and (reason or elsewhere(ref, job))
        gone = entry.intent.action == "delete" and (job is None or another == REUSED)
        original = originals.get(entry.intent.job_id)
        if done_by is not None:
            yield Order(_DELETE, id, job, refusal=done_by)
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
                _DELETE, id, None, refusal=f"it is in tube {job.stats.tube} now, as job {id}" if moved else another
            )
        elif _is_left_over(entry) and entry.fate.outcome != "failed" and original not in (None, _THERE, REUSED):
            yield Order(_DELETE, id, None, refusal=f"job {entry.intent.job_id} may still exist: {original}")
        elif _is_left_over(entry) and (entry.fate.outcome == "failed" or original == _THERE):
            yield Order(_DELETE, id, job, ref=ref)
        else:
            yield _order(entry, id, job)._replace(ref=ref)


def _is_unknown(entry: Entry) -> bool:
    """Whether the outcome of an action is unknown, and it is not known to have put a job."""
    return entry.fate.outcome == "unknown" and entry.fate.new_id is None


def _is_left_over(entry: Entry) -> bool:
    """Whether an action put a job, and then failed or has an unknown outcome."""
    return entry.fate.outcome in ("failed", "unknown") and entry.fate.new_id is not None


def _originals(executor: Executor, row: RunRow, entries: Iterable[Entry]) -> dict[int | None, str]:
    """Return which jobs of interrupted moves still exist, or why the id may be another job's."""
    client = executor.context.looking()
    refs = [
        acted_on(row, entry) for entry in entries if _is_left_over(entry) and entry.intent.action in _PUT_AND_DELETE
    ]
    here = zip(refs, look_at(client, [ref.id for ref in refs], bodies=False), doubts(client, refs), strict=True)
    return {ref.id: reason or elsewhere(ref, job) or _THERE for ref, job, reason in here if job is not None}


def _order(entry: Entry, id: int, now: FoundJob | None) -> Order:
    """Return the order that undoes one action, or why it cannot be undone."""
    intent = entry.intent
    before = job_before(intent)
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
        case "edit":
            return _as_before(intent, id, now)
        case "kick":
            return Order(bury if state == "buried" else _RELEASE, id, now, restored, _unless(now, "ready"))
        case "bury":
            if state == "ready" and intent.priority == intent.priority_before:
                return Order(_KICK, id, now, KEEP, _unless(now, "buried"))
            return Order(bury if state == "buried" else _RELEASE, id, now, restored, _unless(now, "buried"))
        case "release":
            back = bury if state == "buried" else _RELEASE
            return Order(back, id, now, restored, _unless(now, "ready", "delayed"))
    return Order(_DELETE, id, now, refusal=f"a {intent.action} leaves nothing to undo")


def _as_before(intent: Intent, id: int, now: FoundJob | None) -> Order:
    """Return the order that undoes an edit: what it changed is changed back, what others changed since stays."""
    if now is None:
        return Order(EDIT, id, None)
    stats = now.stats
    same = intent.new_body is None and (intent.digest is not None or intent.body is not None)
    body = now.body if same else intent.body
    if body is None:
        return Order(EDIT, id, now, refusal="its body before is not in the journal, so it cannot be put again")
    state, delay, left = "ready" if stats.state == "reserved" else stats.state, stats.delay, max(stats.time_left, 0)
    refusal = None
    if (intent.state_before, intent.delay_before) != (intent.new_state, intent.delay):
        # A delay that ended is no change by others.
        expected = {intent.new_state or "", "ready"} if intent.new_state == "delayed" else {intent.new_state or ""}
        refusal = _unless(now, *expected)
        state, delay, left = intent.state_before or state, intent.delay_before or 0, max(intent.time_left or 0, 0)
    priority = stats.priority if intent.priority_before == intent.priority else intent.priority_before
    ttr = stats.ttr if intent.ttr is None else intent.ttr
    before = NewJob(body, intent.tube or stats.tube, priority or 0, ttr, delay, left, state=state)
    return Order(EDIT, id, now, refusal=refusal, instead=before)


def _unless(now: FoundJob | None, *states: str) -> str | None:
    """Return why an action is not undone: the job is no longer in a state that it left it in."""
    if now is None or now.stats.state in states:
        return None
    return "a worker has reserved it" if now.stats.state == "reserved" else f"it is {now.stats.state} now"
