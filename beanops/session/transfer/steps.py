"""The commands that move one job to another server.

The job is first held: delayed by over a hundred years, so that no worker gets it. Its copy is put with the same delay;
the journal has its id before the job is deleted, and only then the copy is made ready. So at each moment at most one of
them can be reserved, and what was interrupted shows on the servers which step it had come to. The delay is the mark of
the run: a delayed job with that delay is held by it, or is a copy of it.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from beanops.journal.records import Fate
from beanops.protocol import commands
from beanops.protocol.errors import Buried, NotFound, ReplyError
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.conversation import Ask, Steps
from beanops.session.execution.putting import NewJob, bury_new, wait_of
from beanops.session.execution.verbs import Order, fate_of, new_job
from beanops.session.old_servers.bury import bury_new_alone
from beanops.session.transfer.holding import Hold, Holding, give_back, hold, hold_alone

#: Marks are delays of this range. It ends 4 years below the delay of parked jobs: what is left of that is no mark.
_LOWEST, _END = 0xF000_0000, 0xF800_0000
#: Outcomes in the journal before the job was deleted; `settling` tells them apart.
HELD = "no worker gets it; its copy, which none gets either, is job"
FREE = "it may have been deleted; its copy, which no worker gets, is job"
#: Why an outcome stays unknown where both servers do not show it. Such a run is settled nonetheless.
STAYS = "settled as far as it can be known:"
#: It is no longer on the source then, so its copy stays.
_NOT_BURIED = "it was moved, and is not buried, as job"
#: Seconds left of a delay that are too few to move the job before they end.
SOON = 5


class Marks(NamedTuple):
    """How a run marks jobs, and what the two servers support.

    Attributes
    ----------
    mark : int
        The delay of jobs that it holds, and of their copies.
    reserves, reserves_there : bool
        Whether the source, and the destination, can reserve a job by its id.
    """

    mark: int
    reserves: bool = True
    reserves_there: bool = True


def new_mark() -> int:
    """Return a mark for a run that begins."""
    return _LOWEST + secrets.randbelow(_END - _LOWEST)


def is_mark(delay: int) -> bool:
    """Whether a delay is the mark of a run."""
    return _LOWEST <= delay < _END


def carry(order: Order, held: set[int], marks: Marks) -> Steps:
    """Move one job to the other server."""
    job = new_job(order)
    if isinstance(job, Fate):
        return job
    holding = yield from _hold(order, marks)
    if isinstance(holding, Fate):
        return holding
    (new,) = yield first_copy(job, order.settings.buried_as, marks)
    if isinstance(new, ReplyError):
        if isinstance(new, Buried):
            yield Ask((commands.delete(new.job_id or 0),), there=True)
        yield from give_back(order, holding, marks.reserves)
        return Fate("failed", str(new))
    said = HELD if holding is Holding.HELD or order.stats.state == "buried" else FREE
    return (yield from finish(order, int(new), said, marks))


def _hold(order: Order, marks: Marks) -> Hold:
    state = order.stats.state
    if state != "buried" and marks.reserves:  # no worker gets a buried job
        return (yield from hold(order, marks.mark))
    if state == "ready":
        return (yield from hold_alone(order, marks.mark))
    return Holding.FREE


def first_copy(job: NewJob, buried_as: str | None, marks: Marks) -> Ask:
    """Return the put of a copy that no worker gets yet: marked, or delayed as long as the job itself is."""
    delay = left_as(job, buried_as)
    if job.state == "buried" and not buried_as and not marks.reserves_there:
        job = job._replace(priority=0)  # the search for it then ends at once
    return job.put(marks.mark if delay is None else delay)


def left_as(job: NewJob, buried_as: str | None) -> int | None:
    """Return the delay with which a copy is put and stays; None for one that is marked, and then made ready."""
    if job.state == "buried" and buried_as == "parked":
        return U32_MAX
    return wait_of(job.delay, job.left) if job.state == "delayed" else None


def finish(order: Order, new: int, said: str, marks: Marks) -> Steps:
    """Delete a job whose copy was put, then let workers have the copy."""
    so_far = Fate("unknown", f"{said} {new}", new)
    (gone,) = yield Ask((commands.delete(order.id),), so_far=so_far)
    if isinstance(gone, ReplyError):
        return (yield from drop(new, fate_of(gone)))
    return (yield from free_copy(order, new, marks))


def drop(new: int, fate: Fate) -> Steps:
    """Delete a copy, as its job stays."""
    (back,) = yield Ask((commands.delete(new),), there=True)
    if isinstance(back, ReplyError):
        return Fate("failed", f"{fate.error}; its copy, job {new} there, cannot be deleted: {back}", new)
    return fate


def free_copy(order: Order, new: int, marks: Marks) -> Steps:
    """Give a copy the state of its job, which was deleted."""
    stats = order.stats
    # Its body is with the copy.
    job = NewJob(
        b"", order.put_into, order.priority, stats.ttr, stats.delay, max(stats.time_left, 0), True, stats.state
    )
    chosen = order.settings.buried_as
    if left_as(job, chosen) is not None:
        return Fate("done", new_id=new)
    if job.state == "buried" and chosen is None:
        burying = bury_new(job, new) if marks.reserves_there else bury_new_alone(job, new)
        problem = yield from burying
        return Fate("done", new_id=new) if problem is None else Fate("failed", f"{problem}; {_NOT_BURIED} {new}", new)
    (kicked,) = yield Ask((commands.kick_job(new),), there=True)
    if isinstance(kicked, ReplyError) and not isinstance(kicked, NotFound):  # somebody else may have kicked it
        return Fate("failed", f"{kicked}; job {new} was put for it and is left delayed", new)
    return Fate("done", new_id=new)
