"""What follows a run that was cut off: going on with it, and finding out what became of it. `undo` takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.act import Actor
from beanops.session.orders import ANOTHER, BATCH, Options, asked_ids, how_of, look_up, orders_of, put_after
from beanops.session.record import Entry, Fate, RunRow
from beanops.session.run import Run
from beanops.session.shelter import Shelter
from beanops.session.transfer import resume_import
from beanops.session.undo import check_server, is_another, now_called
from beanops.session.verbs import ALL, Order, Settings, verb_of

if TYPE_CHECKING:
    from beanops.session.journal import Journal
    from beanops.session.session import Session


def resume_run(session: Session, actor: Actor, run: str, how_asked: Options) -> Run:
    """Go on with a run; see `Session.resume_run`."""
    journal = session.journal()
    row = journal.run(run)
    if row.action == "import":
        check_server(session, row)
        return resume_import(session, actor, row, how_asked)
    if row.action not in ALL or "settings" not in row.request:
        raise UsageError(f"run {run} is a {row.action}, which cannot be gone on with: ask for it again")
    if "server" in row.request:
        raise UsageError(f"run {run} copies to {row.request['server']}: ask for the rest by a copy of its own")
    check_server(session, row)
    family = _family(journal, row)
    finished, done = _finished(journal, family)
    request = journal.run(family[0].id).request
    settings = Settings(**request["settings"])
    kept = {name: request[name] for name in ("state", "where", "order", "seen_in", "rate") if name in request}
    options = Options(**kept | {name: value for name, value in how_asked.items() if value is not None})  # type: ignore[typeddict-item]
    limit = request.get("limit")
    left = None if limit is None else max(0, limit - done)
    asked = request["jobs"] if "jobs" in request else [id for id in asked_ids(request) if id not in finished]
    verb = verb_of(row.action, settings)
    batches, cancel = orders_of(session, verb, asked, settings, options, actor.keep_bodies)
    chosen_at = None if "jobs" in request or session.server().id == row.instance else family[0].time.timestamp()
    how = how_of(options)
    resumed = actor.begin(row.action, request | {"resumes": run}, how)
    resumed.when_cancelled(cancel)
    return actor.act_on_jobs(resumed, _rest(batches, finished, left, chosen_at), how, Shelter(session))


def _family(journal: Journal, row: RunRow) -> list[RunRow]:
    """Return a run, what it went on with, and what went on with it, the first one first."""
    runs = {one.id: one for one in reversed(journal.runs(row.server))}

    def root(one: RunRow) -> str:
        while one.request.get("resumes") in runs:
            one = runs[one.request["resumes"]]
        return one.id

    return [one for one in runs.values() if root(one) == root(row)]


def _finished(journal: Journal, family: list[RunRow]) -> tuple[set[int | None], int]:
    """Return the jobs that need no second try, and how many were done.

    What may have been put already is not put once more: a job twice is worse than one that waits for `verify`.
    """
    finished: set[int | None] = set()
    done = 0
    for row in family:
        for entry in journal.entries(row.id):
            outcome = entry.fate.outcome
            put = ALL[row.action].puts and (outcome == "unknown" or entry.fate.new_id is not None)
            if put or outcome in ("done", "skipped"):
                finished.add(entry.intent.job_id)
            done += outcome == "done"
    return finished, done


def _rest(
    batches: Iterator[list[Order]], finished: set[int | None], left: int | None, chosen_at: float | None
) -> Iterator[list[Order]]:
    for batch in batches:
        rest = [
            order._replace(refusal=ANOTHER) if order.job and put_after(order.job.stats, chosen_at) else order
            for order in batch
            if order.id not in finished
        ]
        if left is not None:
            rest, left = rest[:left], left - len(rest[:left])
        if rest:
            yield rest
        if left == 0:
            return


def verify(session: Session, run: str) -> Run:
    """Ask what became of a run's unknown actions; see `Session.verify`."""
    journal = session.journal()
    row = journal.run(run)
    check_server(session, row)
    same = session.server().id == row.instance and "server" not in row.request
    unknown = [entry for entry in journal.entries(run) if entry.fate.outcome == "unknown"]
    verified = Run(run, f"verify {row.action}", lambda: [])
    fates = []
    for start in range(0, len(unknown), BATCH):
        batch = unknown[start : start + BATCH]
        originals = look_up(session, [entry.intent.job_id or 0 for entry in batch], bodies=False)
        made = look_up(session, [now_called(entry) for entry in batch], bodies=False)
        for entry, original, new in zip(batch, originals, made, strict=True):
            fate = _found_out(entry, original, new, same)
            verified.count(fate.outcome, fate.error, about=f"job {entry.intent.job_id}")
            if fate != entry.fate:
                fates.append((entry.n, fate))
    journal.write(run, session.now(), fates=fates)
    return verified


def _found_out(entry: Entry, original: FoundJob | None, made: FoundJob | None, same: bool) -> Fate:
    intent, new_id = entry.intent, entry.fate.new_id
    if intent.job_id is None or intent.action == "touch":
        return entry.fate._replace(error=f"the server cannot tell what became of a {intent.action}")
    before = entry._replace(fate=Fate("unknown"))
    if original is not None and is_another(before, original.stats, same):
        return entry.fate._replace(error=ANOTHER)
    if new_id is not None:
        return _of_a_put(entry, original, made, same)
    if ALL[intent.action].puts:
        tube = intent.put_into
        return entry.fate._replace(error=f"whether a copy of it was put into tube {tube} is not on record")
    if original is None:
        if intent.action == "delete" and same:
            return Fate("done", "verified: the job no longer exists")
        return Fate("unknown", "the job no longer exists")
    now = original.stats
    if _left_so(entry, now):
        return Fate("done", f"verified: the job is {now.state}")
    if intent.action == "delete" or now.state == intent.state_before:
        return Fate("failed", f"verified: the job is still {now.state}")
    return Fate("failed", f"verified: the job is {now.state} by now")


def _left_so(entry: Entry, now: JobStats) -> bool:
    """Whether a job is as the action should have left it."""
    intent = entry.intent
    match intent.action:
        case "kick":
            return now.state in ("ready", "reserved")
        case "bury":
            return now.state == "buried" and now.priority == intent.priority
        case "release":
            given = now.priority == intent.priority and now.delay == intent.delay
            return given and now.state in ("ready", "delayed", "reserved")
    return False


def _of_a_put(entry: Entry, original: FoundJob | None, made: FoundJob | None, same: bool) -> Fate:
    intent, new_id = entry.intent, entry.fate.new_id
    if made is not None and is_another(entry, made.stats, same):
        return entry.fate._replace(error=ANOTHER)
    if intent.action == "move" and original is not None:
        return Fate("failed", f"verified: it still exists; job {new_id} was put in its place and is left twice", new_id)
    if intent.state_before == "buried" and made is not None and made.stats.state != "buried":
        return Fate("failed", f"verified: job {new_id} was put for it, and is {made.stats.state}", new_id)
    if made is None and not same:
        return entry.fate._replace(error=f"job {new_id} was put for it, and the server was restarted since")
    return Fate("done", f"verified: job {new_id} was put for it", new_id)
