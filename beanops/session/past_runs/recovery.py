"""Resume a run that was interrupted, and verify actions with an unknown outcome. `undo` undoes runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.client.instances import is_same
from beanops.client.sync import Client
from beanops.jobs.found import look_at
from beanops.jobs.identity import REUSED, TOLERANCE, JobRef, doubts
from beanops.jobs.refs import refs_in
from beanops.journal.records import Entry, Intent, RunRow
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.editing.edit import Edit
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import BATCH, elsewhere, orders_of
from beanops.session.execution.verbs import ALL, Order, Settings, verb_of
from beanops.session.files.import_ import resume_import
from beanops.session.old_servers.claims import cut_off, judge, put_in_place
from beanops.session.options import Options, how_of
from beanops.session.past_runs.migrations import is_migration, resume_migration
from beanops.session.past_runs.remembered import acted_on, family, left_behind
from beanops.session.past_runs.undo import check_server
from beanops.session.tube_verbs import guard_of

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


def resume(executor: Executor, run: str, how_asked: Options) -> Run:
    """Resume a run; see `Session.resume`."""
    journal = executor.context.journal()
    row = journal.run(run)
    if row.at_its_end:
        raise UsageError(row.at_its_end)
    if row.action == "migrate":
        if row.server != str(executor.context.address):
            here = f"this session is on {executor.context.address}"
            raise UsageError(f"run {row.id} was on {row.server}, {here}: connect to {row.server}")
        return resume_migration(executor, row, how_asked)
    check_server(executor, row)
    if row.action == "import":
        return resume_import(executor, row, how_asked)
    runs = family(journal, row)
    first = journal.run(runs[0].id)
    request = first.request
    settings = Settings(**request["settings"])
    kept = {name: request[name] for name in ("state", "where", "order", "rate", "buried_as") if name in request}
    options = Options(**kept | {name: value for name, value in how_asked.items() if value is not None})  # type: ignore[typeddict-item]
    how = how_of(options)
    if how.dry:
        journal.refuse_if_under_way(row.id, executor.context.now())
    resumed = executor.begin(row.action, request | {"resumes": run}, how)
    # The rest is read after `begin`: from then on no other run resumes it.
    with executor.ledger(resumed).beginning():
        runs = [one for one in family(journal, row) if one.id != resumed.id]
        finished, tried, doubtful = _finished(journal, runs)
        limit = request.get("limit")
        by_tube = "jobs" in request
        asked: Any = request["jobs"] if by_tube else _asked(first, finished - doubtful.keys(), tried)
        verb = verb_of(row.action, settings)
        batches, cancel = orders_of(executor.lookups, verb, asked, settings, options, executor.context.keep_bodies)
        left = None if limit is None else max(0, limit - len(tried))
        rest = _rest(batches, finished, tried, left, _too_late(executor, first) if by_tube else list, doubtful)
        edit = Edit(request["edit"]) if "edit" in request else None
        if edit is not None:
            rest = edit.applied(rest, executor.context.held, executor.lookups.server().max_job_size)
        resumed.when_cancelled(cancel)
        executor.act_on_jobs(resumed, chain(_cut_off(executor, runs), rest), how, guard_of(executor))
        if edit is not None:
            edit.tell(resumed)
        return resumed


def _cut_off(executor: Executor, runs: list[RunRow]) -> Iterator[list[Order]]:
    """Yield the orders that complete interrupted claims."""
    journal = executor.context.journal()
    for row in runs:
        for start in range(0, journal.size(row.id), BATCH):
            page = journal.entries(row.id, bodies=True, start=start, stop=start + BATCH)
            entries = [entry for entry in page if cut_off(entry)]
            refs, client = [left_behind(row, entry) for entry in entries], executor.context.looking()
            originals, ours = _seen(client, [acted_on(row, entry) for entry in entries]), doubts(client, refs)
            copies = look_at(client, [ref.id for ref in refs], bodies=True)
            orders = [
                put_in_place(entry, copy, back=False, sure=False)._replace(ref=ref)
                for entry, ref, copy, original, reason in zip(entries, refs, copies, originals, ours, strict=True)
                if (original.job is None or original.another == REUSED)
                and copy is not None
                and not (reason or elsewhere(ref, copy))
            ]
            if orders:
                yield orders


def _asked(first: RunRow, finished: set[int], tried: dict[int, JobRef]) -> list[JobRef]:
    """Return the jobs that a run was called with and has not finished, as jobs of its server process."""
    most = None if "where" in first.request else first.request.get("limit")
    # A job given by its id existed when the run began.
    by_then = (-inf, first.time.timestamp())
    named = (
        ref._replace(instance=ref.instance or first.instance, created=ref.created or by_then)
        for ref in refs_in(first.request)[:most]
    )
    return [tried.get(ref.id, ref) for ref in named if ref.id not in finished]


def _too_late(executor: Executor, first: RunRow) -> Callable[[Sequence[Order]], list[Order]]:
    """Return a function that refuses jobs that were put, or may have been, after a run began."""
    began = first.time.timestamp()

    def refusing(batch: Sequence[Order]) -> list[Order]:
        refs = [JobRef(order.id, first.instance, created=(-inf, began)) for order in batch]
        found = zip(batch, refs, doubts(executor.context.looking(), refs), strict=True)
        return [
            order._replace(refusal=why, ref=ref) if (why := reason or _put_since(order, began, first.id)) else order
            for order, ref, reason in found
        ]

    return refusing


def _put_since(order: Order, began: float, run: str) -> str | None:
    created = order.job and order.job.created
    return f"it was put after run {run} had begun" if created and created > began + TOLERANCE else None


def _finished(journal: Journal, runs: list[RunRow]) -> tuple[set[int], dict[int, JobRef], dict[int, str]]:
    """Return the jobs that get no second try, all that were tried, and those of the first with an unknown outcome.

    A job that may have been put is not put again: a duplicate is worse than a job that waits for a decision. The last
    has the run of each.
    """
    finished: set[int] = set()
    tried: dict[int, JobRef] = {}
    doubtful: dict[int, str] = {}
    for row in runs:
        for entry in journal.entries(row.id):
            id, outcome, new = entry.intent.job_id or 0, entry.fate.outcome, entry.fate.new_id
            tried.setdefault(id, acted_on(row, entry))
            if outcome in ("done", "skipped") or (ALL[row.action].puts and (outcome == "unknown" or new is not None)):
                finished.add(id)
                if outcome == "unknown" and new is None:
                    doubtful[id] = row.id
            if new is not None:
                finished.add(new)
    return finished, tried, doubtful


def _rest(
    batches: Iterator[Sequence[Order]],
    finished: set[int],
    tried: Iterable[int],
    left: int | None,
    checked: Callable[[Sequence[Order]], list[Order]],
    doubtful: dict[int, str],
) -> Iterator[list[Order]]:
    """Yield the orders that are left: second tries, and at most `left` jobs that were not tried yet.

    Those that may have been put already are refused, so that nobody takes them for done.
    """
    again, waiting = set(tried) - finished, set(doubtful)
    while (left != 0 or again or waiting) and (batch := next(batches, None)):
        rest = []
        for order, as_found in zip(checked(batch), batch, strict=True):
            if order.id in waiting:
                waiting.discard(order.id)
                if order.job is not None:
                    why = f"run {doubtful[order.id]} may have put a copy of it, which is unknown: look, then repeat it"
                    rest.append(order._replace(refusal=why))
                continue
            if order.id in finished:
                continue
            if order.refusal != as_found.refusal:
                pass  # refused as too late, so it does not count
            elif order.id in again:
                again.discard(order.id)
            elif left is not None:
                if left == 0:
                    continue
                left -= 1
            rest.append(order)
        if rest:
            yield rest


def verify(executor: Executor, run: str) -> Run:
    """Ask the server about actions with an unknown outcome; see `JournalReader.verify`."""
    journal = executor.context.journal()
    row = journal.run(run)
    if is_migration(row):
        raise UsageError(f"run {row.id} is on two servers: resume or undo it, which finds out what is unknown")
    check_server(executor, row)
    client = executor.context.looking()
    same = is_same(client.instance, row.instance) and "server" not in row.request
    unknown = [entry for entry in journal.entries(run, bodies=True) if entry.fate.outcome == "unknown"]
    judged = []
    for start in range(0, len(unknown), BATCH):
        batch = unknown[start : start + BATCH]
        originals = _seen(client, [acted_on(row, entry) for entry in batch])
        made = _seen(client, [left_behind(row, entry) for entry in batch])
        for entry, original, new in zip(batch, originals, made, strict=True):
            outcome, found = _found_out(entry, original, new, same, executor.context.now())
            judged.append(
                (entry, entry.fate._replace(outcome=outcome, error=f"verified by {executor.context.actor}: {found}"))
            )
    # A run that is under way may have recorded some outcomes since; they are right.
    still = {entry.n for entry in journal.entries(run) if entry.fate.outcome == "unknown"}
    judged = [(entry, fate) for entry, fate in judged if entry.n in still]
    journal.write(run, executor.context.now(), fates=[(entry.n, fate) for entry, fate in judged if fate != entry.fate])
    verified = Run(run, f"verify {row.action}", lambda: [])
    for entry, fate in judged:
        verified.count(fate.outcome, fate.error, about=_about(entry.intent))
    return verified


def _about(intent: Intent) -> str:
    if intent.job_id is not None:
        return f"job {intent.job_id}"
    if intent.target is None:
        return f"tube {intent.tube}"
    return f"{'line' if intent.action == 'import' else 'body'} {intent.target}"


class _Seen(NamedTuple):
    """The job that has an id now, or None; and why it is, or may be, another job."""

    job: JobStats | None
    another: str | None


def _seen(client: Client, refs: list[JobRef]) -> list[_Seen]:
    looked = zip(refs, look_at(client, [ref.id for ref in refs], bodies=False), doubts(client, refs), strict=True)
    return [_Seen(job and job.stats, job and (reason or elsewhere(ref, job))) for ref, job, reason in looked]


def _found_out(entry: Entry, original: _Seen, made: _Seen, same: bool, now: datetime) -> tuple[str, str]:
    """Return the outcome of an action, and the evidence.

    What a worker or the end of a delay may have caused is no evidence.
    """
    intent, new_id = entry.intent, entry.fate.new_id
    if new_id is None and (intent.job_id is None or intent.action == "touch"):
        return "unknown", f"the server does not know the outcome of the {intent.action}"
    if original.another is not None:
        return "unknown", original.another
    delayed_until = entry.time + timedelta(seconds=intent.time_left or 0)
    out_of_reach = intent.state_before == "buried" or (intent.state_before == "delayed" and now < delayed_until)
    if new_id is not None:
        return _of_a_put(entry, original, made, same, out_of_reach)
    if ALL[intent.action].puts:
        return "unknown", f"whether a copy of it was put into tube {intent.put_into} is not in the journal"
    stats = original.job
    if stats is None:
        if intent.action == "delete" and same and out_of_reach:
            return "done", "the job no longer exists"
        return "unknown", "the job no longer exists, which may be a worker's doing, or a restart's"
    if intent.action == "delete":
        return "failed", f"the job is still {stats.state}"
    if _times(intent.action, stats) == 0:
        return "failed", f"the job is {stats.state}, and no {intent.action} ever met it"
    if _left_so(entry, stats, out_of_reach):
        return "done", f"the job is {stats.state}"
    if intent.action == "bury" and stats.state == intent.state_before and stats.priority == intent.priority_before:
        return "failed", f"the job is still {stats.state}"
    return "unknown", f"the job is {stats.state} now, and was changed more than once"


def _times(action: str, stats: JobStats) -> int | None:
    """Return how often that was done to a job, by anybody; None if the server does not count it."""
    return {"kick": stats.kicks, "bury": stats.buries, "release": stats.releases}.get(action)


def _left_so(entry: Entry, now: JobStats, out_of_reach: bool) -> bool:
    """Whether a job is in a state that only the action can have caused."""
    intent = entry.intent
    match intent.action:
        case "kick":
            return out_of_reach and now.state in ("ready", "reserved")
        case "bury":
            return now.state == "buried" and now.priority == intent.priority
        case "release":
            given = now.priority == intent.priority and now.delay == intent.delay
            return given and now.state in ("ready", "delayed", "reserved")
    return False


def _of_a_put(entry: Entry, original: _Seen, made: _Seen, same: bool, out_of_reach: bool) -> tuple[str, str]:
    intent, new_id, job = entry.intent, entry.fate.new_id, made.job
    if cut_off(entry) and same:
        return judge(entry, original.job, job, out_of_reach)
    if made.another is not None:
        return "unknown", made.another
    if job is None and not same:
        return "unknown", f"job {new_id} was put for it, and the server was restarted since"
    if intent.action in ("move", "edit"):
        if original.job is not None:
            left = "is left twice" if job is not None else "no longer exists"
            return "failed", f"it still exists; job {new_id} was put in its place and {left}"
        worker = "" if out_of_reach else ", but a worker may have taken it before it was deleted"
        return "done" if out_of_reach else "unknown", f"job {new_id} was put in its place{worker}"
    if intent.state_before == "buried" and job is not None and job.state != "buried" and not job.kicks:
        # A line of a file stays unknown: if it were failed, the next import would put it again.
        outcome = "unknown" if intent.action == "import" else "failed"
        return outcome, f"job {new_id} was put for it, and is {job.state}, not buried"
    return "done", f"job {new_id} was put for it"
