"""The identity of a job. Its id may belong to another job once the server process has ended.

What is remembered of a job is a `JobRef`; `differs` is the one rule that says whether a job on a server is the one
that is remembered, and `differences` asks a connection for what the rule needs.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from beanops.client.instances import is_same, is_shared
from beanops.client.sync import Client
from beanops.jobs.cluster import explore, may_be_shared
from beanops.jobs.read import FoundJob, body_text, present
from beanops.protocol import JobStats, commands

#: Why a job is skipped whose id belonged to another job.
REUSED = "id was reused by another job"
#: Why a job is skipped that cannot be distinguished from another job with its id.
UNDECIDED = "server was restarted, and the id may belong to another job"
#: Seconds by which two looks may differ on when a job was put: ages are whole seconds, and answers take time.
TOLERANCE = 2.0
#: Seconds by which the latest moment at which a job was put may be missed, by what is asked and kept. A server that is
#: started again has jobs of others after 15 ms.
_EXACT = 0.005
#: Seconds within which every job shows whether it was put before or after the start, and the pause between two looks.
_TELLING, _LOOKS = 1.1, 0.004
#: Seconds for which jobs are asked that may still show more: on a busy machine the looks are too far apart.
_PATIENCE = 5.0
#: An uptime beyond it comes from a clock that was set back, after which no time of the server means anything.
_ABSURD = 2**31
#: Jobs that are asked for between two looks at the server.
_PART = 1024


class JobRef(NamedTuple):
    """What is remembered of a job, as far as it is known: enough to distinguish it from another job with its id.

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


class PutBetween(NamedTuple):
    """The bounds between which a job was put, in seconds since 1970, as ages have shown so far.

    Examples
    --------
    >>> PutBetween.shown(age=500, asked=1_700_000_500.0, answered=1_700_000_500.5)
    PutBetween(earliest=1699999999.0, latest=1700000000.5)
    """

    earliest: float
    latest: float

    @classmethod
    def shown(cls, age: int, asked: float, answered: float) -> PutBetween:
        """Return what an age tells, which was a whole number of seconds at some time between two moments."""
        return cls(asked - age - 1, answered - age)

    def narrowed(self, other: PutBetween) -> PutBetween:
        """Return what two looks at the same job tell together."""
        return PutBetween(max(self.earliest, other.earliest), min(self.latest, other.latest))


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
    shared : bool
        Whether it shares its jobs with other processes: then they may be older than it, and have ids of others.
    """

    instance: str
    before: int
    after: int
    puts: int
    shared: bool = False


def differs(ref: JobRef, stats: JobStats, process: Process, put: PutBetween, digest: str | None) -> str | None:
    """Return why a job is not the expected one; None when it is.

    One process never reuses an id. After a restart only a job from the binlog can be the expected one: its age
    is above the uptime, while that of one that was put since is below. Ages and uptimes are whole seconds, so that a
    job whose age is the uptime may be either: then tube, time and body have to agree.

    A binlog may also hold jobs of a process in between. They were put after the expected job had been seen.

    Processes of a cluster go on with each other's ids, so that their uptimes tell nothing of a job. One that was put
    before the expected one was last seen under its id is the same.

    Parameters
    ----------
    ref : JobRef
        The expected job.
    stats : JobStats
        The job that has its id.
    process : Process
        The one that answered.
    put : PutBetween
        When the job was put, as this look and earlier ones have shown.
    digest : str or None
        That of the job's body, where it is known.
    """
    if ref.tube is not None and ref.tube != stats.tube:
        return REUSED
    if is_same(ref.instance, process.instance):
        return None
    fits = None if ref.created is None else _fits(ref.created, put)
    alike = None if ref.digest is None or digest is None else ref.digest == digest
    if ref.instance is None:
        return REUSED if fits is False or alike is False else None
    if not _tells_time(stats, process):
        return UNDECIDED
    if fits is False or alike is False or (stats.age < process.before and not process.shared):
        return REUSED
    if process.shared:
        known = ref.created is not None and (alike or put.latest <= ref.created[1] + _EXACT)
        return None if known else UNDECIDED
    restored = _is_restored(stats, process)
    if not restored and stats.file == 0:  # a server that keeps its jobs in a log says which of its files a job is in
        return REUSED
    if ref.created is None or (not restored and not alike):
        return UNDECIDED
    return None if alike or put.latest <= ref.created[1] + _EXACT else UNDECIDED


def _is_restored(stats: JobStats, process: Process) -> bool:
    """Whether a job came out of a log."""
    return stats.age > process.after or not process.puts


def _fits(created: tuple[float, float], put: PutBetween) -> bool:
    """Whether a job can have been put at the remembered time; an answer that came late says nothing against it."""
    return created[0] - TOLERANCE <= put.latest and put.earliest + 1 <= created[1] + TOLERANCE


def _tells_time(stats: JobStats, process: Process) -> bool:
    """Whether a server's times mean anything: its clock may have been set."""
    return stats.age >= 0 and 0 <= process.before <= process.after <= _ABSURD


