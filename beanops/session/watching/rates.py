"""Measure a tube or the server at intervals, for `Session.rates`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, takewhile
from math import isfinite

from beanops.jobs.rows import Tube
from beanops.monitor.rates import Point, point
from beanops.protocol.errors import ArgumentError
from beanops.session.bars import bar_for
from beanops.session.lookups import Lookups


def measured(
    lookups: Lookups, tube: Tube | None, seconds: float, every: float, shown: tuple[bool | None, bool]
) -> list[Point]:
    """Measure a tube, or the server for None, with a bar; `shown` says whether it is wanted, and whether seen."""
    with bar_for(*shown, "s", "rates", seconds if isfinite(seconds) else None) as bar:
        started = time.monotonic()

        def look(at: float) -> Point:
            if bar is not None:
                bar.show(round(at - started, 1))
            return point(at, lookups.server() if tube is None else lookups.tube(tube))

        return record(look, seconds, every)


def record(
    look: Callable[[float], Point],
    seconds: float,
    every: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Point]:
    """Look now and after every interval for some seconds; Ctrl-C ends it and returns the points so far."""
    for name, value in (("seconds", seconds), ("every", every)):
        if not value > 0:
            raise ArgumentError(name, value, "a number of seconds above 0")
    points = [look(clock())]
    started = points[0].at
    try:
        for number in takewhile(lambda number: number * every <= seconds + 1e-9, count(1)):
            sleep(max(0.0, started + number * every - clock()))
            points.append(look(clock()))
    except KeyboardInterrupt:
        pass
    return points
