"""Finding jobs beside a raw socket that sends the same commands and counts replies, and beside a greenstalk loop."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
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


def fill(
    address: str,
    ids: int,
    tube: str = "mail",
    keep_every: int = 1,
    bury_every: int = 0,
    body: Callable[[int], bytes] = lambda number: BODY % number,
) -> None:
    """Put jobs; delete all but every so many, or bury every so many."""
    with Client(address) as client:
        client.use(tube)
        for _ in client.pipeline(commands.put(body(number)) for number in range(ids)):
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
    """Print how fast live jobs are listed."""
    with Beanstalkd() as server:
        at = server.address
        fill(at, JOBS)
        ids = range(1, JOBS + 1)
        bare, raw_bare, full, raw_full = in_turn(
            rounds,
            lambda: scan_seconds(at, JOBS, bodies=False),
            lambda: raw_seconds(at, map(commands.stats_job, ids), 2 * JOBS),
            lambda: scan_seconds(at, JOBS),
            lambda: raw_seconds(at, (make(id) for id in ids for make in (commands.stats_job, commands.peek)), 4 * JOBS),
        )
    figures = [
        Figure("without bodies", JOBS / bare, JOBS / raw_bare, 0.85),
        Figure("with bodies", JOBS / full, JOBS / raw_full, 0.8),
    ]
    show(f"Listing {JOBS:,} live jobs, median of {rounds}", figures)


def _order(number: int) -> bytes:
    items = [{"sku": f"A-{n}", "qty": n, "price": 9.5 + n} for n in range(5)]
    address = {"street": "Main Street 5", "city": "Berlin", "zip": "10115"}
    note = "Please leave it at the door, thank you very much"
    order = {"id": f"{number:08d}-aaaa", "user": number, "email": f"user{number}@example.com", "items": items}
    more = {"address": address, "note": note, "tags": ["a", "b", "c"], "created_at": "2026-01-31T12:00:00Z"}
    return json.dumps(order | more).encode()


def _report(number: int) -> bytes:
    row = {"ok": True, "text": "words that say little"}
    return json.dumps(
        {"user": number, "rows": [{"name": f"row {n}", "value": n * 1.5} | row for n in range(64)]}
    ).encode()


def _laravel(number: int) -> bytes:
    payload = f'a:2:{{s:2:"id";i:{number};s:4:"text";s:11:"hello world";}}'
    command = f'O:17:"App\\Jobs\\SendMail":2:{{s:4:"user";i:{number};s:10:"\0*\0payload";{payload}}}'
    data = {"commandName": "App\\Jobs\\SendMail", "command": command}
    job = {"uuid": f"4f9a1b4e-{number:012d}", "displayName": "App\\Jobs\\SendMail", "maxTries": 3, "timeout": None}
    return json.dumps(job | {"data": data, "user": number, "attempts": 0}).encode()


#: Bodies, what stands behind their user in the text, and what a predicate on their data may cost, as told by users.
KINDS: list[tuple[str, Callable[[int], bytes], str, float | None]] = [
    ("110 B", lambda number: BODY % number, "text", 1.3),
    ("500 B", _order, "email", 1.5),
    ("5 kB", _report, "rows", None),
    ("Laravel", _laravel, "attempts", None),
]


def predicates(rounds: int = 5, jobs: int = 60_000) -> None:
    """Print what a predicate adds to a scan, also beside one that decodes every body whole."""
    figures = []
    for name, make, behind, most in KINDS:
        count = jobs if len(make(0)) < 1000 else jobs // 3
        on_data = "(data->>'$.user')::int % 10 = 7"
        with Beanstalkd() as server:
            fill(server.address, count, body=make)
            scan = partial(scan_seconds, server.address)
            measures = [
                partial(scan, count),
                partial(scan, count // 10, where=f"body like '%7, \"{behind}%'"),
                partial(scan, count // 10, where=on_data),
                partial(scan, count // 10, where=f"data is not null and {on_data}"),
            ]
            full, body, data, whole = (1000 * seconds for seconds in in_turn(rounds, *measures))
        figures.append(Figure(f"where on the body, {name}", body, full, 1.2, at_least=False, unit="ms"))
        if most is not None:
            figures.append(Figure(f"where on data, {name}", data, full, most, at_least=False, unit="ms"))
        added = Figure(f"added by that, {name}", data - full, whole - full, 0.5, at_least=False, unit="ms")
        figures.append(added)
    show(f"A where beside a scan without; what it adds beside decoding all, median of {rounds}", figures)


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
            "import sys, beanops; saved = beanops.connect(sys.argv[1]).snapshot(sys.argv[2]);"
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
    predicates()
    misses()
    among_a_million()
    against_greenstalk(2, "A scan against greenstalk in a loop, on loopback", 3000, 30_000)
    against_greenstalk(20, "The same with 1 ms of round trip", 300, 30_000, milliseconds=1)


if __name__ == "__main__":
    main()
