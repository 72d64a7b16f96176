"""The identity of a job. Its id may belong to another job once the server process has ended.

What is remembered of a job is a `JobRef`; `differs` is the one rule that says whether a job on a server is the one
that is remembered, and `differences` asks a connection for what the rule needs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.jobs.read import FoundJob, body_text, present
from beanops.protocol import JobStats, commands

#: Why a job is skipped whose id belonged to another job.
REUSED = "id was reused by another job"
#: Why a job is skipped that cannot be distinguished from another job with its id.
UNDECIDED = "server was restarted, and the id may belong to another job"
#: Seconds by which two looks may differ on when a job was put: ages are whole seconds, and answers take time.
TOLERANCE = 2.0
#: Seconds by which the latest moment at which a job was put may be missed, by what is asked and kept.
_EXACT = 0.02
#: Seconds within which every job shows whether it was put before or after the start, and the pause between two looks.
_TELLING, _LOOKS = 1.1, 0.01
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
        The earliest time at which it can have been put, give or take a second, and the latest one, in seconds since
        1970. After the latest one its server process was still at work, so that no later process put it.
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


def digest_shown(job: FoundJob) -> str | None:
    """Return the digest of a job's body; None where something of it is hidden, which a digest would help to guess."""
    return None if job.body is None or job.original else digest_of(job.body)


def ref_of(job: FoundJob) -> JobRef:
    """Return what is to be remembered of a job that was found."""
    created = job.created
    digest = None if job.body is None else job.original[1] if job.original else digest_of(job.body)
    return JobRef(
        job.id,
        job.instance or None,
        job.stats.tube,
        None if created is None else (created, job.seen),
        digest,
    )


class Process(NamedTuple):
    """The server process that answered, as it was around a look at a job.

    Attributes
    ----------
    instance : str
        Its name.
    before, after : int
        Seconds since its start, before and after the look.
    puts : int
        How many put commands it has had: after none, each of its jobs came out of a log.
    """

    instance: str
    before: int
    after: int
    puts: int


def differs(
    ref: JobRef, stats: JobStats, process: Process, seen: float, digest: str | None, latest: float = inf
) -> str | None:
    """Return why a job is not the expected one; None when it is.

    One process never reuses an id. After a restart only a job from the binlog can be the expected one: its age
    is above the uptime, while that of one that was put since is below. Ages and uptimes are whole seconds, so that a
    job whose age is the uptime may be either: then tube, time and body have to agree.

    A binlog may also hold jobs of a process in between. They were put after the expected job had been seen.

    Parameters
    ----------
    ref : JobRef
        The expected job.
    stats : JobStats
        The job that has its id.
    process : Process
        The one that answered.
    seen : float
        When it did, in seconds since 1970.
    digest : str or None
        That of the job's body, where it is known.
    latest : float
        When it can have been put at the latest, as earlier looks have shown.
    """
    if ref.tube is not None and ref.tube != stats.tube:
        return REUSED
    if ref.instance == process.instance:
        return None
    created = min(seen - stats.age, latest)
    fits = None if ref.created is None else ref.created[0] - TOLERANCE <= created <= ref.created[1] + TOLERANCE
    alike = None if ref.digest is None or digest is None else ref.digest == digest
    if ref.instance is None:
        return REUSED if fits is False or alike is False else None
    if not _tells_time(stats, process):
        return UNDECIDED
    if stats.age < process.before or fits is False or alike is False:
        return REUSED
    restored = stats.age > process.after or not process.puts
    if not restored and not stats.file:  # a server that keeps its jobs in a log says which of its files a job is in
        return REUSED
    if ref.created is None or (not restored and not alike):
        return UNDECIDED
    return None if alike or created <= ref.created[1] + _EXACT else UNDECIDED


def _tells_time(stats: JobStats, process: Process) -> bool:
    """Whether a server's times mean anything: its clock may have been set."""
    return stats.age >= 0 and 0 <= process.before <= process.after <= _ABSURD


