"""Logs for the tests: written by a real server, built by hand, and what a real server restores from a copy."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple

from beanops import Binlog, Client
from beanops.binlog.compact_map import CompactMap
from beanops.embedded.process import Beanstalkd
from beanops.jobs.read import find_jobs
from beanops.protocol.errors import NotFound, TimedOut

#: Starts a server; the fixture ``start_beanstalkd``.
Start = Callable[..., Beanstalkd]
#: When jobs of records built by hand were put, in nanoseconds since 1970.
CREATED = 1_790_000_000 * 10**9
#: More than the ids of any log here.
MOST_JOBS = 1000
_STATES = ("deleted", "ready", "reserved", "buried", "delayed")


class Restored(NamedTuple):
    """What a start makes of a log: each job by its id, the next id, and the files that are left."""

    jobs: dict[int, tuple[Any, ...]]
    next_id: int
    files: set[str]


def record(
    id: int,
    body: bytes | None = b"",
    *,
    tube: str = "mail",
    state: str = "ready",
    priority: int = 1,
    delay: int = 0,
    ttr: int = 60,
    deadline: int = 0,
    size: int | None = None,
    counts: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0),
    version: int = 7,
    order: str = "<",
) -> bytes:
    """Return a record as the source of a release writes it; a short one where there is no body."""
    name = b"" if body is None else tube.encode()
    size = len(body or b"") + 2 if size is None else size
    unit = 1 if version == 7 else 1000
    head = pack(order + ("i" if version == 7 else "Q"), len(name)) + name
    times = delay * 10**9 // unit, ttr * 10**9 // unit
    head += pack(order + "QI4xqqi4x", id, priority, *times, size)
    head += pack(order + "qq5IB", CREATED // unit, deadline // unit, *counts, _STATES.index(state))
    head += b"\0" * 3 if version == 7 else b""
    return head if body is None else head + body + b"\r\n"


def version(number: int = 7, order: str = "<") -> bytes:
    """Return the first bytes of a file."""
    return pack(order + "i", number)


def write(folder: Path, *files: bytes, first: int = 1) -> Path:
    """Write files of a log."""
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(files, first):
        (folder / f"binlog.{number}").write_bytes(data)
    return folder


def restored(start: Start, folder: Path, copy: Path, *flags: str) -> Restored:
    """Start a real server on a copy of a folder; return what it has."""
    shutil.copytree(folder, copy)
    server = start("-b", str(copy), *flags)
    with Client(server.address) as client:
        # Before the put, after which the server moves jobs to other files.
        found = [job.stats for job in find_jobs(client, range(1, MOST_JOBS)) if job is not None]
        bodies = peeked(server.port, [stats.id for stats in found])
        jobs = {stats.id: facts(stats, body) for stats, body in zip(found, bodies, strict=True)}
        left = {file.name for file in copy.glob("binlog.*")} & {file.name for file in folder.glob("binlog.*")}
        highest = client.put(b"", tube="last")
    server.stop(kill=True)
    return Restored(jobs, highest, left)


def peeked(port: int, ids: list[int]) -> Iterator[bytes]:
    """Yield bodies as a server sends them; those that it filled with zeros have no line end, which a client refuses."""
    with socket.create_connection(("127.0.0.1", port)) as peer, peer.makefile("rwb") as stream:
        for id in ids:
            stream.write(b"peek %d\r\n" % id)
            stream.flush()
            size = int(stream.readline().split()[2])
            yield stream.read(size + 2)[:size]


def facts(stats: Any, body: bytes | None) -> tuple[Any, ...]:
    """Return what must be the same of a job."""
    names = ("tube", "state", "priority", "delay", "ttr", "file", "reserves", "timeouts", "releases", "buries", "kicks")
    return (*(getattr(stats, name) for name in names), body)


def expected(folder: Path, max_job_size: int | None = None) -> Restored:
    """Return what `Binlog` says that a start has: every job as that start would have it, damages included."""
    log = Binlog(folder, max_job_size=max_job_size)
    replay = log._replayed.replay
    assert {row.number for row in log.file_rows} == {file.number for file in log._folder.files}
    replay.readable = CompactMap()
    jobs = {}
    for job in log._read_jobs(newest=False, bodies=True):
        found = job.found(log.now)
        jobs[job.id] = facts(found.stats, found.body)
    return Restored(
        jobs, replay.next_id, {f"binlog.{file.number}" for file in log.file_rows if file.at_start != "removed"}
    )


def work(client: Client, rounds: int, *, seed: int = 0) -> None:
    """Do to a server what producers, workers and people do."""
    chance = random.Random(seed)
    alive: list[int] = []
    for tube in ("mail", "web", "default"):
        client.watch(tube)
    for number in range(rounds):
        body = chance.randbytes(chance.choice((0, 1, 50, 400)))
        delay = chance.choice((0, 0, 0, 1000))
        alive.append(client.put(body, tube=chance.choice(("mail", "web")), delay=delay, priority=number % 7, ttr=300))
        if number % 3 == 0:
            try:
                job = client.reserve(0)
            except TimedOut:
                continue
            match chance.randrange(5):
                case 0:
                    client.delete(job.id)
                case 1:
                    client.bury(job.id, priority=5)
                case 2:
                    client.release(job.id, delay=1000, priority=9)
                case 3:
                    client.release(job.id)
        if number % 4 == 0:
            client.use(chance.choice(("mail", "web")))
            client.kick(2)
        if number > 50 and alive and chance.random() < 0.7:
            id = alive.pop(chance.randrange(len(alive)) if chance.random() < 0.2 else 0)
            with suppress(NotFound):  # it is reserved, by this connection or before
                client.delete(id)
