"""Tubes and rates as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from beanops.frames import frame
from beanops.monitor.rates import Point
from beanops.protocol import TubeStats
from beanops.protocol.states import STATES

_COUNTS = {
    **{state: f"current_jobs_{state}" for state in STATES},
    "urgent": "current_jobs_urgent",
    "watching": "current_watching",
    "waiting": "current_waiting",
    "using": "current_using",
    "jobs": "total_jobs",
    "deletes": "cmd_delete",
}
_NAN = float("nan")


def tubes_frame(tubes: Sequence[TubeStats]) -> pd.DataFrame:
    """Return the statistics of tubes as a frame; see `Session.tubes` for its columns."""
    counts = {name: ("int64", field) for name, field in _COUNTS.items()}
    pauses = {"pause": ("seconds", "pause"), "pause_left": ("seconds", "pause_time_left")}
    return frame(tubes, {"tube": ("str", "name"), **counts, **pauses})


def rates_frame(points: Sequence[Point], now: float) -> pd.DataFrame:
    """Return points in time as a frame; see `Session.rates` for its columns.

    Parameters
    ----------
    points : sequence of Point
        Their times are seconds of a monotonic clock.
    now : float
        What that clock shows now.
    """
    started = pd.Timestamp.now("UTC") - pd.Timedelta(seconds=now)
    times = pd.DatetimeIndex([started + pd.Timedelta(seconds=one.at) for one in points], name="time").as_unit("us")
    found = pd.DataFrame(points, columns=list(Point._fields), index=times)
    flow = {"puts_per_s": [_NAN], "deletes_per_s": [_NAN]}
    for before, after in pairwise(points):
        # Counters that went back are those of another tube of that name, or of a server that was restarted.
        known = after.at > before.at and after.puts >= before.puts and after.deletes >= before.deletes
        seconds = after.at - before.at if known else _NAN
        flow["puts_per_s"].append((after.puts - before.puts) / seconds)
        flow["deletes_per_s"].append((after.deletes - before.deletes) / seconds)
    return found[list(STATES)].astype("int64").assign(**flow)
