"""Bury a chosen job on a server that cannot reserve by id: a separate connection reserves jobs until it gets that one.

It works only in a tube that no worker watches, because the job must be ready to be reserved. The other reserved jobs
become ready when the connection is closed, which keeps their delay; a release would change it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from beanops.client.sync import Client
from beanops.jobs.cluster import join
from beanops.journal.records import Fate
from beanops.protocol import Command, JobStats, TubeStats, commands
from beanops.protocol.errors import BeanopsError, Buried, NotFound, ReplyError, TimedOut
from beanops.session.execution.conversation import Ask, Burying, Putting, Steps
from beanops.session.execution.putting import NewJob, why_not
from beanops.session.execution.verbs import Order

#: Maximum number of jobs to reserve until the chosen one.
MOST_BEFORE = 10_000
#: Maximum number of reserves in one pipeline.
AT_ONCE = 256
WATCHED = "a worker came to watch tube {}, and could run it"


class Alone:
    """Connections that watch one tube each, opened on demand.

    Parameters
    ----------
    clients : mapping of bool to Client
        The connections of a run: each is on the same server process as one of these.
    """

    def __init__(self, clients: dict[bool, Client]) -> None:
        self._clients = clients
        self._own: dict[tuple[bool, str], Client] = {}

    def watching(self, there: bool, tube: str) -> Client:
        """Return the connection that uses and watches only a tube."""
        own = self._own.get((there, tube))
        if own is None:
            of = self._clients[there]
            own = Client(of.reach, connect_timeout=of.connect_timeout, read_timeout=of.read_timeout)
            self._own[there, tube] = own
            if not join(of, own):
                raise BeanopsError(f"another server process answers at {of.address} than before")
            own.use(tube)
            own.watch(tube)
            if tube != "default":
                own.ignore("default")
        return own

    def close(self) -> None:
        """Close them; the jobs that they have reserved become ready."""
        for client in self._own.values():
            client.close()
        self._own.clear()


def watchers(tube: TubeStats, workers: int) -> int:
    """Return how many workers may get jobs of a tube; ``default`` is watched by producers too."""
    return min(tube.current_watching, workers) if tube.name == "default" else tube.current_watching


def put_buried_alone(job: NewJob) -> Putting:
    """Put a buried job into a tube that no worker watches: with priority 0, so that it is reserved first."""
    problem = yield from _disturbed(job.tube, job.there)
    if problem is not None:
        return problem
    first = job._replace(priority=0)
    reserve = () if job.delay else (commands.reserve(0),)
    ask = first.put(job.delay)
    new, *_ = yield Ask((*ask.commands, *reserve), there=job.there, alone=job.tube)
    if (refused := why_not(new)) is not None:
        return refused
    buried = yield from _bury_put(job, int(new), kick=job.delay > 0)
    if not isinstance(buried, ReplyError):
        return int(new)
    (gone,) = yield Ask((commands.delete(new),), there=job.there)
    if isinstance(gone, ReplyError):
        return Fate("failed", f"{buried}; job {new} was put for it and may be left over", new)
    return Fate("failed", str(buried))


def bury_new_alone(job: NewJob, new: int) -> Burying:
    """Bury a delayed job that was put with priority 0 into a tube that no worker watches."""
    problem = yield from _disturbed(job.tube, job.there)
    if problem is not None:
        return problem.error
    buried = yield from _bury_put(job, new, kick=True)
    return str(buried) if isinstance(buried, ReplyError) else None


def _bury_put(job: NewJob, new: int, kick: bool) -> Generator[Ask, list[Any], Any]:
    so_far = Fate("unknown", f"job {new} was put for it, but perhaps not yet buried", new)
    bury = commands.bury(new, priority=job.priority)
    kicks = (commands.kick_job(new),) if kick else ()
    return (yield from _until_buried(bury, kicks, Ask((), there=job.there, so_far=so_far, alone=job.tube)))


def bury_alone(order: Order, held: set[int]) -> Steps:
    """Bury a job of a tube that no worker watches; a delayed or buried one is made ready first."""
    stats: JobStats = order.stats
    problem = yield from _disturbed(stats.tube, False)
    if problem is not None:
        return problem
    kick = () if stats.state == "ready" else (commands.kick_job(order.id),)
    so_far = Fate("unknown", "it was made ready to be buried, and may still be ready") if kick else None
    bury = commands.bury(order.id, priority=order.priority)
    buried = yield from _until_buried(bury, kick, Ask((), so_far=so_far, alone=stats.tube))
    if isinstance(buried, NotFound):
        return Fate("skipped", "no longer available (reserved or deleted)")
    if isinstance(buried, ReplyError):
        return Fate("failed", str(buried))
    return Fate("done")


def _disturbed(tube: str, there: bool) -> Generator[Ask, list[Any], Fate | None]:
    """Return why nothing can be buried in a tube: somebody watches it now, or too many jobs are ready."""
    (now,) = yield Ask((commands.stats_tube(tube),), there=there, alone=tube)
    if isinstance(now, ReplyError):
        return Fate("failed", str(now))
    if tube != "default" and now.current_watching > 1:
        return Fate("skipped", WATCHED.format(tube))
    if now.current_jobs_ready > MOST_BEFORE:
        return Fate("skipped", f"more than {MOST_BEFORE:,} jobs of tube {tube} are ready, and may come before it")
    return None


def _until_buried(bury: Command[None], kick: tuple[Command[Any], ...], ask: Ask) -> Generator[Ask, list[Any], Any]:
    """Reserve until a job is buried; return the answer to the last bury."""
    # The search for another job may have reserved it.
    *_, buried = yield ask._replace(commands=(bury, *kick, bury) if kick else (bury,))
    tried = 0
    while isinstance(buried, NotFound) and not isinstance(buried, Buried) and tried < MOST_BEFORE:
        reserves = min(AT_ONCE, max(1, tried))
        tried += reserves
        *got, buried = yield ask._replace(commands=(*[commands.reserve(0)] * reserves, bury))
        if isinstance(got[-1], TimedOut):
            break
    return buried
