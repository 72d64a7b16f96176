"""`groups`: why jobs failed, as bars with a trend each, on a frame of `Session.groups`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from beanops.plots.house import (
    MARGIN,
    SMALL,
    SUBTITLE,
    Sheet,
    Style,
    checked,
    columns_of,
    fitted,
    headline,
    house,
    text_width,
)
from beanops.protocol.limits import U32_MAX, check_number
from beanops.protocol.states import STATES
from beanops.session.keywords import explained
from beanops.text import percentage, plural

if TYPE_CHECKING:
    from typing import SupportsIndex

    from beanops.plots.house import PlotFigure

_MADE_BY = "Session.groups"
#: Inches of a row, of the numbers after a bar, and of the trends at the right.
_ROW, _NUMBERS, _TREND = 0.47, 1.1, 1.35
_WIDTH = 8.0
#: Groups that are drawn at most, where the caller does not say.
MOST = 8


class _Bar(NamedTuple):
    """One bar: its text, its jobs, their share, and its trend."""

    text: str
    jobs: int
    share: float
    trend: tuple[int, ...]
    rest: bool = False


@explained
def groups(
    frame: pd.DataFrame,
    *,
    most: SupportsIndex = MOST,
    name: str | None = None,
    source: str | None = None,
    **style: Unpack[Style],
) -> PlotFigure:
    """Plot groups of jobs as bars, the largest first, each with the times at which its jobs were put.

    Parameters
    ----------
    frame : DataFrame
        Of `Session.groups`.
    most : int
        Maximum number of bars; jobs of other groups make one bar at the end.
    name : str or None
        Name of the tube, for the headline.
    source : str or None
        Where the numbers come from, for the last line.
    title, theme, size
        Headline, ``"light"`` or ``"dark"``, and inches; see `Style`.

    Examples
    --------
    >>> figure = groups(session.groups("mail", state="buried"))
    """
    how = checked(style)
    columns_of(frame, "frame", ("name", "count"), _MADE_BY)
    rows = _rows(frame, max(1, check_number("most", most, U32_MAX)))
    state = _state(frame)
    with house():
        jobs = sum(row.jobs for row in rows)
        trends = any(row.trend for row in rows)
        height = 1.35 + _ROW * max(1, len(rows))
        subtitle = f"{f'{state} jobs' if state else 'jobs'} by {_what(frame)}".capitalize()
        if trends:
            subtitle += "; at the right, when they were put"
        sheet = Sheet(_words(rows, jobs, state, name), subtitle, source, (_WIDTH, height), how)
        right = MARGIN + (_TREND + 0.25 if trends else 0.0)
        axes = sheet.axes(MARGIN, right + _NUMBERS, bottom=0.02, top=0.04 + (0.2 if trends else 0))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylim(len(rows) or 1, 0)
        axes.set_xlim(0, max((row.jobs for row in rows), default=1))
        colour = sheet.theme.tones[state or "puts"]
        for place, row in enumerate(rows):
            _bar(axes, sheet, place, row, colour, jobs)
        if trends:
            _trends(sheet, frame, rows, colour, right)
        return sheet.figure


def _bar(axes: Axes, sheet: Sheet, place: int, row: _Bar, colour: str, jobs: int) -> None:
    theme = sheet.theme
    shade = theme.quiet if row.rest else colour
    room = (axes.get_position().width * sheet.width + _NUMBERS - 0.1) * 72
    axes.annotate(
        fitted(row.text, room, SUBTITLE), (0, place + 0.40), color=theme.quiet if row.rest else theme.ink,
        size=SUBTITLE, va="bottom", annotation_clip=False,
    )  # fmt: skip
    axes.barh(place + 0.62, axes.get_xlim()[1], height=0.22, color=theme.grid, alpha=0.6, linewidth=0)
    axes.barh(place + 0.62, row.jobs, height=0.22, color=shade, alpha=1 if place == 0 else 0.72, linewidth=0)
    number = f"{row.jobs:,}"
    where: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "textcoords": "offset points",
        "annotation_clip": False,
    }
    axes.annotate(
        number, (1, place + 0.62), (8, 0), color=theme.ink, size=SUBTITLE, weight="bold", va="center", **where
    )
    axes.annotate(
        percentage(row.share, 1), (1, place + 0.62), (14 + text_width(number, SUBTITLE, bold=True), 0),
        color=theme.quiet, size=SMALL, va="center", **where,
    )  # fmt: skip


def _trends(sheet: Sheet, frame: pd.DataFrame, rows: list[_Bar], colour: str, right: float) -> None:
    """Draw the trend of each group, all on one axis of time."""
    left = sheet.width - right + 0.25
    axes = sheet.axes(left, MARGIN, bottom=0.02, top=0.24)
    axes.set_yticks([])
    axes.set_ylim(len(rows), 0)
    parts = max(len(row.trend) for row in rows)
    axes.set_xlim(0, parts - 1)
    first, last = frame["oldest"].min(), frame["newest"].max()
    same_day = pd.notna(first) and pd.notna(last) and first.date() == last.date()
    form = "%b %d"
    if same_day:
        form = "%H:%M" if last - first > pd.Timedelta(minutes=10) else "%H:%M:%S"
    elif last - first < pd.Timedelta(days=2):
        form = "%b %d %H:%M"
    axes.set_xticks([0, parts - 1], [f"{first:{form}}", f"{last:{form}} UTC" if same_day else f"{last:{form}}"])
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", labelsize=SMALL - 1, pad=1)
    start, end = axes.get_xticklabels()
    start.set_horizontalalignment("left")
    end.set_horizontalalignment("right")
    for place, row in enumerate(rows):
        foot = place + 0.73
        axes.plot([0, parts - 1], [foot, foot], color=sheet.theme.grid, linewidth=0.8)
        if not row.trend:
            continue
        heights = foot - 0.58 * np.array(row.trend, dtype="float64") / max(1, *row.trend)
        places = np.arange(len(row.trend))
        axes.fill_between(places, foot, heights, color=colour, alpha=0.2, linewidth=0)
        axes.plot(places, heights, color=colour, linewidth=1.3, clip_on=False)


def _rows(frame: pd.DataFrame, most: int) -> list[_Bar]:
    ordered = frame.sort_values("count", ascending=False, kind="stable")
    others = int(frame.attrs.get("others") or 0)
    total = int(ordered["count"].sum()) + others
    rows = []
    for group in ordered.head(most).to_dict("records"):
        jobs = int(group["count"])
        trend = group.get("trend")
        rows.append(_Bar(_text(group), jobs, jobs / total if total else 0, tuple(trend) if trend is not None else ()))
    hidden = len(ordered) - len(rows)
    rest = total - sum(row.jobs for row in rows)
    if rest:
        more = frame.attrs.get("other_groups", 0)
        words = "all other groups" if more is None else plural(hidden + int(more), "other group")
        rows.append(_Bar(words, rest, rest / total, (), rest=True))
    return rows


def _text(group: Mapping[Any, Any]) -> str:
    cause, name, hint = (group.get(field) for field in ("cause", "name", "hint"))
    if not isinstance(cause, str) or not cause:
        return name if isinstance(name, str) else "none"
    return f"{cause} ({hint})" if isinstance(hint, str) and hint else cause


def _what(frame: pd.DataFrame) -> str:
    known = "cause" in frame and frame["cause"].notna().any()
    return "cause" if known or not len(frame) else "value"


def _state(frame: pd.DataFrame) -> str | None:
    """Return the one state that all jobs are in, None where they are in several."""
    states = set(frame["state"].dropna()) if "state" in frame else set()
    return states.pop() if len(states) == 1 and states <= {*STATES} else None


def _words(rows: list[_Bar], jobs: int, state: str | None, name: str | None) -> str:
    """Say how few groups make most of the jobs."""
    noun = f"{state} job" if state else "job"
    if not rows:
        return headline(name, f"no {noun}s")
    if len(rows) == 1:
        return headline(name, f"{'one cause for' if jobs > 1 else 'the cause of'} {plural(jobs, noun)}")
    seen, number = 0.0, 0
    while seen < 0.5 and number < len(rows) and not rows[number].rest:
        seen += rows[number].share
        number += 1
    if seen < 0.5 or number > 4:
        return headline(name, f"{plural(jobs, noun)} of many causes")
    which = {1: "one cause makes", 2: "two causes make", 3: "three causes make", 4: "four causes make"}[number]
    return headline(name, f"{which} {percentage(seen, 1)} of {plural(jobs, noun)}")
