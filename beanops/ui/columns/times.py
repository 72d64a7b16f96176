"""The columns of how long jobs wait and run, and of their classes."""

from __future__ import annotations

from typing import NamedTuple

from beanops.monitor.times.durations import Percentiles
from beanops.monitor.times.job_classes import JobClass
from beanops.monitor.times.job_times import shown_length
from beanops.session.watching.timing import Timed
from beanops.ui.columns.column import Column
from beanops.ui.formatting import UNKNOWN


class ClassRow(NamedTuple):
    """One class of the jobs of a tube."""

    tube: str
    of: JobClass


def _length(what: str, share: str) -> Column[Timed]:
    def of(row: Timed) -> Percentiles:
        found: Percentiles = getattr(row.times, what)
        return found

    return Column(
        f"{what}_{share}",
        f"{what} {share}",
        lambda row: getattr(of(row), share),
        "seconds",
        write=lambda row, width: _shown(of(row), share),
    )


def _shown(times: Percentiles, share: str) -> str:
    """Return a percentile; where most jobs are not through yet, how long the longest has taken so far."""
    value = getattr(times, share)
    if value is None and share == "p50" and times.longest is not None and times.longest >= 1:
        return f">{shown_length(times.longest, 0)}"
    return UNKNOWN if value is None else shown_length(value, times.resolution)


#: Named as in `Session.job_times`.
TIME_COLUMNS: tuple[Column[Timed], ...] = (
    Column("tube", "tube", lambda row: row.tube, "text", write=lambda row, width: row.tube or "(all tubes)"),
    *(_length(what, share) for what in ("wait", "run") for share in ("p50", "p95", "p99")),
    Column("jobs", "jobs", lambda row: row.times.jobs),
    Column("returned", "returned", lambda row: row.times.returned),
)

#: Named as in `Session.job_classes`.
CLASS_COLUMNS: tuple[Column[ClassRow], ...] = (
    Column("tube", "tube", lambda row: row.tube, "text"),
    Column(
        "job_class", "class", lambda row: row.of.name, "text", write=lambda row, width: row.of.name or "(not known)"
    ),
    Column("puts_per_s", "puts/s", lambda row: row.of.puts_per_s, "rate"),
    Column("jobs", "jobs", lambda row: row.of.jobs),
)
