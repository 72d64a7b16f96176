"""The clients against a raw socket that only counts replies, and against greenstalk's one command at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import greenstalk

from beanops import AsyncClient, Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from beanops.protocol.errors import ReplyError
from tests.bench import raw
from tests.bench.figures import Figure, peak_memory, rates_in_turn, show
from tests.proxies import at_distance

JOBS = 100_000
BODY = b"x" * 100
#: Megabytes.
MOST_MEMORY = 60


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
    with raw.connected(address) as peer:
        return {name: jobs / raw.seconds(peer, make(jobs), crs * jobs) for name, (make, crs) in WORK.items()}


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


def greenstalk_rates(address: str, jobs: int) -> dict[str, float]:
    """Do the same with a client that waits for each reply."""
    host, port = address.split(":")
    rates = {}
    with greenstalk.Client((host, int(port)), encoding=None) as client:
        ask: dict[str, Callable[[int], object]] = {
            "put": lambda _: client.put(BODY),
            "peek": client.peek,
            "stats-job": lambda number: client.stats_job(number),
            "reserve-job+bury": lambda number: client.bury(client.reserve_job(number)),
            "kick-job": client.kick_job,
            "delete": client.delete,
        }
        for name in WORK:
            start = time.perf_counter()
            for id in range(1, jobs + 1):
                ask[name](id)
            rates[name] = jobs / (time.perf_counter() - start)
    return rates


def on_a_fresh_server(
    measure: Callable[[str, int], dict[str, float]], jobs: int, milliseconds: float = 0
) -> Callable[[], dict[str, float]]:
    """Make a measure that can be repeated of one that leaves its jobs behind."""

    def measured() -> dict[str, float]:
        with Beanstalkd() as server, at_distance(server, milliseconds) as address:
            return measure(address, jobs)

    return measured


def against_raw(rounds: int = 3, jobs: int = JOBS) -> None:
    """Print the rates of both clients beside the raw socket's."""
    measures = (client_rates, async_client_rates, raw_rates)
    *ours, limits = rates_in_turn(rounds, *(on_a_fresh_server(measure, jobs) for measure in measures))
    for kind, rates in zip(("Client", "AsyncClient"), ours, strict=True):
        figures = [Figure(f"{kind}: {name}", rates[name], limits[name], 0.9) for name in WORK]
        show(f"{kind}.pipeline against a raw socket, {jobs:,} jobs of {len(BODY)} bytes, median of {rounds}", figures)


def memory(jobs: int = JOBS) -> None:
    """Print the most memory that a process needs for all of this."""
    script = f"import sys; from tests.bench.bench_client import client_rates; client_rates(sys.argv[1], {jobs})"
    with Beanstalkd() as server:
        peak = peak_memory(script, server.address)
    title = f"Memory for all of the above, {jobs:,} jobs, with the benchmark's own imports"
    show(title, [Figure("peak of a client process", peak, MOST_MEMORY, 1, at_least=False, unit="MB")])


def against_greenstalk(target: float, title: str, theirs: int, ours: int, milliseconds: float = 0) -> None:
    """Print the rates of pipelines beside those of a loop that waits for each reply."""
    fast, slow = rates_in_turn(
        3,
        on_a_fresh_server(client_rates, ours, milliseconds),
        on_a_fresh_server(greenstalk_rates, theirs, milliseconds),
    )
    show(title, [Figure(name, fast[name], slow[name], target) for name in WORK])


def main() -> None:
    """Print all figures of the clients."""
    against_raw()
    memory()
    against_greenstalk(3, "Client.pipeline against greenstalk in a loop, on loopback", 3000, 30_000)
    against_greenstalk(20, "The same with 1 ms of round trip", 300, 10_000, milliseconds=1)


if __name__ == "__main__":
    main()
