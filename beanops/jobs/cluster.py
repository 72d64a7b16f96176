"""Whether several processes that answer at one address share their jobs, as those of a cluster do.

Two processes that both live are no restart. That they share their jobs is proven if one sees the tube that a connection
to the other uses, or, on servers that can be a cluster, if several different jobs are the same on both. What is proven
is kept in `beanops.client.instances`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from threading import Lock
from typing import Any, NamedTuple

from beanops.client.instances import is_same, is_shared, unite
from beanops.client.sync import Client
from beanops.jobs.read import present
from beanops.protocol import Command, Job, JobStats, ServerStats, commands
from beanops.protocol.errors import BeanopsError, ReplyError

#: Connections that are opened to see whether other processes answer.
_TRIES = 2
#: Seconds until they are opened again where none did.
_AGAIN = 60.0
#: Tubes that are searched for jobs to compare, how many jobs are compared at most, and how many different bodies are a
#: proof: one that comes again and again, as of a clock, may be on two servers by chance.
_TUBES, _MOST, _DIFFERENT = 32, 16, 3


class _Job(NamedTuple):
    """A job on one process: what does not change by itself, and its age."""

    facts: tuple[object, ...]
    age: int

    @classmethod
    def of(cls, stats: JobStats, job: Job) -> _Job:
        counts = (stats.reserves, stats.timeouts, stats.releases, stats.buries, stats.kicks)
        return cls((job.body, stats.tube, stats.state, stats.priority, stats.delay, stats.ttr, *counts), stats.age)


_lock = Lock()
_explored: dict[str, float] = {}


def may_be_shared(server: ServerStats) -> bool:
    """Whether a server is one that can be a cluster: all others name the size of a binlog's files, also without one."""
    return not server.binlog_max_size


def explore(client: Client, server: ServerStats | None = None) -> bool:
    """Open a few more connections to a server, and return whether other processes answer that share its jobs."""
    server = server or client.stats()
    if is_shared(server.id) or not may_be_shared(server):
        return is_shared(server.id)
    now = time.monotonic()
    with _lock:
        if now - _explored.get(server.process, -_AGAIN) < _AGAIN:
            return False
        _explored[server.process] = now
    try:
        for _ in range(_TRIES):
            with closing(another(client)) as other:
                join(client, other)
    except BeanopsError:
        pass  # a server that accepts no more connections is asked another time
    return is_shared(client.stats().id)


def another(client: Client) -> Client:
    """Return another connection to the server of a client."""
    return Client(client.reach, connect_timeout=client.connect_timeout, read_timeout=client.read_timeout)


def join(known: Client, new: Client) -> bool:
    """Return whether two connections are to one process, or to two that share their jobs, and remember that.

    Parameters
    ----------
    known : Client
        Is only asked.
    new : Client
        A connection that nothing else uses; its tube is ``default`` in the end.
    """
    if is_same(new.instance, known.last_instance):
        return True
    before, there = known.stats(), new.stats()
    if is_same(there.id, before.id):
        return True
    # A log that was copied brings the same jobs to another server, but not to one of a cluster.
    by_jobs = may_be_shared(before) and may_be_shared(there)
    if not (_sees_tube(known, new, before.process) or (by_jobs and _has_same_jobs(known, new, before.process))):
        return False
    unite(before.id, there.id)
    new.stats()  # now it knows its id
    return True


def join_if_free(known: Client, new: Client) -> bool:
    """Do as `join`; False while a command is under way on the known connection, or if it is lost."""
    if not (known.busy or known.closed):
        with suppress(BeanopsError):
            return join(known, new)
    return False


def _sees_tube(known: Client, new: Client, process: str) -> bool:
    """Whether a process knows a tube that exists because a connection to the other one uses it."""
    tube = f"beanops-probe-{secrets.token_hex(8)}"
    new.use(tube)
    # In one pipeline: a client for lookups may be connected anew, to the other process.
    asked: list[Command[Any]] = [commands.stats(), commands.stats_tube(tube)]
    server, seen = known.pipeline(asked)
    new.use("default")
    return present(server).process == process and not isinstance(seen, ReplyError)


def _has_same_jobs(known: Client, new: Client, process: str) -> bool:
    """Whether several jobs of different content are the same on both, and none is on one of them alone."""
    ids = list(islice(_heads(new), _MOST))
    (first, here), (_, there), (last, again) = (_about(client, ids) for client in (known, new, known))
    bodies = set()
    if (first, last) != (process, process):
        return False
    for one, other, after in zip(here, there, again, strict=True):
        if one is None or after is None or one.facts != after.facts:
            continue  # somebody works on it
        if other is None or other.facts != one.facts or not one.age <= other.age + 1 <= after.age + 2:
            return False
        bodies.add(one.facts[0])
    return len(bodies) >= _DIFFERENT


def _heads(client: Client) -> Iterator[int]:
    """Yield the ids of the next jobs of some tubes."""
    for tube in client.list_tubes()[:_TUBES]:
        look = [commands.use(tube), commands.peek_ready(), commands.peek_delayed(), commands.peek_buried()]
        _, *heads = client.pipeline(look)
        yield from (job.id for job in map(present, heads) if job is not None)
    client.use("default")


def _about(client: Client, ids: list[int]) -> tuple[str, list[_Job | None]]:
    """Return which process answers, and what it says of jobs, None of one that does not exist."""
    asked: list[Command[Any]] = [command for id in ids for command in (commands.stats_job(id), commands.peek(id))]
    answers = client.pipeline([commands.stats(), *asked])
    process: str = present(next(answers)).process
    found: list[_Job | None] = []
    for answer in answers:
        stats: JobStats | None = present(answer)
        job: Job | None = present(next(answers))
        found.append(None if stats is None or job is None else _Job.of(stats, job))
    return process, found
