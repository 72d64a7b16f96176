"""Measure how long jobs wait and run, and their classes, as DataFrames.

Importing this module imports pandas, which costs half a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from operator import attrgetter

import pandas as pd

from beanops.frames import frame
from beanops.monitor.survey import Seen, Survey
from beanops.monitor.times.job_classes import Classify
from beanops.session.arguments import Seconds, seconds_of
from beanops.session.bars import bar_for
from beanops.session.context import Context
from beanops.session.lookups import Lookups
from beanops.session.watching.timing import Timed, classified, measure, timed

#: Whether to show a bar, None where somebody would see it, and whether somebody would.
Shown = tuple[bool | None, bool]
#: The percentiles by column.
PERCENTILES = {
    f"{what}_{share}": f"times.{what}.{share}" for what in ("wait", "run") for share in ("p50", "p95", "p99")
}


def job_times(lookups: Lookups, pattern: str | None, seconds: Seconds, every: Seconds, shown: Shown) -> pd.DataFrame:
    """Measure how long jobs wait and run; see `Session.job_times`."""
    return times_frame(timed(_measured(lookups, pattern, seconds, every, shown, None), pattern))


def job_classes(
    context: Context, lookups: Lookups, pattern: str | None, seconds: Seconds, every: Seconds, shown: Shown
) -> pd.DataFrame:
    """Measure the classes of jobs; see `Session.job_classes`."""
    survey = _measured(lookups, pattern, seconds, every, shown, context.reader.job_class)
    return classes_frame(classified(survey, pattern))


def _measured(
    lookups: Lookups,
    pattern: str | None,
    seconds: Seconds,
    every: Seconds,
    shown: Shown,
    classify: Classify | None,
) -> Survey:
    """Measure with a bar."""
    length, apart = seconds_of("seconds", seconds), seconds_of("every", every)
    with bar_for(*shown, "s", "measure", length if isfinite(length) else None) as bar:

        def report(passed: float) -> None:
            if bar is not None:
                bar.show(round(passed, 1))

        return measure(lookups, pattern, length, apart, classify=classify, report=report)


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
