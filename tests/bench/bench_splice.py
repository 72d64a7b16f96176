"""Editing values in bodies beside a script that reads each body as JSON, changes it and writes it anew."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from beanops.jobs.bodies import decode
from beanops.jobs.bodies.edits import Change, Splicer
from tests.bench.bench_jobs import KINDS
from tests.bench.figures import Figure, in_turn, show

BODIES = 5_000


def nanoseconds(function: Callable[[bytes], object], bodies: Iterable[bytes]) -> float:
    """Return the time for one body."""
    bodies = list(bodies)
    start = time.perf_counter()
    for body in bodies:
        function(body)
    return (time.perf_counter() - start) / len(bodies) * 1e9


def rewritten(body: bytes) -> bytes:
    """Return a body as a script would change it."""
    data = json.loads(body)
    data["user"] = -1
    return json.dumps(data).encode()


def main(rounds: int = 5) -> None:
    """Print the time for one edit of each kind of body."""
    figures = []
    for name, make, *_ in KINDS:
        bodies = [make(number) for number in range(BODIES)]
        figures.append(figure(f"set a key, {name}", Change.set("$.user", -1), rewritten, bodies, 2, rounds))
        figures.append(figure(f"add a key, {name}", Change.set("$.flag", True), rewritten, bodies, 2, rounds))
    # Only here the body is decoded, before and after.
    inner = Change.set("$.data.command.user", -1)
    figures.append(figure("set a key in PHP, Laravel", inner, decode, bodies, 5, rounds))
    show(f"Editing {BODIES:,} bodies, median of {rounds}", figures)


def figure(name: str, change: Change, limit: Any, bodies: list[bytes], target: float, rounds: int) -> Figure:
    """Return the time for an edit beside a limit; an edit that is refused is an error."""
    splicer = Splicer([change])
    assert all(splicer.edit(body) != body for body in bodies)
    taken, least = in_turn(rounds, lambda: nanoseconds(splicer.edit, bodies), lambda: nanoseconds(limit, bodies))
    return Figure(name, taken, least, target, at_least=False, unit="ns")


if __name__ == "__main__":
    main()
