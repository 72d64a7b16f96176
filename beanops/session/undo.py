"""Taking back, going on with and verifying runs that are on record: each is a new run made of the journal's entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from beanops.jobs.read import FoundJob
from beanops.jobs.where import Where
from beanops.protocol import Command, JobStats, commands
from beanops.protocol.errors import UsageError
from beanops.session.act import Actor, How
from beanops.session.orders import BATCH, Options, look_up, orders_of
from beanops.session.record import Entry, Fate, Intent, RunRow
from beanops.session.run import Run
from beanops.session.transfer import resume_import
from beanops.session.verbs import ALL, COPY, MOVE, RESTORE, VERBS, Order, Settings

if TYPE_CHECKING:
    from beanops.session.session import Session

_KICK, _BURY, _RELEASE, _DELETE = (VERBS[name] for name in ("kick", "bury", "release", "delete"))


def undo(session: Session, actor: Actor, run: str, where: str | None, reason: str | None) -> Run:
    """Take back what a run did; see `Session.undo`."""
    journal = session.journal()
    row = journal.run(run)
    _same_server(session, row)
    done = [entry for entry in journal.entries(run, bodies=True) if entry.fate.outcome == "done"]
    if where is not None:
        befores = [_before(entry.intent) for entry in done]
        chosen = {id(job) for job in Where(where).matching(befores)}
        done = [entry for entry, before in zip(done, befores, strict=True) if id(before) in chosen]
    how = How(reason=reason, undoes=run)
    undoing = actor.begin("undo", {"run": run, "where": where}, how)
    on_tubes = [entry for entry in done if entry.intent.action in ("pause", "resume")]
    if on_tubes:
        return actor.act_on_tube(undoing, map(_pause_again, reversed(on_tubes)), how)
    return actor.act_on_jobs(undoing, _orders(session, done[::-1]), how)


def _same_server(session: Session, row: RunRow) -> None:
    if row.server != str(session.address):
        raise UsageError(f"run {row.id} was on {row.server}, this session is on {session.address}")


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
    return FoundJob(stats, intent.body)


def _pause_again(entry: Entry) -> tuple[Command[Any], Intent]:
    tube, left = entry.intent.tube or "", entry.intent.time_left or 0
    action = "pause" if left else "resume"
    return commands.pause_tube(tube, left), Intent(action, tube, delay=left, time_left=entry.intent.delay)


def _orders(session: Session, entries: list[Entry]) -> Iterator[list[Order]]:
    remaining = iter(entries)
    while batch := list(islice(remaining, BATCH)):
        now = look_up(session, [_now_called(entry) for entry in batch], bodies=True)
        yield [_order(entry, job) for entry, job in zip(batch, now, strict=True)]


def _now_called(entry: Entry) -> int:
    """Return the id of the job that an action left behind."""
    made = entry.fate.new_id if entry.intent.action != "reserve" else None
    return (made if made is not None else entry.intent.job_id) or 0


def _order(entry: Entry, now: FoundJob | None) -> Order:
    """Return what takes one action back, or why nothing does."""
    intent = entry.intent
    id = _now_called(entry)
    before = _before(intent)
    restored = Settings(intent.priority_before, max(before.stats.time_left, 0))
    match intent.action:
        case "delete":
            if intent.body is None:
                return Order(RESTORE, id, before, refusal="its body is not in the journal, so it cannot be put again")
            return Order(RESTORE, id, before, Settings())
        case "put" | "copy" | "restore" | "import":
            return Order(_DELETE, id, now)
        case "move":
            return Order(MOVE, id, now, Settings(target=intent.tube))
        case "kick":
            if intent.job_id is None:
                return Order(_KICK, id, now, refusal="the server kicked so many of the tube; which ones is not known")
            back = _BURY if before.stats.state == "buried" else _RELEASE
            return Order(back, id, now, restored, _unless(now, "ready"))
        case "bury":
            back = _RELEASE if before.stats.state == "delayed" else _KICK
            return Order(back, id, now, restored, _unless(now, "buried"))
        case "release":
            back = _BURY if before.stats.state == "buried" else _RELEASE
            return Order(back, id, now, restored, _unless(now, "ready", "delayed"))
    return Order(_DELETE, id, now, refusal=f"a {intent.action} leaves nothing to take back")


def _unless(now: FoundJob | None, *states: str) -> str | None:
    """Return why an action is not taken back: the job is in none of the states that it left it in."""
    if now is None or now.stats.state in states:
        return None
    return "a worker has reserved it" if now.stats.state == "reserved" else f"it is {now.stats.state} by now"


def resume_run(session: Session, actor: Actor, run: str, reason: str | None) -> Run:
    """Go on with a run; see `Session.resume_run`."""
    journal = session.journal()
    row = journal.run(run)
    _same_server(session, row)
    if row.action == "import":
        return resume_import(session, actor, row, reason)
    verb = ALL.get(row.action)
    if verb is None or "settings" not in row.request:
        raise UsageError(f"run {run} is a {row.action}, which cannot be gone on with: ask for it again")
    if "server" in row.request:
        raise UsageError(f"run {run} copies to {row.request['server']}: ask for the rest with a session there")
    settled = {"done", "skipped", *({"unknown"} if verb in (MOVE, COPY) else ())}
    before = [entry.intent.job_id for entry in journal.entries(run) if entry.fate.outcome in settled]
    finished = {*before, *row.request.get("finished", ())}
    request = row.request
    options = Options(**{name: request[name] for name in ("state", "where", "order") if name in request})  # type: ignore[typeddict-item]
    left = request.get("limit")
    if left is not None:
        left = max(0, left - sum(entry.fate.outcome == "done" for entry in journal.entries(run)))
    asked = request["jobs"] if "jobs" in request else [id for id in request["ids"] if id not in finished]
    orders = orders_of(session, verb, asked, Settings(**request["settings"]), options, actor.keep_bodies)
    how = How(reason=reason)
    resumed = actor.begin(row.action, request | {"resumes": run, "limit": left, "finished": sorted(finished)}, how)
    return actor.act_on_jobs(resumed, _without(orders, finished, left), how)


def _without(orders: Iterator[list[Order]], finished: set[int | None], left: int | None) -> Iterator[list[Order]]:
    for batch in orders:
        rest = [order for order in batch if order.id not in finished]
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
    _same_server(session, row)
    unknown = [entry for entry in journal.entries(run) if entry.fate.outcome == "unknown"]
    same = session.server().id == row.instance
    verified = Run(run, f"verify {row.action}", lambda: [])
    fates = []
    for start in range(0, len(unknown), BATCH):
        batch = unknown[start : start + BATCH]
        now = look_up(session, [entry.intent.job_id or 0 for entry in batch], bodies=False)
        for entry, job in zip(batch, now, strict=True):
            fate = _found_out(entry.intent, job, same)
            verified.count(fate.outcome, fate.error)
            if fate.outcome != "unknown":
                fates.append((entry.n, fate))
    journal.write(run, session.now(), fates=fates)
    return verified


_LEFT_IN: dict[str, Callable[[JobStats], bool]] = {
    "kick": lambda stats: stats.state in ("ready", "reserved"),
    "bury": lambda stats: stats.state == "buried",
    "release": lambda stats: stats.state in ("ready", "delayed", "reserved"),
    "delete": lambda stats: False,
}


def _found_out(intent: Intent, now: FoundJob | None, same_process: bool) -> Fate:
    if intent.job_id is None or intent.action not in _LEFT_IN:
        return Fate("unknown", f"the server cannot tell what became of a {intent.action}")
    if now is not None and now.stats.tube != intent.tube:
        return Fate("unknown", "the server was restarted without its jobs, and the id is another job's now")
    if now is None:
        if intent.action == "delete" and same_process:
            return Fate("done", "verified: the job no longer exists")
        return Fate("unknown", "the job no longer exists")
    if _LEFT_IN[intent.action](now.stats):
        return Fate("done", f"verified: the job is {now.stats.state}")
    return Fate("failed", f"verified: the job is still {now.stats.state}")
