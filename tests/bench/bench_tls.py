"""The embedded server with TLS beside itself in plain text: pipelines, large bodies, single commands, connecting."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from beanops import Client, Reach, commands
from tests.bench.bench_embedded import MODULE, embedded
from tests.bench.figures import Figure, in_turn, show
from tests.certificates import Certificates


def pipelined(reach: Reach, size: int, jobs: int) -> float:
    """Return commands per second of puts, reserves and deletes."""
    body = b"x" * size
    with Client(reach) as client:
        first = client.put(b"")
        client.delete(first)
        start = time.perf_counter()
        for _ in client.pipeline(commands.put(body) for _ in range(jobs)):
            pass
        for _ in client.pipeline(
            command
            for id in range(first + 1, first + 1 + jobs)
            for command in (commands.reserve(0), commands.delete(id))
        ):
            pass
        return 3 * jobs / (time.perf_counter() - start)


def one_by_one(reach: Reach, times: int = 1000) -> float:
    """Return commands per second that each wait for their answer."""
    with Client(reach) as client:
        start = time.perf_counter()
        for _ in range(times):
            client.list_tube_used()
        return times / (time.perf_counter() - start)


def connecting(reach: Reach, times: int = 50) -> float:
    """Return milliseconds until a new connection has its first answer."""
    start = time.perf_counter()
    for _ in range(times):
        with Client(reach) as client:
            client.list_tube_used()
    return (time.perf_counter() - start) / times * 1000


def main(rounds: int = 5) -> None:
    """Print all figures of TLS."""
    with TemporaryDirectory() as folder:
        files = Certificates(Path(folder))
        with (
            embedded() as (plain, _),
            embedded(*MODULE, "--tls-cert", str(files.server)) as (secure, _),
        ):
            reaches = [Reach.of(secure, tls_ca=str(files.ca)), Reach.of(plain)]
            figures = []
            for name, size, jobs, target in (
                ("pipelined, bodies of 8 bytes", 8, 20_000, 0.6),
                ("pipelined, bodies of 1 kB", 1000, 10_000, 0.6),
                ("pipelined, bodies of 20 kB", 20_000, 2_000, 0.6),
            ):
                ours, theirs = in_turn(rounds, *(partial(pipelined, reach, size, jobs) for reach in reaches))
                figures.append(Figure(name, ours, theirs, target))
            ours, theirs = in_turn(rounds, *(partial(one_by_one, reach) for reach in reaches))
            figures.append(Figure("one by one", ours, theirs, 0.3))
            ours, theirs = in_turn(rounds, *(partial(connecting, reach) for reach in reaches))
            show("the embedded server with TLS, beside itself in plain text", figures)
            title = "a new connection with TLS, beside one in plain text"
            show(title, [Figure("to the first answer", ours, theirs, 10, False, "ms")])


if __name__ == "__main__":
    main()