def is_doubtful(ref: JobRef, instance: str) -> bool:
    """Whether more than the tube of a job must be compared, for its id does not tell which one it is."""
    if ref.instance is None:
        return ref.created is not None or ref.digest is not None
    return ref.instance != instance


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


#: What may be shown of a body; see `beanops.jobs.bodies.redact_body`.
Shown = Callable[[bytes], bytes]


def differences(client: Client, refs: Sequence[JobRef], shown: Shown = bytes) -> list[str | None]:
    """Check whether the jobs with these ids are the expected ones.

    Parameters
    ----------
    client : Client
        The connection that is to act on them, or to look at them.
    refs : sequence of JobRef
        The expected jobs.
    shown : callable
        Returns what may be shown of a body. A ``digest`` that was made of this agrees with the job, but is no proof.

    Returns
    -------
    list of str or None
        For each job why it is not the expected one; None when it is, or does not exist.
    """
    reasons: list[str | None] = []
    for start in range(0, len(refs), _PART):
        reasons += _some(client, refs[start : start + _PART], shown)
    return reasons


def _some(client: Client, refs: Sequence[JobRef], shown: Shown) -> list[str | None]:
    """Ask until all of them show what they are, or a second has passed: then none shows more."""
    reasons: list[str | None] = [UNDECIDED] * len(refs)
    latest, digests = [inf] * len(refs), {}
    left: Sequence[int] = range(len(refs))
    give_up = time.monotonic() + _TELLING
    while True:
        asked = [refs[place] for place in left]
        process, jobs, seen = _look(client, asked)
        if len(left) == len(refs):
            digests = _digests(client, [ref for ref, job in zip(asked, jobs, strict=True) if ref.digest and job], shown)
        soon = []
        for place, ref, job in zip(left, asked, jobs, strict=True):
            if job is None:
                reasons[place] = None
                continue
            reasons[place] = differs(ref, job, process, seen, digests.get(ref.id), latest[place])
            latest[place] = min(latest[place], seen - job.age)
            if reasons[place] == UNDECIDED and ref.created is not None and _tells_time(job, process):
                soon.append(place)
        if not soon or time.monotonic() > give_up:
            return reasons
        left = soon
        time.sleep(_LOOKS)


def _look(client: Client, refs: Sequence[JobRef]) -> tuple[Process, list[JobStats | None], float]:
    asked = client.pipeline([commands.stats(), *(commands.stats_job(ref.id) for ref in refs), commands.stats()])
    before, *jobs, after = map(present, asked)
    return Process(after.id, before.uptime, after.uptime, after.cmd_put), jobs, time.time()


def _digests(client: Client, refs: Sequence[JobRef], shown: Shown) -> dict[int, str]:
    """Return the digests of the bodies of jobs; one that is gone, or may be as it was shown, has none."""
    peeked = zip(refs, client.pipeline(commands.peek(ref.id) for ref in refs), strict=True)
    bodies = {ref: job.body for ref, answer in peeked if (job := present(answer)) is not None}
    return {ref.id: digest_of(body) for ref, body in bodies.items() if not _is_as_shown(ref, body, shown)}


def _is_as_shown(ref: JobRef, body: bytes, shown: Shown) -> bool:
    """Whether a digest is that of a body as a frame shows it, which other bodies may look like."""
    if ref.digest == digest_of(body):
        return False
    seen = shown(body)
    return ref.digest in (digest_of(seen), digest_of(body_text(seen).encode()))


def doubts(client: Client, refs: Sequence[JobRef], shown: Shown = bytes) -> list[str | None]:
    """Return why the jobs with these ids are not the expected ones, where more than the tube must be compared."""
    reasons: list[str | None] = [None] * len(refs)
    instance = client.instance
    doubtful = [place for place, ref in enumerate(refs) if is_doubtful(ref, instance)]
    if doubtful:
        found = differences(client, [refs[place] for place in doubtful], shown)
        for place, reason in zip(doubtful, found, strict=True):
            reasons[place] = reason
    return reasons
