"""Move or edit a ready job, or set its priority and delay, on a server that cannot reserve one by its id.

``delete`` claims the job: only one client is answered DELETED. Before it beanops puts a delayed copy, which no worker
gets, so that the job is never lost; after it, one pipeline puts the new job and deletes the copy. After a crash an
existing copy shows that the new job was not put.
"""

from __future__ import annotations

from beanops.jobs.read import FoundJob
from beanops.journal.records import Entry, Fate, Intent
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import ReplyError
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.conversation import Ask, Putting, Steps
from beanops.session.execution.putting import PUT
from beanops.session.execution.verbs import MOVE, Order, Settings, fate_of, new_job
from beanops.session.old_servers.bury import put_buried_alone

#: How to put a job on a server that cannot reserve one by its id.
PUT_ALONE = PUT | {"buried": put_buried_alone}
#: Minimum seconds of a wanted delay with which the copy can be put and stay as the new job.
_LONG = 60
# Texts of the journal for an interrupted claim, which show how far it came; `verify` keeps them.
_COPIED = "a delayed copy of it was put as job"
_TAKEN = "it was deleted to be put in its place, and is kept as delayed job"
_LOST = "it was deleted, and its body is only in the journal: undo puts it again"


def claim(order: Order, held: set[int], on_record: bool) -> Steps:
    """Replace a job by a new one, after its delete has claimed it.

    Parameters
    ----------
    order : Order
        A move, an edit, or a release.
    held : set of int
        Jobs that this session has reserved; not used.
    on_record : bool
        Whether the journal has the job's body; otherwise the copy is deleted only after the new job is put.
    """
    job = new_job(order)
    if isinstance(job, Fate):
        return job
    if order.verb.name == "release":
        delay = order.settings.delay
        job = job._replace(delay=delay, left=delay, state="delayed" if delay else "ready")
    elif job.state == "buried":  # the undo of an edit, and the user has chosen
        parked = order.settings.buried_as == "parked"
        job = job._replace(state="delayed", left=U32_MAX) if parked else job._replace(state="ready")
    ready = job.state == "ready"
    delay = job.delay if ready else job.left
    wanted = job._replace(delay=delay, left=delay)
    stays = wanted.delay >= _LONG
    (copy,) = yield job.put(wanted.delay if stays else U32_MAX)
    if isinstance(copy, ReplyError):
        return Fate("failed", str(copy))
    so_far = Fate("unknown", f"{_COPIED} {copy}, and it may still exist itself", copy)
    (gone,) = yield Ask((commands.delete(order.id),), so_far=so_far)
    if isinstance(gone, ReplyError):
        (back,) = yield Ask((commands.delete(copy),), so_far=so_far)
        left = f"; {_COPIED} {copy} and is left over" if isinstance(back, ReplyError) else ""
        fate = fate_of(gone)
        return Fate("failed", f"{fate.error}{left}", copy) if left else fate
    so_far = Fate("unknown", f"{_TAKEN} {copy}", copy)
    if stays:
        if ready:
            yield Ask((commands.kick_job(copy),), so_far=so_far)
        return Fate("done", new_id=copy)
    return (yield from _in_its_place(wanted.put(wanted.delay), ready and wanted.delay > 0, copy, so_far, on_record))


def _in_its_place(put: Ask, kick: bool, copy: int, so_far: Fate, on_record: bool) -> Steps:
    delete = commands.delete(copy)
    put = put._replace(so_far=so_far)
    if on_record:
        new, _ = yield put._replace(commands=(*put.commands, delete))
    else:
        (new,) = yield put
    if isinstance(new, ReplyError):
        where = _LOST if on_record else f"{_TAKEN} {copy}"
        return Fate("failed", f"{new}; {where}", copy)
    left_over = Fate("unknown", f"job {new} was put in its place, and job {copy} may be left over", new)
    rest = (() if on_record else (delete,)) + ((commands.kick_job(new),) if kick else ())
    if rest:
        yield Ask(rest, so_far=left_over)
    return Fate("done", new_id=int(new))


# -- after a crash -----------------------------------------------------------------------------------------------------


def cut_off(entry: Entry) -> bool:
    """Whether an action is an interrupted claim that put a copy."""
    return entry.fate.outcome in ("unknown", "failed") and any(
        mark in (entry.fate.error or "") for mark in (_COPIED, _TAKEN, _LOST)
    )


