"""Rates over some seconds, recorded to be looked at and plotted. What is live is each face's."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count, pairwise, takewhile
from typing import TYPE_CHECKING

from beanops.monitor.history import Point
from beanops.protocol.errors import ArgumentError
from beanops.protocol.states import STATES

if TYPE_CHECKING:
    import pandas


def record(
    look: Callable[[float], Point],
    seconds: float,
    every: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Point]:
    """Look at once, and again each `every` seconds for so long; a Ctrl-C ends it with what there is."""
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


def rates_frame(points: list[Point], now: float) -> pandas.DataFrame:
    """Return points of a monotonic clock, which shows `now`, as a frame; see `Session.rates`."""
    import pandas as pd

    started = pd.Timestamp.now("UTC") - pd.Timedelta(seconds=now)
    times = pd.DatetimeIndex([started + pd.Timedelta(seconds=one.at) for one in points], name="time").as_unit("us")
    frame = pd.DataFrame(points, columns=list(Point._fields), index=times)
    flow = {"in": [float("nan")], "out": [float("nan")]}
    for before, after in pairwise(points):
        # Counters that went back are those of another tube of that name, or of a server that was started anew.
        known = after.at > before.at and after.puts >= before.puts and after.deletes >= before.deletes
        seconds = after.at - before.at if known else float("nan")
        flow["in"].append((after.puts - before.puts) / seconds)
        flow["out"].append((after.deletes - before.deletes) / seconds)
    return frame[list(STATES)].astype("uint64").assign(**flow)
