"""Finding jobs beside a raw socket that sends the same commands and counts replies, and beside a greenstalk loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import greenstalk

from beanops import Client, commands, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from tests.bench import raw
from tests.bench.figures import Figure, in_turn, peak_memory, show
from tests.proxies import at_distance

JOBS = 100_000
IDS = 1_000_000
BODY = b'{"displayName": "SendMail", "user": %d, "text": "Your order has left us and will be with you on Monday."}'


def fill(address: str, ids: int, tube: str = "mail", keep_every: int = 1, bury_every: int = 0) -> None:
    """Put jobs; delete all but every so many, or bury every so many."""
    with Client(address) as client:
        client.use(tube)
        for _ in client.pipeline(commands.put(BODY % number) for number in range(ids)):
            pass
        if keep_every > 1:
            for _ in client.pipeline(commands.delete(id) for id in range(1, ids + 1) if id % keep_every):
                pass
        if bury_every:
            for id in range(bury_every, ids + 1, bury_every):
                list(client.pipeline((commands.reserve_job(id), commands.bury(id, priority=1))))


def raw_seconds(address: str, asked: Iterable[Command[Any]], crs: int) -> float:
    """Send bytes made beforehand and count the CRs that come back."""
    with raw.connected(address) as peer:
        return raw.seconds(peer, asked, crs)


def scan_seconds(address: str, found: int, tube: str | None = None, **selection: Any) -> float:
    """Scan with a session that knows nothing yet."""
    with connect(address) as session:
        start = time.perf_counter()
        seen = sum(map(len, session.scan(tube, **selection)))
        taken = time.perf_counter() - start
    assert seen == found, (seen, found)
    return taken


def listing(rounds: int = 5) -> None:
    """Print how fast live jobs are listed, and what a predicate on the body adds."""
    with Beanstalkd() as server:
        at = server.address
        fill(at, JOBS)
        ids = range(1, JOBS + 1)
        bare, raw_bare, full, raw_full, body, data = in_turn(
            rounds,
            lambda: scan_seconds(at, JOBS, bodies=False),
            lambda: raw_seconds(at, map(commands.stats_job, ids), 2 * JOBS),
            lambda: scan_seconds(at, JOBS),
            lambda: raw_seconds(at, (make(id) for id in ids for make in (commands.stats_job, commands.peek)), 4 * JOBS),
            lambda: scan_seconds(at, JOBS // 10, where="body like '%7, \"text%'"),
            lambda: scan_seconds(at, JOBS // 10, where="(data->>'$.user')::int % 10 = 7"),
        )
    figures = [
        Figure("without bodies", JOBS / bare, JOBS / raw_bare, 0.85),
        Figure("with bodies", JOBS / full, JOBS / raw_full, 0.8),
        Figure("where on the body, time", body * 1000, full * 1000, 1.2, at_least=False, unit="ms"),
        Figure("where on the decoded body, time", data * 1000, full * 1000, 1.2, at_least=False, unit="ms"),
    ]
    show(f"Listing {JOBS:,} live jobs; a where is held against the same scan without it, median of {rounds}", figures)


def misses(rounds: int = 3) -> None:
    """Print how fast ids without a job are passed, and in how little memory."""
    with Beanstalkd() as server:
        at = server.address
        fill(at, IDS, keep_every=100)
        ours, limit = in_turn(
            rounds,
            lambda: scan_seconds(at, IDS // 100, bodies=False),
            lambda: raw_seconds(at, map(commands.stats_job, range(1, IDS + 1)), IDS + IDS // 100),
        )
        peak = peak_memory("import sys, tests.bench.bench_jobs as b; b.scan_seconds(sys.argv[1], b.IDS // 100)", at)
    figures = [
        Figure("ids", IDS / ours, IDS / limit, 0.85),
        Figure("peak memory", peak, 100, 1, at_least=False, unit="MB"),
    ]
    show(f"{IDS:,} ids with {IDS // 100:,} live jobs, median of {rounds}", figures)


def among_a_million(rounds: int = 3) -> None:
    """Print what a page of a tube's newest buried jobs costs, and the memory of a snapshot of everything."""
    with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder:
        at = server.address
        fill(at, IDS, bury_every=100)
        page, full = in_turn(
            rounds,
            lambda: scan_seconds(at, 50, "mail", state="buried", limit=50) * 1000,
            lambda: scan_seconds(at, IDS, bodies=False) * 1000,
        )
        script = (
            "import sys, beanops; saved = beanops.connect(sys.argv[1]).save_jobs(sys.argv[2]);"
            f"assert saved.jobs == {IDS} and saved.complete, saved"
        )
        start = time.perf_counter()
        peak = peak_memory(script, at, str(Path(folder) / "all"))
        taken = time.perf_counter() - start
    figures = [
        Figure("the newest 50 buried of a tube", page, full, 0.01, at_least=False, unit="ms"),
        Figure("snapshot, peak memory", peak, 300, 1, at_least=False, unit="MB"),
    ]
    show(f"Among {IDS:,} jobs, every hundredth buried, beside a full scan; a snapshot took {taken:.0f} s", figures)


def _greenstalk_seconds(address: str, ids: int) -> float:
    host, port = address.split(":")
    with greenstalk.Client((host, int(port)), encoding=None) as client:
        start = time.perf_counter()
        for id in range(1, ids + 1):
            client.stats_job(id)
            client.peek(id)
        return time.perf_counter() - start


def against_greenstalk(target: float, title: str, theirs: int, ours: int, milliseconds: float = 0) -> None:
    """Print the rate of a scan beside that of a loop over ids that waits for each reply."""
    with Beanstalkd() as server:
        fill(server.address, max(theirs, ours))
        with at_distance(server, milliseconds) as address:
            measures: list[Callable[[], float]] = [
                lambda: ours / scan_seconds(address, ours, ids=range(1, ours + 1)),
                lambda: theirs / _greenstalk_seconds(address, theirs),
            ]
            fast, slow = in_turn(3, *measures)
    show(title, [Figure("jobs with bodies", fast, slow, target)])


def main() -> None:
    """Print all figures of finding jobs."""
    listing()
    misses()
    among_a_million()
    against_greenstalk(2, "A scan against greenstalk in a loop, on loopback", 3000, 30_000)
    against_greenstalk(20, "The same with 1 ms of round trip", 300, 30_000, milliseconds=1)


if __name__ == "__main__":
    main()
