"""`ages`: how old jobs are, as curves that fall from all jobs to the oldest one, on a frame of `Session.jobs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, PercentFormatter

from beanops.plots.house import (
    MARGIN,
    SMALL,
    SUBTITLE,
    Sheet,
    Style,
    Theme,
    checked,
    columns_of,
    fitted,
    headline,
    house,
)
from beanops.plots.labels import age, age_axis
from beanops.protocol.states import STATES
from beanops.session.keywords import explained
from beanops.text import inflected, plural

if TYPE_CHECKING:
    from beanops.plots.house import PlotFigure

_MADE_BY = "Session.jobs"
_SIZE = (8.0, 4.2)
_LEFT, _RIGHT, _UNDER = 0.68, 2.15, 0.32
#: Curves at most, and points of each.
_MOST, _POINTS = 6, 400
#: Colours of curves that are not states.
_TONES = ("puts", "buried", "delayed", "paused", "ready", "reserved")


class _Curve(NamedTuple):
    """The ages of one group of jobs, sorted, in seconds."""

    name: str
    ages: np.ndarray
    colour: str

    @property
    def median(self) -> float:
        """The age that half of the jobs have reached; a point of the curve."""
        return float(self.ages[len(self.ages) // 2])


@explained
def ages(
    frame: pd.DataFrame,
    *,
    by: str = "state",
    name: str | None = None,
    source: str | None = None,
    **style: Unpack[Style],
) -> PlotFigure:
    """Plot how many jobs are older than each age, one curve for each state, or for each value of another column.

    Parameters
    ----------
    frame : DataFrame
        Of `Session.jobs`, or another one with a column ``age``.
    by : str
        Column that says which curve a job belongs to; there are curves for the values with most jobs.
    name : str or None
        Name of the tube, for the headline.
    source : str or None
        Where the numbers come from, for the last line.
    title, theme, size
        Headline, ``"light"`` or ``"dark"``, and inches; see `Style`.

    Examples
    --------
    >>> figure = ages(session.jobs("mail", columns=["age", "state"]))
    """
    how = checked(style)
    columns_of(frame, "frame", ("age", by), _MADE_BY)
    with house():
        sheet = Sheet(
            _words(frame, name),
            f"Share of jobs that are older, by {by}. The dot is the median age",
            source,
            _SIZE,
            how,
        )
        curves = _curves(frame, by, sheet.theme)
        axes = sheet.axes(_LEFT, _RIGHT, bottom=_UNDER, top=0.06)
        sheet.grid(axes)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        oldest = max((float(curve.ages[-1]) for curve in curves), default=60.0)
        youngest = min((float(curve.ages[0]) for curve in curves), default=1.0)
        age_axis(axes, max(1.0, min(youngest, oldest / 10) * 0.9), max(oldest, 10.0) * 1.15)
        for curve in curves:
            _draw(axes, sheet.theme, curve)
        _key(sheet, curves)
        return sheet.figure


def _seconds(frame: pd.DataFrame) -> pd.Series[float]:
    values = frame["age"]
    if pd.api.types.is_timedelta64_dtype(values):
        values = values.dt.total_seconds()
    # The server knows ages to the second, and a logarithm has no zero.
    return values.astype("float64").clip(lower=1.0)


def _curves(frame: pd.DataFrame, by: str, theme: Theme) -> list[_Curve]:
    seconds = _seconds(frame)
    keys = frame[by].astype("object").where(frame[by].notna(), "none")
    known = seconds.notna()
    counts = keys[known].value_counts()
    chosen = counts.index[:_MOST]
    states = set(chosen) <= set(STATES)
    curves = []
    for place, key in enumerate(chosen):
        colour = theme.tones[str(key) if states else _TONES[place]]
        curves.append(_Curve(str(key), np.sort(seconds[known & (keys == key)].to_numpy()), colour))
    return sorted(curves, key=lambda curve: -curve.median)


def _draw(axes: Axes, theme: Theme, curve: _Curve) -> None:
    number = len(curve.ages)
    places = np.unique(np.linspace(0, number - 1, min(number, _POINTS)).round().astype(int))
    x = np.r_[axes.get_xlim()[0], curve.ages[places], curve.ages[-1]]
    y = np.r_[1.0, 1 - places / number, 0.0]
    axes.fill_between(x, 0, y, step="post", color=theme.tint(curve.colour), linewidth=0)
    axes.step(x, y, where="post", color=curve.colour, linewidth=1.9)
    axes.plot(
        [curve.median], [0.5], "o", color=curve.colour, markersize=6, markeredgecolor=theme.paper, markeredgewidth=1.5
    )


def _key(sheet: Sheet, curves: Sequence[_Curve]) -> None:
    """Write the numbers of each curve at the right, in its colour."""
    width, height = sheet.figure.get_size_inches()
    left, room = width - _RIGHT + 0.22, (_RIGHT - 0.22 - MARGIN) * 72
    apart = min(0.62, (sheet.top - sheet.bottom) / max(1, len(curves)))
    for place, curve in enumerate(curves):
        y = sheet.top - 0.06 - place * apart
        number = f"{len(curve.ages):,} {inflected(len(curve.ages), 'job')}"
        texts = (
            (0.0, f"{fitted(curve.name, room * 0.62, SUBTITLE, bold=True)}", SUBTITLE, curve.colour, "bold"),
            (0.18, number, SMALL, sheet.theme.ink, "normal"),
            (0.33, f"half older than {age(curve.median)}", SMALL, sheet.theme.quiet, "normal"),
        )
        for down, text, points, colour, weight in texts:
            if down < apart - 0.05:
                sheet.figure.text(
                    left / width, (y - down) / height, text, size=points, color=colour, weight=weight, va="top"
                )


def _words(frame: pd.DataFrame, name: str | None) -> str:
    """Say how old half of the jobs are, and the oldest."""
    seconds = _seconds(frame).dropna()
    if not len(seconds):
        return headline(name, "no jobs")
    if len(seconds) == 1:
        return headline(name, f"1 job, {age(seconds.iloc[0])} old")
    oldest = age(seconds.max())
    return headline(
        name, f"half of {plural(len(seconds), 'job')} are older than {age(seconds.median())}, the oldest {oldest}"
    )
