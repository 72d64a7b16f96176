"""Put a job in the state of another one: ready, delayed or buried, with the same delay.

The ``delay`` of a job is the last one that a put or a release set. Workers may compute with it, so it is restored too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from beanops.journal.records import Fate
from beanops.protocol import commands
from beanops.protocol.errors import Buried, NotFound, ReplyError
from beanops.protocol.limits import U32_MAX
from beanops.session.execution.conversation import Ask, Burying, Putting


class NewJob(NamedTuple):
    """A job to put.

    Attributes
    ----------
    body : bytes
        Its body.
    tube : str
        Where it is put.
    priority, ttr : int
        As in a put.
    delay : int
        Seconds, as its statistics will show.
    left : int
        Seconds until it is ready, if it is delayed.
    there : bool
        Whether it is put into the destination server of a copy.
    state : str
        The state in which it is put, a key of `PUT`.
    """

    body: bytes
    tube: str
    priority: int
    ttr: int
    delay: int = 0
    left: int = 0
    there: bool = False
    state: str = "ready"

    def put(self, delay: int) -> Ask:
        """Return the command that puts it with a delay."""
        put = commands.put(self.body, priority=self.priority, delay=delay, ttr=self.ttr)
        return Ask((put,), tube=self.tube, there=self.there)


def wait_of(delay: int, left: int) -> int:
    """Return the delay with which a delayed job is put again: what is left of it, but a parked job stays parked.

    >>> wait_of(900, 60)
    60
    >>> wait_of(2**32 - 1, 2**32 - 900)
    4294967295
    """
    return U32_MAX if delay == U32_MAX else max(left, 0)


def put_delayed(job: NewJob) -> Putting:
    """Put a job that becomes ready when its delay ends."""
    (new,) = yield job.put(wait_of(job.delay, job.left))
    return why_not(new) or int(new)


def put_ready(job: NewJob) -> Putting:
    """Put a ready job. One that once had a delay is put with that delay, and kicked."""
    (new,) = yield job.put(job.delay)
    if (refused := why_not(new)) is not None:
        return refused
    if job.delay:
        (kicked,) = yield Ask((commands.kick_job(new),), there=job.there, so_far=not_yet_ready(new))
        if isinstance(kicked, ReplyError) and not isinstance(kicked, NotFound):  # its delay may have ended
            return Fate("failed", f"{kicked}; job {new} was put for it and is left delayed", new)
    return int(new)


def not_yet_ready(new: int) -> Fate:
    """Return the outcome of a put with a delay, before the kick that ends it was answered."""
    return Fate("unknown", f"job {new} was put for it, but perhaps not yet ready", new)


def put_parked(job: NewJob) -> Putting:
    """Put a job that is delayed by 136 years: no worker gets it until it is kicked."""
    (new,) = yield job.put(U32_MAX)
    return why_not(new) or int(new)


def put_buried(job: NewJob) -> Putting:
    """Put a buried job: first with the longest delay, so that no worker gets it before it is buried.

    A release sets its own delay. If that is 0, the job is ready for a moment, so its tube is paused.
    """
    (new,) = yield job.put(U32_MAX)
    if isinstance(new, Buried) and new.job_id is not None:
        return new.job_id  # the server had no memory to delay it and buried it, as wanted
    if (refused := why_not(new)) is not None:
        return refused
    problem = yield from bury_new(job, int(new))
    if problem is None:
        return int(new)
    (gone,) = yield Ask((commands.delete(new),), there=job.there)
    if isinstance(gone, ReplyError):
        return Fate("failed", f"{problem}; job {new} was put for it and may be left over", new)
    return Fate("failed", problem)


def bury_new(job: NewJob, new: int) -> Burying:
    """Bury a delayed job that was put for another one, with the delay of that."""
    reserve = commands.reserve_job(new)
    own_delay = (commands.release(new, priority=job.priority, delay=job.delay), reserve) if job.delay < U32_MAX else ()
    bury = commands.bury(new, priority=job.priority)
    so_far = Fate("unknown", f"job {new} was put for it, but perhaps not yet buried", new)
    calm = None if job.delay else job.tube
    answers = yield Ask((reserve, *own_delay, bury), there=job.there, so_far=so_far, calm=calm)
    if not isinstance(answers[-1], ReplyError):
        return None
    return str(next(answer for answer in answers if isinstance(answer, ReplyError)))


def why_not(new: Any) -> Fate | None:
    """Return the outcome of a put that failed, or None if it worked."""
    if isinstance(new, Buried):
        return Fate("failed", f"{new}; job {new.job_id} was put for it and is left buried", new.job_id)
    return Fate("failed", str(new)) if isinstance(new, ReplyError) else None


#: How to put a job by its state; a copy of a reserved job is ready, because no worker has it.
PUT = {
    "ready": put_ready,
    "reserved": put_ready,
    "delayed": put_delayed,
    "buried": put_buried,
    "parked": put_parked,
}
