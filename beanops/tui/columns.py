"""The columns of the tables: tubes, the jobs of one tube, and what was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from beanops.monitor.rates import Rates
from beanops.protocol import JobStats, TubeStats
from beanops.session.record import Action
from beanops.tui.layout import Column
from beanops.tui.words import count, rate, span


class TubeRow(NamedTuple):
    """One tube of a snapshot, with its rates."""

    stats: TubeStats
    rates: Rates


class JobRow(NamedTuple):
    """One job on the tube screen.

    Attributes
    ----------
    id : int
        The job.
    place : str
        Why it is there: ``"ready"``, ``"delayed"`` or ``"buried"`` for the next job of that state, ``"held"`` for
        one that this session reserved, ``"seen"`` for one that the cursor is on and that has moved on since.
    stats : JobStats or None
        None when it is gone.
    summary : str
        Its body in one safe line.
    """

    id: int
    place: str
    stats: JobStats | None
    summary: str

    @property
    def state(self) -> str:
        """The job's state now, ``"gone"`` when there is no such job any more."""
        return self.stats.state if self.stats else "gone"


class DoneRow(NamedTuple):
    """One action and its number in the record."""

    number: int
    action: Action


def _number(
    field: str, title: str, short: str, width: int, narrow: int, style: str = "", spare: int = 0
) -> Column[TubeRow]:
    def value(row: TubeRow) -> Any:
        return getattr(row.stats, field)

    return Column(
        field,
        title,
        short,
        width,
        narrow,
        lambda row, width: count(value(row), width),
        value,
        lambda row: style if value(row) else "muted",
        spare=spare,
    )


def _rate(field: str, title: str, short: str) -> Column[TubeRow]:
    def value(row: TubeRow) -> float | None:
        return getattr(row.rates, field)  # type: ignore[no-any-return]

    return Column(
        field,
        title,
        short,
        9,
        6,
        lambda row, width: rate(value(row), width),
        value,
        lambda row: "" if value(row) else "muted",
    )


def _workers(row: TubeRow) -> str:
    if row.stats.current_watching:
        return ""
    return "warn" if row.stats.current_jobs_ready else "muted"


TUBES: list[Column[TubeRow]] = [
    Column(
        "name",
        "tube",
        "tube",
        20,
        20,
        lambda row, width: row.stats.name,
        lambda row: row.stats.name,
        lambda row: "paused" if row.stats.pause_time_left else "strong",
        left=True,
        grows=True,
    ),
    _number("current_jobs_ready", "ready", "ready", 9, 6, "ready"),
    _number("current_jobs_reserved", "reserved", "resvd", 9, 5, "reserved"),
    _number("current_jobs_delayed", "delayed", "delay", 9, 5, "delayed"),
    _number("current_jobs_buried", "buried", "buried", 9, 6, "buried"),
    _number("current_watching", "workers", "work", 8, 5)._replace(style=_workers),
    _number("current_waiting", "waiting", "wait", 8, 5),
    _number("current_using", "using", "use", 6, 4, spare=1),
    Column(
        "pause_time_left",
        "pause",
        "pause",
        7,
        6,
        lambda row, width: span(row.stats.pause_time_left) if row.stats.pause_time_left else "",
        lambda row: row.stats.pause_time_left,
        lambda row: "paused",
    ),
    _rate("puts", "puts/s", "puts/s"),
    _rate("deletes", "deletes/s", "dels/s"),
]


def _job_number(
    title: str, width: int, text: Callable[[JobStats, int], str], value: Callable[[JobStats], Any], spare: int = 0
) -> Column[JobRow]:
    return Column(
        title,
        title,
        title,
        width + 2,
        width,
        lambda row, width: text(row.stats, width) if row.stats else "",
        lambda row: value(row.stats) if row.stats else None,
        spare=spare,
    )


def _state_style(row: JobRow) -> str:
    return row.state if row.state in ("ready", "reserved", "delayed", "buried") else "muted"


_PLACES = {"ready": "next ready", "delayed": "next delayed", "buried": "next buried", "held": "held by you"}


def _place(row: JobRow) -> str:
    return _PLACES.get(row.place) or f"now {row.state}"


JOBS: list[Column[JobRow]] = [
    Column(
        "place",
        "job",
        "job",
        13,
        12,
        lambda row, width: _place(row),
        lambda row: row.place,
        _state_style,
        left=True,
    ),
    Column("id", "id", "id", 12, 10, lambda row, width: str(row.id), lambda row: row.id, lambda row: "strong"),
    _job_number("priority", 10, lambda stats, width: str(stats.priority), lambda stats: stats.priority),
    _job_number("age", 7, lambda stats, width: span(stats.age), lambda stats: stats.age),
    _job_number(
        "left", 6, lambda stats, width: span(stats.time_left) if stats.time_left else "", lambda stats: stats.time_left
    ),
    Column(
        "summary",
        "  body",
        "  body",
        20,
        20,
        lambda row, width: f"  {row.summary}",
        lambda row: row.summary,
        left=True,
        grows=True,
    ),
]


_OUTCOME_STYLES = {"done": "ready", "skipped": "delayed", "failed": "buried", "unknown": "warn"}

DONE: list[Column[DoneRow]] = [
    Column(
        "time",
        "time (UTC)",
        "UTC",
        10,
        8,
        lambda row, width: f"{row.action.time:%H:%M:%S}",
        lambda row: row.number,
        lambda row: "muted",
        left=True,
    ),
    Column(
        "action",
        "action",
        "action",
        9,
        8,
        lambda row, width: row.action.action,
        lambda row: row.action.action,
        lambda row: "strong",
        left=True,
    ),
    Column(
        "outcome",
        "outcome",
        "outcome",
        9,
        7,
        lambda row, width: row.action.outcome,
        lambda row: row.action.outcome,
        lambda row: _OUTCOME_STYLES[row.action.outcome],
        left=True,
    ),
    Column(
        "job",
        "job",
        "job",
        10,
        8,
        lambda row, width: "" if row.action.job_id is None else str(row.action.job_id),
        lambda row: row.action.job_id,
    ),
    Column(
        "state",
        " was",
        " was",
        10,
        9,
        lambda row, width: f" {row.action.state_before or ''}",
        lambda row: row.action.state_before or "",
        left=True,
    ),
    Column(
        "tube",
        "tube",
        "tube",
        24,
        14,
        lambda row, width: row.action.tube or "",
        lambda row: row.action.tube or "",
        left=True,
    ),
    Column(
        "error",
        "why not",
        "why not",
        20,
        20,
        lambda row, width: row.action.error or "",
        lambda row: row.action.error or "",
        lambda row: "muted",
        left=True,
        grows=True,
    ),
]
