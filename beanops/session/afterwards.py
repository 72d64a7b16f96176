"""What follows a run that was cut off: going on with it, and finding out what became of it. `undo` takes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.act import Actor
from beanops.session.claims import cut_off, judge, put_in_place
from beanops.session.importing import resume_import
from beanops.session.orders import ANOTHER, BATCH, Options, asked_ids, how_of, look_up, orders_of, put_after
from beanops.session.record import UNKNOWN, Entry, RunRow
from beanops.session.run import Run
from beanops.session.shelter import Shelter
from beanops.session.undo import check_server, family, is_another, now_called
from beanops.session.verbs import ALL, Order, Settings, verb_of

if TYPE_CHECKING:
    from beanops.session.journal import Journal
    from beanops.session.session import Session


def resume_run(session: Session, actor: Actor, run: str, how_asked: Options) -> Run:
    """Go on with a run; see `Session.resume_run`."""
    journal = session.journal()
    row = journal.run(run)
    if row.at_its_end:
        raise UsageError(row.at_its_end)
    check_server(session, row)
    if row.action == "import":
        return resume_import(session, actor, row, how_asked)
    runs = family(journal, row)
    request = journal.run(runs[0].id).request
    settings = Settings(**request["settings"])
    kept = {
        name: request[name] for name in ("state", "where", "order", "seen_in", "rate", "buried_as") if name in request
    }
    options = Options(**kept | {name: value for name, value in how_asked.items() if value is not None})  # type: ignore[typeddict-item]
    how = how_of(options)
    if how.dry:
        journal.refuse_what_goes_on(row.id, session.now())
    resumed = actor.begin(row.action, request | {"resumes": run}, how)
    # What is left is read when nobody goes on with it but this run.
    with actor.ledger(resumed).beginning():
        runs = [one for one in family(journal, row) if one.id != resumed.id]
        finished, tried = _finished(journal, runs)
        limit = request.get("limit")
        if "jobs" in request:
            asked, late = request["jobs"], f"it was put after run {runs[0].id} had begun"
        else:
            first = None if "where" in request else limit
            asked, late = [id for id in asked_ids(request)[:first] if id not in finished], ANOTHER
        left = None if limit is None else max(0, limit - len(tried))
        verb = verb_of(row.action, settings)
        batches, cancel = orders_of(session, verb, asked, settings, options, actor.keep_bodies)
        same = "jobs" not in request and session.server().id == runs[0].instance
        rest = _rest(batches, finished, tried, left, None if same else runs[0].time.timestamp(), late)
        resumed.when_cancelled(cancel)
        return actor.act_on_jobs(resumed, chain(_cut_off(session, runs), rest), how, Shelter(session))


def _cut_off(session: Session, runs: list[RunRow]) -> Iterator[list[Order]]:
    """Yield the orders that do the rest of claims that were cut off."""
    journal = session.journal()
    for row in runs:
        for start in range(0, journal.size(row.id), BATCH):
            page = journal.entries(row.id, bodies=True, start=start, stop=start + BATCH)
            entries = [entry for entry in page if cut_off(entry)]
            copies = look_up(session, [now_called(entry) for entry in entries], bodies=True)
            originals = look_up(session, [entry.intent.job_id or 0 for entry in entries], bodies=False)
            orders = [
                put_in_place(entry, copy, back=False, sure=False)
                for entry, copy, original in zip(entries, copies, originals, strict=True)
                if original is None and copy is not None
            ]
            if orders:
                yield orders


def _finished(journal: Journal, runs: list[RunRow]) -> tuple[set[int], set[int]]:
    """Return the jobs that need no second try, and all that were tried.

    What may have been put already is not put once more: a job twice is worse than one that waits for `verify`. Nor is
    what was put for another.
    """
    finished: set[int] = set()
    tried: set[int] = set()
    for row in runs:
        for entry in journal.entries(row.id):
            id, outcome, new = entry.intent.job_id or 0, entry.fate.outcome, entry.fate.new_id
            tried.add(id)
            if outcome in ("done", "skipped") or (ALL[row.action].puts and (outcome == "unknown" or new is not None)):
                finished.add(id)
            if new is not None:
                finished.add(new)
    return finished, tried


def _rest(
    batches: Iterator[list[Order]],
    finished: set[int],
    tried: set[int],
    left: int | None,
    chosen_at: float | None,
    late: str,
) -> Iterator[list[Order]]:
    """Yield the orders that are left: second tries, and at most `left` jobs that were not tried yet."""
    again = tried - finished
    while (left != 0 or again) and (batch := next(batches, None)):
        rest = []
        for order in batch:
            if order.id in finished:
                continue
            if order.job is not None and put_after(order.job.stats, chosen_at):
                order = order._replace(refusal=late)
            elif order.id in again:
                again.discard(order.id)
            elif left is not None:
                if left == 0:
                    continue
                left -= 1
            rest.append(order)
        if rest:
            yield rest


def verify(session: Session, actor: str, run: str) -> Run:
    """Ask what became of a run's unknown actions; see `Session.verify`."""
    journal = session.journal()
    row = journal.run(run)
    check_server(session, row)
    same = session.server().id == row.instance and "server" not in row.request
    unknown = [entry for entry in journal.entries(run) if entry.fate.outcome == "unknown"]
    judged = []
    for start in range(0, len(unknown), BATCH):
        batch = unknown[start : start + BATCH]
        originals = look_up(session, [entry.intent.job_id or 0 for entry in batch], bodies=False)
        made = look_up(session, [now_called(entry) for entry in batch], bodies=False)
        for entry, original, new in zip(batch, originals, made, strict=True):
            outcome, found = _found_out(entry, original, new, same, session.now())
            judged.append((entry, entry.fate._replace(outcome=outcome, error=f"verified by {actor}: {found}")))
    # A run that goes on has settled some of them since, and knows better what became of them.
    still = {entry.n for entry in journal.entries(run) if entry.fate.outcome == "unknown"}
    judged = [(entry, fate) for entry, fate in judged if entry.n in still]
    journal.write(run, session.now(), fates=[(entry.n, fate) for entry, fate in judged if fate != entry.fate])
    verified = Run(run, f"verify {row.action}", lambda: [])
    for entry, fate in judged:
        about = f"line {entry.intent.target}" if entry.intent.job_id is None else f"job {entry.intent.job_id}"
        verified.count(fate.outcome, fate.error, about=about)
    return verified


