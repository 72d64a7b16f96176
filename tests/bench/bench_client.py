"""The clients against a raw socket that only counts replies, and against greenstalk's one command at a time."""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import greenstalk

from beanops import AsyncClient, Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from beanops.protocol.errors import ReplyError
from tests.bench.figures import Figure, in_turn, show
from tests.proxies import at_distance

JOBS = 100_000
BODY = b"x" * 100
MOST_MEMORY = 60e6


def _puts(jobs: int) -> Iterator[Command[Any]]:
    return (commands.put(BODY) for _ in range(jobs))


def _pairs(jobs: int) -> Iterator[Command[Any]]:
    for id in range(1, jobs + 1):
        yield commands.reserve_job(id)
        yield commands.bury(id, priority=65536)


#: What is measured, in the order in which a fresh server can do it: the commands, and how many CRs their replies have.
WORK: dict[str, tuple[Callable[[int], Iterator[Command[Any]]], int]] = {
    "put": (_puts, 1),
    "peek": (lambda jobs: (commands.peek(id) for id in range(1, jobs + 1)), 2),
    "stats-job": (lambda jobs: (commands.stats_job(id) for id in range(1, jobs + 1)), 2),
    "reserve-job+bury": (_pairs, 3),
    "kick-job": (lambda jobs: (commands.kick_job(id) for id in range(1, jobs + 1)), 1),
    "delete": (lambda jobs: (commands.delete(id) for id in range(1, jobs + 1)), 1),
}


def raw_rates(address: str, jobs: int) -> dict[str, float]:
    """Send bytes made beforehand and count the CRs that come back: as fast as this server answers anybody."""
    host, port = address.split(":")
    rates = {}
    with socket.create_connection((host, int(port))) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setblocking(False)
        for name, (make, crs) in WORK.items():
            unsent = memoryview(b"".join(command.data for command in make(jobs)))
            rates[name] = jobs / _raw_seconds(raw, unsent, crs * jobs)
    return rates


def raw_seconds(address: str, data: bytes, awaited: int) -> float:
    """Send bytes and count that many CRs of the replies; return the seconds."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setblocking(False)
        return _raw_seconds(raw, memoryview(data), awaited)


def _raw_seconds(raw: socket.socket, unsent: memoryview, awaited: int) -> float:
    buffer = bytearray(1 << 20)
    start = time.perf_counter()
    while awaited:
        readable, writable, _ = select.select([raw], [raw] if unsent else [], [])
        if writable:
            unsent = unsent[raw.send(unsent) :]
        if readable:
            awaited -= buffer.count(b"\r", 0, raw.recv_into(buffer))
    return time.perf_counter() - start


def client_rates(address: str, jobs: int) -> dict[str, float]:
    """Do the same by `Client.pipeline`, which makes the commands and reads the replies on the way."""
    rates = {}
    with Client(address) as client:
        for name, (make, _) in WORK.items():
            start = time.perf_counter()
            refused = sum(isinstance(result, ReplyError) for result in client.pipeline(make(jobs)))
            rates[name] = jobs / (time.perf_counter() - start)
            assert refused == 0, name
    return rates


def async_client_rates(address: str, jobs: int) -> dict[str, float]:
    """Do the same by `AsyncClient.pipeline`."""

    async def measure() -> dict[str, float]:
        rates = {}
        async with AsyncClient(address) as client:
            for name, (make, _) in WORK.items():
                start = time.perf_counter()
                refused = 0
                async for result in client.pipeline(make(jobs)):
                    refused += isinstance(result, ReplyError)
                rates[name] = jobs / (time.perf_counter() - start)
                assert refused == 0, name
        return rates

    return asyncio.run(measure())


def _on_a_fresh_server(measure: Callable[[str, int], dict[str, float]], jobs: int) -> dict[str, float]:
    with Beanstalkd() as server:
        return measure(server.address, jobs)


def against_raw(rounds: int = 3, jobs: int = JOBS) -> None:
    """Print the rates of both clients beside the raw socket's."""
    measures = {"Client": client_rates, "AsyncClient": async_client_rates, "raw": raw_rates}
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(_on_a_fresh_server(measure, jobs))
    for kind in ("Client", "AsyncClient"):
        figures = [
            Figure(
                f"{kind}: {name}",
                sorted(rates[name] for rates in taken[kind])[rounds // 2],
                sorted(rates[name] for rates in taken["raw"])[rounds // 2],
                0.9,
            )
            for name in WORK
        ]
        show(f"{kind}.pipeline against a raw socket, {jobs:,} jobs of {len(BODY)} bytes, median of {rounds}", figures)


def memory(jobs: int = JOBS) -> None:
    """Print the most memory that a process needs for all of this."""
    script = (
        "import sys; from tests.bench.bench_client import client_rates;"
        f"client_rates(sys.argv[1], {jobs}); print(open('/proc/self/status').read())"
    )
    with Beanstalkd() as server:
        done = subprocess.run([sys.executable, "-c", script, server.address], stdout=subprocess.PIPE, check=True)
    # Not ru_maxrss: that starts at what the parent had.
    peak = int(done.stdout.split(b"VmHWM:")[1].split()[0]) * 1024
    title = f"Memory for all of the above, {jobs:,} jobs, with the benchmark's own imports"
    show(title, [Figure("peak of a client process", peak / 1e6, MOST_MEMORY / 1e6, 1, at_least=False, unit="MB")])


def _one_at_a_time(address: str, name: str, jobs: int) -> float:
    host, port = address.split(":")
    with greenstalk.Client((host, int(port)), encoding=None) as client:
        ask: dict[str, Callable[[int], object]] = {
            "put": lambda _: client.put(BODY),
            "peek": client.peek,
            "stats-job": lambda number: client.stats_job(number),
        }
        start = time.perf_counter()
        for id in range(1, jobs + 1):
            ask[name](id)
        return jobs / (time.perf_counter() - start)


def _pipelined(address: str, name: str, jobs: int) -> float:
    with Client(address) as client:
        start = time.perf_counter()
        for _ in client.pipeline(WORK[name][0](jobs)):
            pass
        return jobs / (time.perf_counter() - start)


def against_greenstalk(target: float, title: str, theirs: int, ours: int, milliseconds: float = 0) -> None:
    """Print the rates of pipelines beside those of a loop that waits for each reply."""
    with Beanstalkd() as server, at_distance(server, milliseconds) as address:
        _pipelined(server.address, "put", max(theirs, ours))
        figures = []
        for name in ("put", "peek", "stats-job"):
            fast, slow = in_turn(
                3,
                lambda name=name: _pipelined(address, name, ours),  # type: ignore[misc]
                lambda name=name: _one_at_a_time(address, name, theirs),  # type: ignore[misc]
            )
            figures.append(Figure(name, fast, slow, target))
    show(title, figures)


def main() -> None:
    """Print all figures of the clients."""
    against_raw()
    memory()
    against_greenstalk(3, "Client.pipeline against greenstalk in a loop, on loopback", 3000, 30_000)
    against_greenstalk(20, "The same with 1 ms of round trip", 300, 10_000, milliseconds=1)


if __name__ == "__main__":
    main()