def is_doubtful(ref: JobRef, instance: str) -> bool:
    """Whether more than the tube of a job must be compared, because its id is not enough."""
    if ref.instance is None:
        return ref.created is not None or ref.digest is not None
    return not is_same(ref.instance, instance)


def agree(one: JobRef, other: JobRef) -> bool:
    """Whether two references can be to the same job, by what they know; no server is asked."""
    if one.id != other.id or (one.tube is not None and other.tube is not None and one.tube != other.tube):
        return False
    if is_same(one.instance, other.instance):
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
    """Ask until all of them show what they are, or can show no more."""
    reasons: list[str | None] = [UNDECIDED] * len(refs)
    instance = None
    left: Sequence[int] = range(len(refs))
    # Times of several looks are compared, so a clock that is set meanwhile must not count.
    began, start = time.time(), time.monotonic()
    while True:
        asked = [refs[place] for place in left]
        process, looks = _look(client, asked, began - start)
        if process.instance != instance:  # what is known of another process does not count
            instance, known = process.instance, dict[int, PutBetween]()
            there = [ref for ref, look in zip(asked, looks, strict=True) if ref.digest and look]
            digests = _digests(client, there, shown)
        waited = time.monotonic() - start
        soon = []
        for place, ref, look in zip(left, asked, looks, strict=True):
            if look is None:
                reasons[place] = None
                continue
            job, put = look
            known[place] = put = known.get(place, put).narrowed(put)
            reasons[place] = differs(ref, job, process, put, digests.get(ref.id))
            if reasons[place] == UNDECIDED and waited <= _patience(ref, job, process, put):
                soon.append(place)
        if not soon:
            return reasons
        left = soon
        time.sleep(_LOOKS)


def _patience(ref: JobRef, stats: JobStats, process: Process, put: PutBetween) -> float:
    """Return for how many seconds a job is asked for while nothing tells whether it is the expected one."""
    if ref.created is None or not _tells_time(stats, process):
        return 0.0
    is_later = put.earliest > ref.created[1] + _EXACT
    return _TELLING if is_later and (process.shared or _is_restored(stats, process)) else _PATIENCE


def _look(
    client: Client, refs: Sequence[JobRef], to_epoch: float
) -> tuple[Process, list[tuple[JobStats, PutBetween] | None]]:
    """Return the server process, and each job that exists with when it was put."""
    asked = to_epoch + time.monotonic()
    answers = client.pipeline([commands.stats(), *(commands.stats_job(ref.id) for ref in refs), commands.stats()])
    before = present(next(answers))
    looks: list[tuple[JobStats, PutBetween] | None] = []
    for job in map(present, islice(answers, len(refs))):
        answered = to_epoch + time.monotonic()
        looks.append(None if job is None else (job, PutBetween.shown(job.age, asked, answered)))
    (after,) = map(present, answers)
    kept = int(after.cmd_stats == before.cmd_stats)  # from a cache of less than a second
    shared = is_shared(after.id) or (may_be_shared(after) and explore(client, after))
    return Process(after.id, before.uptime, after.uptime + kept, after.cmd_put + kept, shared), looks


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
