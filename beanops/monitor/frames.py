"""Tubes and rates as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pandas as pd

from beanops.frames import Source, frame
from beanops.monitor.history import Cell
from beanops.monitor.rates import UNCOUNTED, Point
from beanops.monitor.survey import Seen
from beanops.monitor.sweep import TUBE_COUNTS
from beanops.protocol import TubeStats
from beanops.protocol.states import STATES
from beanops.shown_frame import ShownFrame

_NAN = float("nan")
_TREND = [
    *(name for state in STATES for name in (state, f"{state}_min", f"{state}_max")),
    "puts_per_s",
    "deletes_per_s",
]


def watched_frame(tubes: Sequence[Seen], now: float) -> pd.DataFrame:
    """Return tubes with their rates as a frame; see `Session.watch` for its columns."""
    found = tubes_frame([seen.stats for seen in tubes])
    rates = frame(
        tubes,
        {
            "puts_per_s": ("float64", lambda seen: _NAN if seen.rates.puts is None else seen.rates.puts),
            "deletes_per_s": ("float64", lambda seen: _NAN if seen.rates.deletes is None else seen.rates.deletes),
            "growth": ("float64", lambda seen: _NAN if seen.rates.growth is None else seen.rates.growth),
            "drain": ("seconds", lambda seen: None if seen.drain is None else round(seen.drain)),
            "seen": ("seconds", lambda seen: round(now - seen.at)),
        },
    )
    found = pd.concat([found, rates], axis="columns")
    found.attrs["time"] = datetime.now(UTC)
    return found


def trend_frame(
    spans: Sequence[Cell | None], first: float, step: float, now: float, present: datetime | None = None
) -> pd.DataFrame:
    """Return the past as a frame; see `Session.trend` for its columns.

    Parameters
    ----------
    spans : sequence of Cell or None
        What is known of spans of equal length.
    first, step : float
        When the first one begins, in seconds of a monotonic clock, and the seconds of each.
    now : float
        What that clock shows now.
    present : datetime or None
        The time then, UTC; None is the present.
    """
    found = ShownFrame([_trend_row(cell) for cell in spans], columns=_TREND, dtype="float64")
    ends = pd.to_timedelta([(first + (place + 1) * step - now) * 1e6 for place in range(len(spans))], unit="us")
    found.index = pd.DatetimeIndex(
        pd.Timestamp(present or datetime.now(UTC)).as_unit("us") + ends.as_unit("us"), name="time"
    )
    return found


def _trend_row(cell: Cell | None) -> list[float | None]:
    if cell is None:
        return [None] * len(_TREND)
    spreads = [getattr(cell, state) for state in STATES]
    return [*(n for one in spreads for n in (one.mean, one.low, one.high)), *cell.rates]


def tubes_frame(tubes: Sequence[TubeStats]) -> pd.DataFrame:
    """Return the statistics of tubes as a frame; see `Session.tubes` for its columns."""
    counts: dict[str, Source] = {name: ("int64", field) for name, field in TUBE_COUNTS.items()}
    if any(tube.cmd_delete is None for tube in tubes):
        counts["deletes"] = ("Int64", "cmd_delete")
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
    found = ShownFrame(points, columns=list(Point._fields), index=times)
    flow = {"puts_per_s": [_NAN], "deletes_per_s": [_NAN]}
    for before, after in pairwise(points):
        # Counters that went back are those of another tube of that name, or of a server that was restarted.
        known = after.at > before.at and after.puts >= before.puts and after.deletes >= before.deletes
        seconds = after.at - before.at if known else _NAN
        flow["puts_per_s"].append((after.puts - before.puts) / seconds)
        counted = after.deletes != UNCOUNTED
        flow["deletes_per_s"].append((after.deletes - before.deletes) / seconds if counted else _NAN)
    return found[list(STATES)].astype("int64").assign(**flow)
