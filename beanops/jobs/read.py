"""Read jobs whose place is known: by their ids, and at the heads of a tube."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

from beanops.client.sync import Client
from beanops.html import card
from beanops.protocol import Command, Job, JobStats, commands
from beanops.protocol.errors import ArgumentError, ConnectionClosed, NotFound, ReplyError
from beanops.protocol.limits import MAX_BODY
from beanops.protocol.states import AT_REST
from beanops.text import plural

#: Whether bodies are read, and what they are in frames: text or bytes. True is the same as ``"text"``.
BodyForm = Literal["text", "bytes"] | bool
#: Bytes of bodies after which a batch takes no more.
_MAX_BODIES = 4 * 2**20
#: Bytes of bodies that may be under way at once; 1,024 of the size that servers allow by default.
_UNDER_WAY = 64 * 2**20
#: Jobs whose statistics are asked for before their bodies.
_PART = 1024
_END = object()


class FoundJob(NamedTuple):
    """A job that exists, with what the server says of it.

    Attributes
    ----------
    stats : JobStats
        Its tube, state, priority and counts.
    body : bytes or None
        Its body, or what may be shown of it; None when it was not asked for, or has not yet arrived at the server.
    original : tuple
        Where `body` is not as it came: the size of the body on the server, and its digest. Else empty.
    instance : str
        The server process that said so, the ``id`` of its statistics; empty for a job that is on no server.
    seen : float
        When it did, in seconds since 1970.
    """

    stats: JobStats
    body: bytes | None
    original: tuple[int, str] | tuple[()] = ()
    instance: str = ""
    seen: float = 0.0

    @property
    def id(self) -> int:
        """The job's number."""
        return self.stats.id

    @property
    def created(self) -> float | None:
        """When it was put, in seconds since 1970 and at most a second too late; None for a job on no server."""
        return self.seen - self.stats.age if self.seen else None

    @property
    def size(self) -> int:
        """Bytes of its body on the server, as far as it was read."""
        return self.original[0] if self.original else len(self.body or b"")

    def __repr__(self) -> str:
        size = "" if self.body is None else f", {plural(self.size, 'byte')}"
        return f"<FoundJob {self.id}, {self.stats.state} in {self.stats.tube}{size}>"

    def _repr_html_(self) -> str:
        from beanops.jobs.bodies import DEFAULT_PATTERNS, decode

        names = ("tube", "state", "priority", "age", "reserves", "timeouts", "buries", "kicks")
        facts = {name: getattr(self.stats, name) for name in names} | {"age": f"{self.stats.age:,} s"}
        if self.body is not None:
            summary = decode(self.body).redacted(DEFAULT_PATTERNS).summary
            facts |= {"size": f"{plural(self.size, 'byte')}", "body": summary}
        return card(f"Job {self.id}", facts)


def body_text(body: bytes) -> str:
    """Return a body as text: UTF-8, with what is not made visible as ``\\xNN``."""
    return body.decode("utf-8", "backslashreplace")


def find_jobs(client: Client, ids: Iterable[int]) -> Iterator[FoundJob | None]:
    """Yield each job in turn without its body, None for one that does not exist."""
    # The process is asked in the same breath: a client that only looks renews a connection that was lost before it.
    return found_by(client.pipeline(chain((commands.stats(),), map(commands.stats_job, ids))))


def found_by(answers: Iterator[Any], seen: Sequence[float] = ()) -> Iterator[FoundJob | None]:
    """Yield the jobs of answers, the first of which is of the server; `seen` says when the first of them came."""
    instance = ""
    for place, answer in enumerate(answers):
        stats = present(answer)
        if place == 0:
            instance = stats.id
        else:
            at = seen[place] if place < len(seen) else time.time()
            yield None if stats is None else FoundJob(stats, None, (), instance, at)


def read_jobs(client: Client, ids: Iterable[int]) -> Iterator[FoundJob | None]:
    """Yield each job in turn with its body, None for one that does not exist.

    Raises
    ------
    ConnectionClosed
        Another server process answered before the bodies were read.
    """
    left = iter(ids)
    if client.max_job_size == MAX_BODY:
        client.stats()  # now it knows
    while part := list(islice(left, min(_PART, at_once(client.max_job_size)))):
        yield from with_bodies(client, list(find_jobs(client, part)))


def with_bodies(
    client: Client, known: Sequence[FoundJob | None], answers: Iterable[Any] | None = None
) -> Iterator[FoundJob | None]:
    """Yield jobs with their bodies, None for those that no longer exist.

    Parameters
    ----------
    client : Client
        The connection on which they were found.
    known : sequence of FoundJob or None
        The jobs without their bodies.
    answers : iterable or None
        Answers to a look at the server and at the body of each; None asks for them.
    """
    wanted = [job for job in known if job is not None and _has_body(job.stats)]
    if answers is None:
        answers = client.pipeline(chain((commands.stats(),), (commands.peek(job.id) for job in wanted)))
    peeked = map(present, answers)
    instance = next(peeked).id
    for before in wanted:
        check_same(client, before.instance, instance)
    bodies = {job.id: peek.body for job, peek in zip(wanted, peeked, strict=True) if peek is not None}
    for job in known:
        if job is None or (job.id not in bodies and _has_body(job.stats)):
            yield None
        else:
            yield job._replace(body=bodies.get(job.id))


