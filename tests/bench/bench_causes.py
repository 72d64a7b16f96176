"""Groups of buried jobs by cause, beside a scan that reads the same bodies; and the memory that a million take."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from beanops import Client, commands, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command
from tests.bench.bench_jobs import BODY, _laravel, _order, scan_seconds
from tests.bench.figures import Figure, in_turn, peak_memory, show
from tests.jobs.causes.corpus import CAUSES
from tests.jobs.causes.values import Values

JOBS = 100_000
MANY = 1_000_000


def _failed() -> Callable[[int], bytes]:
    """Return what makes bodies with errors of twenty causes, nearly all with a message of their own."""
    random = Random(13)
    templates = [template for cause in CAUSES.values() for template in cause]

    def failed(number: int) -> bytes:
        message = templates[number % len(templates)].format_map(Values(random))
        error = {"class": "App\\Exceptions\\PaymentFailed", "message": message}
        return json.dumps({"displayName": "SendInvoice", "user": number, "attempts": 3, "error": error}).encode()

    return failed


def _worded() -> Callable[[int], bytes]:
    """Return what makes orders that differ in words too, so that each is read by itself."""
    random = Random(13)

    def worded(number: int) -> bytes:
        values = Values(random)
        address = {"street": values["word"], "city": values["city"], "zip": "10115"}
        order = json.loads(_order(number)) | {"email": values["email"], "note": values["person"], "address": address}
        return json.dumps(order).encode()

    return worded


def _known(number: int) -> bytes:
    """Return a body with an error of a few causes whose messages differ in their numbers."""
    said = ("order %d not found", "card of customer %d declined", "HTTP 503 after %d ms", "no stock for item %d")
    error = {"class": "PaymentFailed", "message": said[number % len(said)] % number}
    return json.dumps({"displayName": "SendInvoice", "user": number, "attempts": 3, "error": error}).encode()


#: Bodies, and what groups of them may cost beside a scan, as told by users. Two have a limit of our own, so that a
#: change is seen: bodies with other words in each, and errors of which none is like another in more than its cause.
KINDS: list[tuple[str, Callable[[], Callable[[int], bytes]], float]] = [
    ("plain JSON of 110 B", lambda: lambda number: BODY % number, 1.3),
    ("plain JSON of 500 B", lambda: _order, 1.5),
    ("the same with other words in each", _worded, 2.2),
    ("errors that differ in numbers", lambda: _known, 1.6),
    ("errors that differ in all that varies", _failed, 4),
    ("Laravel", lambda: _laravel, 1.7),
]


def bury(address: str, jobs: int, body: Callable[[int], bytes]) -> None:
    """Put jobs, and bury all."""
    with Client(address) as client:
        for _ in client.pipeline(commands.put(body(number)) for number in range(jobs)):
            pass
        for _ in client.pipeline(make(id) for id in range(1, jobs + 1) for make in (commands.reserve_job, _bury)):
            pass


def _bury(id: int) -> Command[Any]:
    return commands.bury(id, priority=1)


def groups_seconds(address: str, jobs: int) -> float:
    """Group the buried jobs with a session that knows nothing yet."""
    import pandas  # noqa: F401  # loaded once a process, not by each look

    with connect(address) as session:
        start = time.perf_counter()
        table = session.groups(state="buried")
        taken = time.perf_counter() - start
    counted = table["count"].sum() + table.attrs["others"]
    assert counted == jobs, (counted, jobs)
    return taken


def beside_scans(rounds: int = 5, jobs: int = JOBS) -> None:
    """Print what groups of buried jobs cost beside a scan with bodies."""
    figures = []
    for name, kind, most in KINDS:
        with Beanstalkd() as server:
            bury(server.address, jobs, kind())
            scan = partial(scan_seconds, server.address, jobs, state="buried")
            grouped = partial(groups_seconds, server.address, jobs)
            full, ours = (1000 * seconds for seconds in in_turn(rounds, scan, grouped))
        figures.append(Figure(name, ours, full, most, at_least=False, unit="ms"))
    show(f"Groups of {jobs:,} buried jobs beside a scan with bodies, median of {rounds}", figures)


def memory(jobs: int = MANY) -> None:
    """Print the memory that groups of a million jobs take, of which nearly all have a message of their own."""
    with Beanstalkd() as server:
        bury(server.address, jobs, _failed())
        script = "import sys, tests.bench.bench_causes as b; b.groups_seconds(sys.argv[1], int(sys.argv[2]))"
        peak = peak_memory(script, server.address, str(jobs))
    show(f"Groups of {jobs:,} jobs", [Figure("peak memory", peak, 300, 1, at_least=False, unit="MB")])


def main() -> None:
    """Print all figures of groups."""
    beside_scans()
    memory()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        beside_scans(3, int(sys.argv[1]))
    else:
        main()
