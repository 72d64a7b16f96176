"""Measure a tube or the server at intervals, for `Session.rates`."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, takewhile

from beanops.monitor.rates import Point
from beanops.protocol.errors import ArgumentError


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
