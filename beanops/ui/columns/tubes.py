"""The columns of tubes. What is known of a tube is in `beanops.monitor.survey`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from beanops.monitor.history import resampled
from beanops.monitor.rates import RATE_WINDOW, REACH, course
from beanops.monitor.survey import Seen
from beanops.monitor.times.durations import Percentiles
from beanops.monitor.times.job_times import shown_length
from beanops.text import span
from beanops.ui.columns.column import Column, named
from beanops.ui.columns.why import IDLE_TUBES, badness, tone, why
from beanops.ui.formatting import BLOCKS, trend

#: Seconds that the trend goes back, seconds after which it is worked out again, and trends that are remembered.
TREND, AGAIN, MOST_TRENDS = 300.0, 5.0, 500
#: The column that is worth its place only while some tubes are older than the survey.
SEEN = "seen"
#: The window of rates as headers name it.
WINDOW = f"{RATE_WINDOW:.0f}s"

#: The columns that each face shows, in its order. The command line looks once, and knows no rates and no history.
FACES = {
    "cli": "tube ready reserved delayed buried watching waiting pause_left jobs",
    "tui": "tube problem ready buried age trend puts_per_s deletes_per_s reserved delayed watching pause_left drain"
    " waiting using wait_p95 run_p95 seen",
    "notebook": "tube problem ready buried trend puts_per_s deletes_per_s reserved delayed watching pause_left",
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
    ['tube', 'problem', 'ready']
    """
    return named([*_COUNTS, *_clocked(clock)], FACES[face])


def _stat(field: str) -> Callable[[Seen], Any]:
    return lambda row: getattr(row.stats, field)


def _state(state: str, short: str, narrow: int, optional: int = 0) -> Column[Seen]:
    field = f"current_jobs_{state}"
    return Column(state, state, _stat(field), narrow=narrow, short=short, tone=state, optional=optional)


def _oldest(row: Seen) -> int | None:
    """Return the age of the next ready job or of the first buried one, whichever is older."""
    return max((age for age in (row.age, row.buried_age) if age is not None), default=None)


def _watching(row: Seen) -> str:
    if row.stats.current_watching:
        return ""
    return "warn" if row.stats.current_jobs_ready else "muted"


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


def _name(row: Seen, width: int) -> str:
    if row.name != IDLE_TUBES:
        return f"{row.name} ({len(row.members):,})" if row.members else row.name
    text = f"+ {len(row.members):,} {IDLE_TUBES}"
    return text if len(text) <= width else text.removesuffix(" without workers")


_COUNTS: list[Column[Seen]] = [
    Column(
        "tube", "tube", lambda row: row.stats.name, "text", 20, em=12, grows=True,
        write=_name,
        colour=lambda row: "paused" if row.stats.pause_time_left else "strong",
    ),
    _state("ready", "ready", 6),
    _state("reserved", "resvd", 5, 5),
    _state("delayed", "delay", 5, 6),
    _state("buried", "buried", 6),
    Column("puts_per_s", f"puts/s {WINDOW}", lambda row: row.rates.puts, "rate", 10, 6, "puts/s", em=8, optional=3),
    Column(
        "deletes_per_s", f"dels/s {WINDOW}", lambda row: row.rates.deletes, "rate", 10, 6, "dels/s", em=8, optional=4
    ),
    Column("age", "oldest", _oldest, "seconds", 8, 6, optional=1),
    _length("wait", 11),
    _length("run", 12),
    Column(
        "watching", "watching", _stat("current_watching"), width=8, narrow=5, short="watch", colour=_watching,
        optional=7,
    ),
    Column("waiting", "waiting", _stat("current_waiting"), width=7, narrow=5, short="wait", optional=10),
    Column("using", "using", _stat("current_using"), width=5, narrow=4, short="use", optional=13),
    Column(
        "pause_left", "paused", _stat("pause_time_left"), "seconds", 7, 6, tone="paused", blank=True, optional=8
    ),
    Column("drain", "drains in", lambda row: row.drain, "seconds", 9, 6, "drain", optional=9),
    Column("jobs", "jobs so far", _stat("total_jobs"), width=11, narrow=7, short="jobs"),
]  # fmt: skip


def trend_field(row: Seen) -> Literal["buried", "ready"]:
    """Return the state whose jobs the trend shows: buried where that is what is wrong, else ready."""
    return "buried" if row.problems and row.problems[0].name in ("buried", "burying") else "ready"


def _growth(row: Seen) -> int:
    """Return how many more jobs there are than a minute ago, of the state whose trend is shown."""
    field = trend_field(row)
    return getattr(row.trail[-1], field) - getattr(row.trail[0], field) if row.trail else 0


class _Trends:
    """The trends of the rows in view, which are not worked out again for every key."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, str]] = {}
        self._flat: set[str] = set()

    def text(self, row: Seen, width: int) -> str:
        """Return the trend of a tube over the last minutes, or since the first look."""
        key = (row.name, width)
        at, known = self._known.get(key, (0.0, ""))
        # Each of its blocks is many seconds of the past: a tube has a new trend with each look only at first.
        if known and (at == row.at or 0 <= row.at - at < AGAIN <= row.at - (row.history.begun or row.at)):
            return known
        if len(self._known) > MOST_TRENDS:
            self._known.clear()
            self._flat.clear()
        text = trend(trend_values(row, width))
        (self._flat.discard if set(text) - {" ", BLOCKS[0]} else self._flat.add)(row.name)
        self._known[key] = (row.at, text)
        return text

    def tone(self, row: Seen) -> str:
        """Return the tone of the trend that `text` has returned: of a tube without such jobs it is muted."""
        return "muted" if row.name in self._flat else trend_field(row)


def trend_values(row: Seen, cells: int, reach: float = TREND) -> list[float | None]:
    """Return the counts that the trend shows: means of the past, oldest first, and the present one; None is unknown."""
    field, history = trend_field(row), row.history
    if history.begun is None:  # tubes that are summed up have no past of their own
        return [*course(row.trail, field, row.at, REACH / cells, cells)]
    reach = max(float(cells), min(reach, row.at - history.begun))
    step = reach / cells
    past = resampled(history.cells(row.at - reach, row.at, step), row.at - reach, step, cells)
    values: list[float | None] = [cell and getattr(cell, field).mean for cell in past]
    return [*values[:-1], getattr(row.stats, f"current_jobs_{field}")]


def _clocked(now: Callable[[], float]) -> list[Column[Seen]]:
    trends = _Trends()
    return [
        Column(
            "problem", "why", badness, "text", 24, 22, write=lambda row, width: why(row, now()),
            colour=tone,
        ),
        Column(
            "trend", "5 min", _growth, "text", 12, 8,
            write=trends.text, colour=trends.tone, optional=2,
        ),
        Column(
            SEEN, "seen", lambda row: -row.at, "seconds", 6, 5, colour=lambda row: "muted",
            write=lambda row, width: span(max(0.0, now() - row.at)),
        ),
    ]  # fmt: skip
