"""The embedded server beside the real one, and what it costs: memory, tubes, connections, the start."""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command, Job
from tests.bench import raw
from tests.bench.figures import Figure, in_turn, rates_in_turn, show

BODY = b"x" * 100
JOBS = 50_000
MODULE = (sys.executable, "-m", "beanops.embedded")


@contextlib.contextmanager
def embedded(*command: str) -> Iterator[tuple[str, int]]:
    """Run the embedded server as a process of its own; give its address and pid."""
    process = subprocess.Popen([*(command or MODULE), "-p", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1], process.pid
    finally:
        process.terminate()
        process.communicate()


def _puts() -> Iterator[Command[Any]]:
    return (commands.put(BODY) for _ in range(JOBS))


def _reserves_and_deletes(first: int) -> Iterator[Command[Any]]:
    for id in range(first, first + JOBS):
        yield commands.reserve(0)
        yield commands.delete(id)


def rates() -> None:
    """Print commands per second through the pipelining client, and through a raw socket that counts replies."""
    with Beanstalkd() as real, embedded() as (address, _):

        def through_client(address: str) -> float:
            with Client(address) as client:
                first = client.put(b"")
                client.delete(first)
                start = time.perf_counter()
                for _ in client.pipeline(_puts()):
                    pass
                for _ in client.pipeline(_reserves_and_deletes(first + 1)):
                    pass
                return 3 * JOBS / (time.perf_counter() - start)

        def through_socket(address: str) -> float:
            with Client(address) as client:
                first = client.put(b"")
                client.delete(first)
            with raw.connected(address) as peer:
                return 3 * JOBS / raw.seconds(peer, [*_puts(), *_reserves_and_deletes(first + 1)], 4 * JOBS)

        ours, theirs = in_turn(5, lambda: through_client(address), lambda: through_client(real.address))
        raw_ours, raw_theirs = in_turn(5, lambda: through_socket(address), lambda: through_socket(real.address))
    show(
        "put, reserve and delete, pipelined: the embedded server against beanstalkd",
        [
            Figure("through beanops.Client", ours, theirs, 0.25),
            Figure("through a raw socket", raw_ours, raw_theirs, 0.25),
        ],
    )


def memory(jobs: int = 100_000) -> None:
    """Print what the process holds with many jobs in it."""
    with embedded() as (address, pid), Client(address) as client:
        for _ in client.pipeline(commands.put(BODY) for _ in range(jobs)):
            pass
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    megabytes = pages * resource.getpagesize() / 1e6
    show(f"memory with {jobs:,} jobs of {len(BODY)} bytes", [Figure("resident", megabytes, 150, 1, False, "MB")])


def _repeated(tube: str, first: int, times: int) -> dict[str, tuple[list[Command[Any]], int]]:
    """Give each command many times with the CRs of one reply, in an order in which none of them is in vain."""
    return {
        # No list of all tubes: its reply itself grows with them.
        "use": ([commands.use("default"), commands.use(tube)] * (times // 2), 1),
        "watch, ignore": ([commands.ignore(tube), commands.watch(tube)] * (times // 2), 1),
        "put": ([commands.put(BODY)] * times, 1),
        "stats": ([commands.stats()] * times, 2),
        "stats-tube": ([commands.stats_tube(tube)] * times, 2),
        "stats-job": ([commands.stats_job(first)] * times, 2),
        "peek-ready": ([commands.peek_ready()] * times, 2),
        "reserve": ([commands.reserve(0)] * times, 2),
        "delete": ([commands.delete(first + number) for number in range(times)], 1),
        "put, delayed": ([commands.put(BODY, delay=1000)] * times, 1),
        "kick": ([commands.kick(1)] * times, 1),
        "pause-tube": ([commands.pause_tube(tube, 0)] * times, 1),
    }


def _watcher(stack: contextlib.ExitStack, address: str, tubes: int) -> Client:
    """Connect a worker that watches many tubes, each with a job in it."""
    watcher = stack.enter_context(Client(address))
    names = [f"tube-{number}" for number in range(tubes)]
    makers = (commands.watch, commands.use, lambda name: commands.put(BODY))
    for _ in watcher.pipeline([make(name) for name in names for make in makers]):
        pass
    return watcher


def tubes(few: int = 10, many: int = 10_000, times: int = 4000, rounds: int = 11) -> None:
    """Print what each command costs beside many tubes, each with a job and a watcher, and beside few."""

    def costs(address: str) -> dict[str, float]:
        with Client(address) as client:
            first = client.put(b"", tube="tube-5", priority=1) + 1
        with raw.connected(address) as peer:
            raw.seconds(peer, [commands.use("tube-5"), commands.watch("tube-5")], 2)
            return {
                name: raw.seconds(peer, todo, crs * times) / times * 1e9
                for name, (todo, crs) in _repeated("tube-5", first, times).items()
            }

    with contextlib.ExitStack() as stack:
        addresses = [stack.enter_context(embedded())[0] for _ in range(2)]
        for address, count in zip(addresses, (few, many), strict=True):
            _watcher(stack, address, count)
        at_few, at_many = rates_in_turn(rounds, *(partial(costs, address) for address in addresses))
    figures = [Figure(name, at_many[name], at_few[name], 1.5, False, "ns") for name in at_few]
    show(f"cost of each command at {many:,} tubes and at {few}", sorted(figures, key=lambda one: -one.ratio))


def watching(many: int = 10_000, times: int = 100) -> None:
    """Print what a reserve costs a worker that watches many tubes: both servers look through them all."""

    def cost(watcher: Client) -> float:
        start = time.perf_counter()
        for job in watcher.pipeline([commands.reserve(0)] * times):
            assert isinstance(job, Job)
        seconds = time.perf_counter() - start
        return seconds / times * 1e6

    with contextlib.ExitStack() as stack:
        ours = _watcher(stack, stack.enter_context(embedded())[0], many)
        theirs = _watcher(stack, stack.enter_context(Beanstalkd()).address, many)
        our_cost, their_cost = in_turn(5, lambda: cost(ours), lambda: cost(theirs))
    show(
        f"a reserve of a worker that watches {many:,} tubes, beside beanstalkd's",
        [Figure("embedded server", our_cost, their_cost, 25, False, "us")],
    )


def connections(idle: int = 1000, busy: int = 10, seconds: float = 3) -> None:
    """Print how evenly busy connections are served beside idle ones."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with embedded() as (address, _), contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        host, _, port = address.rpartition(":")

        def dial() -> socket.socket:
            return stack.enter_context(socket.create_connection((host, int(port))))

        def serve(peers: list[socket.socket]) -> list[int]:
            """Send each peer's next batch as soon as its last one is answered; return the batches of each."""
            batch = b"stats-job 1\r\npeek 1\r\ntouch 1\r\n" * 20
            done = dict.fromkeys(peers, 0)
            seen = dict.fromkeys(peers, 0)
            for peer in peers:
                selector.register(peer, selectors.EVENT_READ, peer)
                peer.sendall(batch)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                for key, _ in selector.select(1):
                    peer = key.data
                    seen[peer] += peer.recv(65536).count(b"\r")
                    if seen[peer] == 100:
                        seen[peer] = 0
                        done[peer] += 1
                        peer.sendall(batch)
            for peer in peers:
                selector.unregister(peer)
                peer.close()
            return list(done.values())

        with dial() as producer:
            producer.sendall(b"put 1 0 60 1\r\na\r\n")
            producer.recv(100)
        alone = serve([dial() for _ in range(busy)])
        idlers = [dial() for _ in range(idle)]
        beside = serve([dial() for _ in range(busy)])
        for idler in idlers:
            idler.sendall(b"list-tube-used\r\n")
        answered = sum(idler.recv(100) == b"USING default\r\n" for idler in idlers)
    show(
        f"{busy} busy connections beside {idle:,} idle ones",
        [
            Figure("batches in all, beside none idle", sum(beside), sum(alone), 0.8, unit=""),
            Figure("least served, beside the mean", min(beside), sum(beside) / busy, 0.5, unit=""),
            Figure("idle ones that still answer", answered, idle, 1, unit=""),
        ],
    )


def start(rounds: int = 11) -> None:
    """Print how long it takes from starting the process to the first reply."""

    def once(*command: str) -> float:
        begin = time.perf_counter()
        with embedded(*command) as (address, _), Client(address) as client:
            client.list_tube_used()
            return (time.perf_counter() - begin) * 1000

    beanops = str(Path(sys.executable).with_name("beanops"))
    command, module = in_turn(rounds, lambda: once(beanops, "serve"), lambda: once(*MODULE))
    show(
        "from the start to the first reply",
        [
            Figure("beanops serve", command, 500, 0.75, False, "ms"),
            Figure("python -m beanops.embedded", module, 500, 0.75, False, "ms"),
        ],
    )


def main() -> None:
    """Print all figures of the embedded server."""
    steps: list[Callable[[], None]] = [rates, memory, tubes, watching, connections, start]
    for step in steps:
        step()


if __name__ == "__main__":
    main()