def check_same(client: Client, before: str, after: str) -> None:
    """Raise `ConnectionClosed` where another server process answered the second time."""
    if before != after:
        raise ConnectionClosed(f"{client.address}: the server was restarted while jobs were read")


def read_heads(client: Client, tube: str, *, exists: bool = False) -> dict[str, FoundJob | None]:
    """Return the job that is next in each state of a tube.

    The tube must exist: the ``use`` that a look at the heads takes would create it, for a moment.

    Parameters
    ----------
    client : Client
        Uses `tube` for the look and ``default`` again after it.
    tube : str
        Its name.
    exists : bool
        Whether it existed a moment ago, which saves a round trip.

    Returns
    -------
    dict
        Keys ``"ready"``, ``"delayed"`` and ``"buried"``; None where no job is in that state.

    Raises
    ------
    NotFound
        There is no such tube.
    """
    if not exists:
        client.stats_tube(tube)
    look = [
        commands.stats(),
        commands.use(tube),
        commands.peek_ready(),
        commands.peek_delayed(),
        commands.peek_buried(),
        commands.use("default"),
    ]
    server, using, *heads, _ = client.pipeline(look)
    if isinstance(using, ReplyError):
        raise using
    jobs: list[Job | None] = [present(head) for head in heads]
    if exists and not any(jobs):
        client.stats_tube(tube)
    stats = find_jobs(client, [job.id for job in jobs if job is not None])
    found: dict[str, FoundJob | None] = dict.fromkeys(AT_REST)
    for state, job in zip(AT_REST, jobs, strict=True):
        # Between the two looks a worker may have taken or finished it: then it heads this state no more.
        if job is None or (about := next(stats)) is None:
            continue
        if about.stats.state == state and about.instance == present(server).id:
            found[state] = about._replace(body=job.body)
    return found


def check_bodies(bodies: BodyForm) -> None:
    """Raise `ArgumentError` where it is no `BodyForm`."""
    if bodies not in ("text", "bytes", True, False):
        raise ArgumentError("bodies", bodies, "'text', 'bytes' or False")


def present(result: Any) -> Any:
    """Return a result, None for `NotFound`; raise any other error."""
    if isinstance(result, NotFound):
        return None
    if isinstance(result, ReplyError):
        raise result
    return result


def at_once(max_job_size: int) -> int:
    """Return how many bodies to ask for without waiting for the first: a server may hold jobs of megabytes."""
    return max(1, _UNDER_WAY // max_job_size)


class Bodies:
    """Asks for the bodies of jobs, and reads them until there are enough bytes for one batch.

    Attributes
    ----------
    found : list of FoundJob
        Those that are still there, with their bodies.
    done : int
        How many of the jobs were asked for.
    """

    def __init__(self, jobs: Sequence[FoundJob], max_job_size: int) -> None:
        self.found: list[FoundJob] = []
        self.done = 0
        self._jobs = jobs
        self._size = 0
        self._most = at_once(max_job_size)

    @property
    def enough(self) -> bool:
        """Whether the batch needs no more."""
        return self.done == len(self._jobs) or self._size >= _MAX_BODIES

    def asks(self) -> Iterator[Command[Any]]:
        """Yield commands; they end early when as much is under way as may be, or the bodies read are enough."""
        for place in range(self.done, len(self._jobs)):
            if self._size >= _MAX_BODIES or place - self.done >= self._most:
                return
            if _has_body(self._jobs[place].stats):
                yield commands.peek(self._jobs[place].id)

    def read(self, answers: Iterator[Any]) -> None:
        """Read the answers, until there are no more."""
        for job in self._jobs[self.done :]:
            if not _has_body(job.stats):
                self.found.append(job)
            else:
                answer: Any = next(answers, _END)
                if answer is _END:
                    return
                if present(answer) is not None:
                    self._size += len(answer.body)
                    self.found.append(FoundJob(job.stats, answer.body, (), job.instance, job.seen))
            self.done += 1

    def read_rest(self, client: Client, instance: str) -> None:
        """Ask for more bodies until there are enough, or another server process answers."""
        here = True
        while here and not self.enough:
            with closing(client.pipeline(chain((commands.stats(),), self.asks()))) as answers:
                if here := present(next(answers)).id == instance:
                    self.read(answers)


def _has_body(stats: JobStats) -> bool:
    # While a body is on its way the server answers a peek with what is in its memory, and without the line's end.
    return stats.state != "invalid"