def _found_out(
    entry: Entry, original: FoundJob | None, made: FoundJob | None, same: bool, now: datetime
) -> tuple[str, str]:
    """Return the outcome of an action, and what shows it.

    What a worker may have done as well, or the end of a delay, shows nothing.
    """
    intent, new_id = entry.intent, entry.fate.new_id
    if new_id is None and (intent.job_id is None or intent.action == "touch"):
        return "unknown", f"the server cannot tell what became of the {intent.action}"
    if original is not None and is_another(entry._replace(fate=UNKNOWN), original.stats, same):
        return "unknown", ANOTHER
    delayed_until = entry.time + timedelta(seconds=intent.time_left or 0)
    out_of_reach = intent.state_before == "buried" or (intent.state_before == "delayed" and now < delayed_until)
    if new_id is not None:
        return _of_a_put(entry, original, made, same, out_of_reach)
    if ALL[intent.action].puts:
        return "unknown", f"whether a copy of it was put into tube {intent.put_into} is not on record"
    if original is None:
        if intent.action == "delete" and same and out_of_reach:
            return "done", "the job no longer exists"
        return "unknown", "the job no longer exists, which may be a worker's doing, or a restart's"
    stats = original.stats
    if intent.action == "delete":
        return "failed", f"the job is still {stats.state}"
    if _times(intent.action, stats) == 0:
        return "failed", f"the job is {stats.state}, and no {intent.action} ever met it"
    if _left_so(entry, stats, out_of_reach):
        return "done", f"the job is {stats.state}"
    if intent.action == "bury" and stats.state == intent.state_before and stats.priority == intent.priority_before:
        return "failed", f"the job is still {stats.state}"
    return "unknown", f"the job is {stats.state} by now, and was acted on more than once"


def _times(action: str, stats: JobStats) -> int:
    """Return how often the server has done that to a job, whoever asked for it."""
    return {"kick": stats.kicks, "bury": stats.buries, "release": stats.releases}[action]


def _left_so(entry: Entry, now: JobStats, out_of_reach: bool) -> bool:
    """Whether a job is as the action should have left it, and as nothing else would have."""
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


def _of_a_put(
    entry: Entry, original: FoundJob | None, made: FoundJob | None, same: bool, out_of_reach: bool
) -> tuple[str, str]:
    intent, new_id = entry.intent, entry.fate.new_id
    if cut_off(entry) and same:
        return judge(entry, original, made, out_of_reach)
    if made is not None and is_another(entry, made.stats, same):
        return "unknown", ANOTHER
    if made is None and not same:
        return "unknown", f"job {new_id} was put for it, and the server was restarted since"
    if intent.action == "move":
        if original is not None:
            left = "is left twice" if made is not None else "no longer exists"
            return "failed", f"it still exists; job {new_id} was put in its place and {left}"
        worker = "" if out_of_reach else ", but a worker may have taken it before it was deleted"
        return "done" if out_of_reach else "unknown", f"job {new_id} was put in its place{worker}"
    if intent.state_before == "buried" and made is not None and made.stats.state != "buried" and not made.stats.kicks:
        # A line of a file stays unknown: were it failed, the next import would put it once more.
        outcome = "unknown" if intent.action == "import" else "failed"
        return outcome, f"job {new_id} was put for it, and is {made.stats.state}, not buried"
    return "done", f"job {new_id} was put for it"