def judge(entry: Entry, original: JobStats | None, copy: JobStats | None, ours: bool) -> tuple[str, str]:
    """Return the outcome of an interrupted claim, and the evidence.

    Parameters
    ----------
    entry : Entry
        Its entry in the journal.
    original, copy : JobStats or None
        The job and its copy, None if they no longer exist.
    ours : bool
        Whether no worker can have deleted the job.
    """
    kept = f"{_COPIED} {entry.fate.new_id}"
    if original is not None:
        return "failed", f"it is still {original.state}; {kept} and {'is left' if copy else 'is gone'}"
    if copy is None:
        return "done", "it was put in its place, under an id that is not in the journal"
    if _TAKEN in (entry.fate.error or "") or ours:
        return "failed", f"{_TAKEN} {copy.id} in tube {copy.tube}: undo or resume puts it in its place"
    return "unknown", f"{kept}, and it is gone, which may be a worker's doing: look, then undo with repeat unknown"


def _place(order: Order, held: set[int]) -> Steps:
    """Put the new job, then delete the copy."""
    new = yield from _put(order)
    if isinstance(new, Fate):
        return new
    so_far = Fate("unknown", f"job {new} was put in its place, and job {order.id} may be left over", new)
    (gone,) = yield Ask((commands.delete(order.id),), so_far=so_far)
    if isinstance(gone, ReplyError):
        return Fate("failed", f"job {new} was put in its place, and job {order.id} cannot be deleted: {gone}", new)
    return Fate("done", new_id=new)


def _put(order: Order) -> Putting:
    job = new_job(order)
    if isinstance(job, Fate):
        return job
    return (yield from PUT_ALONE[order.stats.state](job))


#: Puts the new job from its copy; the order's job has the wanted state, with the copy's id.
PLACE = MOVE._replace(steps=_place)


def put_in_place(entry: Entry, copy: FoundJob | None, back: bool, sure: bool) -> Order:
    """Return the order that undoes or completes an interrupted claim.

    Parameters
    ----------
    entry : Entry
        Its entry in the journal.
    copy : FoundJob or None
        The copy, with its body.
    back : bool
        Whether to undo it.
    sure : bool
        Whether to do so even if a worker may have deleted the job.
    """
    intent, error = entry.intent, entry.fate.error or ""
    id = entry.fate.new_id or 0
    if copy is None:
        body = intent.body if _LOST in error else None
        refusal = None if body is not None else "it was put in its place, under an id that is not in the journal"
        return _order_of(intent, id, body, None, back)._replace(refusal=refusal)
    order = _order_of(intent, id, copy.body, copy, back)
    if _TAKEN in error or _LOST in error or sure:
        return order
    why = f"{_COPIED} {id}, and it is gone, which may be a worker's doing"
    return order._replace(refusal=f"{why}: look, then undo with repeat unknown")


def _order_of(intent: Intent, id: int, body: bytes | None, copy: FoundJob | None, back: bool) -> Order:
    before = intent.state_before or "ready"
    releases, edits = intent.action == "release", intent.action == "edit"
    target = intent.tube if back or releases else intent.put_into
    ends = before if back or not releases else ("delayed" if intent.delay else "ready")
    delay = 0 if back and releases else intent.delay or 0
    ttr = intent.ttr or 0
    if edits and back:
        delay = intent.delay_before or 0
        body = body if intent.digest is not None else intent.body
    elif edits:
        ends, ttr = intent.new_state or before, ttr if copy is None else copy.stats.ttr
    left = delay if (releases or edits) and not back else intent.time_left or 0
    priority = intent.priority_before if back else intent.priority
    tube = copy.stats.tube if copy is not None else intent.tube or ""
    age, seen, instance = (0, 0.0, "") if copy is None else (copy.stats.age, copy.seen, copy.instance)
    stats = JobStats(id, tube, ends, priority or 0, age, delay, ttr, left, *(0,) * 6)
    verb = PLACE if copy is not None else PLACE._replace(name="restore", steps=_only_put)
    return Order(verb, id, FoundJob(stats, body, (), instance, seen), Settings(target=target))


def _only_put(order: Order, held: set[int]) -> Steps:
    new = yield from _put(order)
    return new if isinstance(new, Fate) else Fate("done", new_id=new)
