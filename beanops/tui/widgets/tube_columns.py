"""The columns of the tubes. What is known of a tube is in `beanops.monitor.survey`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beanops.monitor.history import course
from beanops.monitor.survey import Seen
from beanops.tui.widgets.columns import Column
from beanops.tui.widgets.sparkline import spark
from beanops.ui.formatting import count, rate, span

#: Seconds that the trend shows.
TREND = 60.0
#: The column that is there only while not every tube is seen with each look.
SEEN = "seen"


def _number(key: str, field: str, short: str, width: int, narrow: int, style: str = "", spare: int = 0) -> Column[Seen]:
    def value(row: Seen) -> Any:
        return getattr(row.stats, field)

    return Column(
        key,
        key,
        short,
        width,
        narrow,
        lambda row, width: count(value(row), width),
        value,
        lambda row: style if value(row) else "muted",
        spare=spare,
    )


def _rate(key: str, field: str, title: str, short: str) -> Column[Seen]:
    def value(row: Seen) -> float | None:
        return getattr(row.rates, field)  # type: ignore[no-any-return]

    return Column(
        key,
        title,
        short,
        9,
        6,
        lambda row, width: rate(value(row), width),
        value,
        lambda row: "" if value(row) else "muted",
    )


def _name(row: Seen) -> str:
    return f"{row.name} ({len(row.members):,})" if row.members else row.name


def _flag(row: Seen, width: int) -> str:
    if width > 3:
        return row.flags[0].name if row.flags else ""
    return "!" if row.flags else "‖" if row.stats.pause_time_left else ""


def _workers(row: Seen) -> str:
    if row.stats.current_watching:
        return ""
    return "warn" if row.stats.current_jobs_ready else "muted"


def _optional(
    key: str, title: str, short: str, width: int, narrow: int, spare: int, value: Callable[[Seen], float | None]
) -> Column[Seen]:
    return Column(
        key,
        title,
        short,
        width,
        narrow,
        lambda row, width: "" if (seconds := value(row)) is None else span(seconds),
        value,
        spare=spare,
    )


def tube_columns(now: Callable[[], float]) -> list[Column[Seen]]:
    """Return the columns; `now` tells the seconds by which tubes were seen.

    Examples
    --------
    >>> [column.key for column in tube_columns(time.monotonic)][:4]        # doctest: +SKIP
    ['tube', 'flag', 'ready', 'reserved']
    """
    return [
        Column(
            "tube",
            "tube",
            "tube",
            20,
            20,
            lambda row, width: _name(row),
            lambda row: row.stats.name,
            lambda row: "paused" if row.stats.pause_time_left else "strong",
            left=True,
            grows=True,
        ),
        Column(
            "flag",
            "flag",
            "!",
            10,
            1,
            _flag,
            # The more is wrong, the further on top.
            lambda row: len(row.flags),
            lambda row: "warn" if row.flags and row.flags[0].name != "paused" else "paused",
            left=True,
        ),
        _number("ready", "current_jobs_ready", "ready", 9, 6, "ready"),
        _number("reserved", "current_jobs_reserved", "resvd", 9, 5, "reserved"),
        _number("delayed", "current_jobs_delayed", "delay", 9, 5, "delayed"),
        _number("buried", "current_jobs_buried", "buried", 9, 6, "buried"),
        _rate("puts", "puts", "puts/s", "puts/s"),
        _rate("deletes", "deletes", "deletes/s", "dels/s"),
        Column(
            "trend",
            "ready 1 min",
            "trend",
            12,
            8,
            lambda row, width: spark(course(row.trail, "ready", now(), TREND / width, width)),
            lambda row: row.stats.current_jobs_ready,
            lambda row: "ready" if row.stats.current_jobs_ready else "muted",
            spare=3,
        ),
        _optional("age", "head age", "age", 8, 6, 4, lambda row: row.age),
        _number("workers", "current_watching", "work", 8, 5)._replace(style=_workers),
        _number("waiting", "current_waiting", "wait", 8, 5, spare=7),
        _number("using", "current_using", "use", 6, 4, spare=8),
        Column(
            "pause",
            "pause",
            "pause",
            7,
            6,
            lambda row, width: span(row.stats.pause_time_left) if row.stats.pause_time_left else "",
            lambda row: row.stats.pause_time_left,
            lambda row: "paused",
            spare=5,
        ),
        _optional("drain", "drains in", "drain", 9, 6, 6, lambda row: row.drain),
        Column(
            SEEN,
            "seen",
            "seen",
            6,
            5,
            lambda row, width: span(max(0.0, now() - row.at)),
            lambda row: -row.at,
            lambda row: "muted",
        ),
    ]
