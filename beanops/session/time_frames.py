"""How long jobs wait and run as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

import pandas as pd

from beanops.frames import frame
from beanops.monitor.survey import Seen
from beanops.session.timing import Timed

#: The percentiles by column.
PERCENTILES = {
    f"{what}_{share}": f"times.{what}.{share}" for what in ("wait", "run") for share in ("p50", "p95", "p99")
}


def times_frame(found: Sequence[Timed]) -> pd.DataFrame:
    """Return estimates as a frame; see `Session.job_times` for its columns."""
    counts = frame(found, {"tube": ("str", "tube"), "jobs": ("int64", "times.jobs")})
    for name, place in PERCENTILES.items():
        counts[name] = _spans(map(attrgetter(place), found))
    counts["resolution"] = _spans(max(one.times.wait.resolution, one.times.run.resolution) for one in found)
    counts["returned"] = pd.array([one.times.returned for one in found], dtype="int64")
    return counts


def classes_frame(tubes: Sequence[Seen]) -> pd.DataFrame:
    """Return the classes of jobs as a frame; see `Session.job_classes` for its columns."""
    nan = float("nan")
    return frame(
        [(seen.name, one) for seen in tubes for one in seen.classes],
        {
            "tube": ("str", lambda row: row[0]),
            "job_class": ("str", lambda row: row[1].name),
            "puts_per_s": ("float64", lambda row: nan if row[1].puts_per_s is None else row[1].puts_per_s),
            "jobs": ("int64", lambda row: row[1].jobs),
        },
    )


def _spans(values: Iterable[float | None]) -> pd.Series[pd.Timedelta]:
    """Return seconds, which may be fractions, as spans of time."""
    micros = [None if one is None else round(one * 1e6) for one in values]
    return pd.Series(pd.to_timedelta(pd.array(micros, dtype="Int64"), unit="us").as_unit("us"))
