"""Which job is meant. An id outlives the server process that gave it out, and then it may be another job's.

What is remembered of a job is a `JobRef`; `differs` is the one rule that says whether a job on a server is the one
that is remembered, and `differences` asks a connection for what the rule needs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.jobs.read import FoundJob, present
from beanops.protocol import JobStats, commands

#: Why a job is left alone whose id was another's.
REUSED = "id was reused by another job"
#: Why a job is left alone that cannot be told from another one with its id.
UNDECIDED = "server was restarted, and it is not certain that the id still means the same job"
#: Seconds by which two looks may differ on when a job was put: ages are whole seconds, and answers take time.
TOLERANCE = 2.0
#: An uptime beyond it comes from a clock that was set back, after which no time of the server means anything.
_ABSURD = 2**31
#: Jobs that are asked for between two looks at the server.
_PART = 1024


class JobRef(NamedTuple):
    """What is remembered of a job, as far as it is known: enough to tell it from another one with its id.

    Attributes
    ----------
    id : int
        Its number.
    instance : str or None
        The server's name for the process that it was seen on, the ``id`` of ``stats``; None means the job that has
        the number now.
    tube : str or None
        Its tube.
    created : tuple of float, or None
        The earliest and the latest time at which it can have been put, in seconds since 1970.
    digest : str or None
        That of its body, see `digest_of`.

    Examples
    --------
    >>> JobRef(17, "5d0f1c2b3a495867", "mail").tube
    'mail'
    """

    id: int
    instance: str | None = None
    tube: str | None = None
    created: tuple[float, float] | None = None
    digest: str | None = None


def digest_of(body: bytes) -> str:
    """Return a short digest of a body, which no reader of CSV takes for a number.

    Examples
    --------
    >>> digest_of(b"hello")
    'b2-a7b6eda801e5347d'
    """
    return f"b2-{hashlib.blake2b(body, digest_size=8).hexdigest()}"


def ref_of(job: FoundJob) -> JobRef:
    """Return what is to be remembered of a job that was found."""
    created = job.created
    digest = None if job.body is None else job.original[1] if job.original else digest_of(job.body)
    return JobRef(
        job.id,
        job.instance or None,
        job.stats.tube,
        None if created is None else (created, created),
        digest,
    )


class Uptimes(NamedTuple):
    """Seconds since the start of the server process, before and after a look at a job."""

    before: int
    after: int


def differs(
    ref: JobRef, stats: JobStats, instance: str, seen: float, uptimes: Uptimes, digest: str | None
) -> str | None:
    """Return why a job is not the one that is meant; None when it is.

    One process never gives an id out twice. After a restart only a job that came out of a log can be meant: its age
    is above the uptime, while that of one that was put since is below. Ages and uptimes are whole seconds, so that a
    job whose age is the uptime may be either: then tube, time and body have to agree.

    Parameters
    ----------
    ref : JobRef
        The job that is meant.
    stats : JobStats
        The job that has its id.
    instance : str
        The server process that answered.
    seen : float
        When it did, in seconds since 1970.
    uptimes : Uptimes
        Of that process, asked for before and after the job on the same connection.
    digest : str or None
        That of the job's body, where it is known.
    """
    if ref.tube is not None and ref.tube != stats.tube:
        return REUSED
    if ref.instance == instance:
        return None
    created = seen - stats.age
    fits = None if ref.created is None else ref.created[0] - TOLERANCE <= created <= ref.created[1] + TOLERANCE
    alike = None if ref.digest is None or digest is None else ref.digest == digest
    if ref.instance is None:
        return REUSED if fits is False or alike is False else None
    if stats.age < 0 or max(uptimes) > _ABSURD or min(uptimes) < 0:
        return UNDECIDED
    if stats.age < uptimes.before or fits is False or alike is False:
        return REUSED
    if stats.age > uptimes.after:
        return None if fits else UNDECIDED
    # A server that keeps its jobs in a log says which file a job is in.
    return None if fits and alike and stats.file else UNDECIDED


def is_foreign(ref: JobRef | None, instance: str) -> bool:
    """Whether a job was seen on another server process, so that more than its id must be compared."""
    return ref is not None and ref.instance is not None and ref.instance != instance


def agree(one: JobRef, other: JobRef) -> bool:
    """Whether two memories can be of the same job, as far as they tell; no server is asked."""
    if one.id != other.id or (one.tube is not None and other.tube is not None and one.tube != other.tube):
        return False
    if one.instance == other.instance:
        return True
    if one.created is None or other.created is None:
        return False
    apart = max(one.created[0], other.created[0]) - min(one.created[1], other.created[1])
    return apart <= TOLERANCE and (one.digest is None or other.digest is None or one.digest == other.digest)


class Verdicts(NamedTuple):
    """What a connection said of jobs that are meant.

    Attributes
    ----------
    instance : str
        The server process that answered.
    reasons : list of str or None
        For each job why it is not the one that is meant; None when it is, or does not exist.
    """

    instance: str
    reasons: list[str | None]


def differences(client: Client, refs: Sequence[JobRef]) -> Verdicts:
    """Ask a connection whether the jobs that have these ids are those that are meant.

    Parameters
    ----------
    client : Client
        The connection that is to act on them, or to look at them.
    refs : sequence of JobRef
        The jobs that are meant.
    """
    reasons: list[str | None] = []
    for start in range(0, len(refs), _PART):
        reasons += _some(client, refs[start : start + _PART])
    return Verdicts(client.instance, reasons)


def _some(client: Client, refs: Sequence[JobRef]) -> list[str | None]:
    asked = client.pipeline([commands.stats(), *(commands.stats_job(ref.id) for ref in refs), commands.stats()])
    before, *jobs, after = map(present, asked)
    uptimes, seen = Uptimes(before.uptime, after.uptime), time.time()
    digests = _digests(client, [ref.id for ref, job in zip(refs, jobs, strict=True) if ref.digest and job is not None])
    return [
        None if job is None else differs(ref, job, after.id, seen, uptimes, digests.get(ref.id))
        for ref, job in zip(refs, jobs, strict=True)
    ]


def _digests(client: Client, ids: Sequence[int]) -> dict[int, str]:
    """Return the digests of the bodies of jobs; one that is gone has none."""
    peeked = zip(ids, client.pipeline(map(commands.peek, ids)), strict=True)
    return {id: digest_of(job.body) for id, answer in peeked if (job := present(answer)) is not None}
