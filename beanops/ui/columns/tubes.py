"""The columns of tubes. What is known of a tube is in `beanops.monitor.survey`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from beanops.monitor.rates import RATE_WINDOW, course
from beanops.monitor.survey import Seen
from beanops.monitor.times.durations import Percentiles
from beanops.monitor.times.job_times import shown_length
from beanops.text import span
from beanops.ui.columns.column import Column, named
from beanops.ui.formatting import spark

#: Seconds that the trend goes back.
TREND = 60.0
#: The column that is worth its place only while some tubes are older than the survey.
SEEN = "seen"
#: The window of rates as headers name it.
WINDOW = f"{RATE_WINDOW:.0f}s"

#: The columns that each face shows, in its order. The command line looks once, and knows no rates and no history.
FACES = {
    "cli": "tube ready reserved delayed buried watching waiting pause_left jobs",
    "tui": "tube problem ready reserved delayed buried puts_per_s deletes_per_s trend age wait_p95 run_p95"
    " watching waiting using pause_left drain seen",
    "notebook": "tube ready reserved delayed buried puts_per_s deletes_per_s watching waiting pause_left",
}


def tube_columns(
    face: Literal["cli", "tui", "notebook"], clock: Callable[[], float] = time.monotonic
) -> tuple[Column[Seen], ...]:
    """Return the columns of tubes that a face shows.

    Parameters
    ----------
    face : str
        ``"cli"``, ``"tui"`` or ``"notebook"``.
    clock : callable
        The clock of the survey, for the trend and for how old a row is.

    Examples
    --------
    >>> [column.name for column in tube_columns("notebook")][:3]
    ['tube', 'ready', 'reserved']
    """
    return named([*_COUNTS, *_clocked(clock)], FACES[face])


def _stat(field: str) -> Callable[[Seen], Any]:
    return lambda row: getattr(row.stats, field)


def _state(state: str, short: str, narrow: int) -> Column[Seen]:
    return Column(state, state, _stat(f"current_jobs_{state}"), narrow=narrow, short=short, tone=state)


def _watching(row: Seen) -> str:
    if row.stats.current_watching:
        return ""
    return "warn" if row.stats.current_jobs_ready else "muted"


def _problem(row: Seen, width: int) -> str:
    if width > 3:
        return row.problems[0].title if row.problems else ""
    return "!" if row.problems else "‖" if row.stats.pause_time_left else ""


def _badness(row: Seen) -> tuple[int, int]:
    """Return a number of critical problems and one of all; sorted by it, the tube with the most comes first."""
    return -sum(one.severity == "critical" for one in row.problems), -len(row.problems)


def _length(what: Literal["wait", "run"], optional: int) -> Column[Seen]:
    """Return the column of how long 95 % of the jobs wait or run, as far as that is known."""

    def written(row: Seen, width: int) -> str:
        times: Percentiles = getattr(row.times, what)
        return "" if times.p95 is None else shown_length(times.p95, times.resolution)

    return Column(
        f"{what}_p95",
        f"{what} p95",
        lambda row: getattr(row.times, what).p95,
        "seconds",
        8,
        write=written,
        optional=optional,
    )


_COUNTS: list[Column[Seen]] = [
    Column(
        "tube", "tube", lambda row: row.stats.name, "text", 20, em=12, grows=True,
        write=lambda row, width: f"{row.name} ({len(row.members):,})" if row.members else row.name,
        colour=lambda row: "paused" if row.stats.pause_time_left else "strong",
    ),
    Column(
        "problem", "problem", _badness, "text", 14, 1, "!", write=_problem,
        colour=lambda row: "warn" if row.problems and row.problems[0].name != "paused" else "paused",
    ),
    _state("ready", "ready", 6),
    _state("reserved", "resvd", 5),
    _state("delayed", "delay", 5),
    _state("buried", "buried", 6),
    Column("puts_per_s", f"puts/s {WINDOW}", lambda row: row.rates.puts, "rate", 10, 6, "puts/s", em=8),
    Column("deletes_per_s", f"dels/s {WINDOW}", lambda row: row.rates.deletes, "rate", 10, 6, "dels/s", em=8),
    Column("age", "head age", lambda row: row.age, "seconds", 8, 6, "age", optional=4),
    _length("wait", 9),
    _length("run", 10),
    Column("watching", "watching", _stat("current_watching"), width=8, narrow=5, short="watch", colour=_watching),
    Column("waiting", "waiting", _stat("current_waiting"), width=7, narrow=5, short="wait", optional=7),
    Column("using", "using", _stat("current_using"), width=5, narrow=4, short="use", optional=8),
    Column(
        "pause_left", "paused", _stat("pause_time_left"), "seconds", 7, 6, tone="paused", blank=True, optional=5
    ),
    Column("drain", "drains in", lambda row: row.drain, "seconds", 9, 6, "drain", optional=6),
    Column("jobs", "jobs so far", _stat("total_jobs"), width=11, narrow=7, short="jobs"),
]  # fmt: skip


def _clocked(now: Callable[[], float]) -> list[Column[Seen]]:
    return [
        Column(
            "trend", "ready 1 min", _stat("current_jobs_ready"), width=12, narrow=8, short="trend", tone="ready",
            optional=3,
            write=lambda row, width: spark(course(row.trail, "ready", now(), TREND / width, width)),
        ),
        Column(
            SEEN, "seen", lambda row: -row.at, "seconds", 6, 5, colour=lambda row: "muted",
            write=lambda row, width: span(max(0.0, now() - row.at)),
        ),
    ]  # fmt: skip
