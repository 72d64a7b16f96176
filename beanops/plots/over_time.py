"""`backlog` and `rates`: the past of a tube or a server, on frames of `Session.trend` and `Session.rates`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from beanops.plots.house import SMALL, Sheet, Style, checked, columns_of, fitted, headline, house, text_width
from beanops.plots.labels import EndLabel, end_labels, number_axis, plain, time_axis
from beanops.protocol.errors import ArgumentError
from beanops.protocol.states import STATES
from beanops.session.keywords import explained
from beanops.text import plural, span
from beanops.ui.formatting import rate

if TYPE_CHECKING:
    from beanops.plots.house import PlotFigure

_MADE_BY = "Session.trend or Session.rates"
_FLOWS = ("puts_per_s", "deletes_per_s")
_SIZE = (8.0, 4.2)
#: Inches for numbers at the left and labels at the right.
_LEFT, _RIGHT, _UNDER = 0.68, 1.05, 0.3
#: A span that is so many times as long as the usual one is a gap.
_GAP = 2.5
#: Rows from which rates are smoothed, and how many of them each point of the line covers.
_MANY, _PARTS = 10, 24
#: Actions that are named at most, and inches between two of their names.
_MOST_MARKS, _MARK_APART = 6, 0.12
#: Actions that change nothing that a plot shows.
_UNMARKED = ("put", "touch", "reserve", "probe", "verify", "prune", "export")


@explained
def backlog(
    frame: pd.DataFrame,
    *,
    name: str | None = None,
    actions: pd.DataFrame | None = None,
    source: str | None = None,
    **style: Unpack[Style],
) -> PlotFigure:
    """Plot jobs by state over time.

    Parameters
    ----------
    frame : DataFrame
        Of `Session.trend` or `Session.rates`. Where nobody looked, the plot has a gap.
    name : str or None
        Name of the tube, for the headline.
    actions : DataFrame or None
        Runs to mark on the time axis, a frame of `Session.runs` or `JournalReader.runs`.
    source : str or None
        Where the numbers come from, for the last line.
    title, theme, size
        Headline, ``"light"`` or ``"dark"``, and inches; see `Style`.

    Examples
    --------
    >>> figure = backlog(session.trend("mail"), name="mail")
    """
    how = checked(style)
    past = _past(frame, STATES)
    shown = [state for state in STATES if past[state].max() > 0] or ["ready"]
    bands = any(f"{state}_max" in past and (past[f"{state}_max"] > past[f"{state}_min"]).any() for state in shown)
    with house():
        step = _step(past)
        words = "Jobs by state"
        if bands:
            words += f"; the band is the range within {_round(step)}"
        sheet = Sheet(_backlog_words(past, shown, name), words + _about_gaps(past, "ready"), source, _SIZE, how)
        axes = _axes(sheet, past, bool(actions is not None and len(actions)))
        tops = [past[f"{state}_max"] if f"{state}_max" in past else past[state] for state in shown]
        number_axis(axes, max(top.max() for top in tops))
        times = _numbers(past.index)
        for state in sorted(shown, key=lambda state: -past[state].mean()):
            colour = sheet.theme.tones[state]
            values = past[state].to_numpy()
            axes.fill_between(times, 0, values, color=sheet.theme.tint(colour), linewidth=0)
            if f"{state}_max" in past:
                low, high = (past[f"{state}_{end}"].to_numpy() for end in ("min", "max"))
                axes.fill_between(times, low, high, color=sheet.theme.tint(colour, 0.4), linewidth=0)
            axes.plot(times, values, color=colour, linewidth=1.9, solid_capstyle="round")
            _lone_points(axes, times, values, colour)
        _label_ends(axes, sheet, past, [(state, state, sheet.theme.tones[state]) for state in shown])
        _mark(axes, sheet, past, actions)
        return sheet.figure


@explained
def rates(
    frame: pd.DataFrame,
    *,
    name: str | None = None,
    actions: pd.DataFrame | None = None,
    source: str | None = None,
    **style: Unpack[Style],
) -> PlotFigure:
    """Plot jobs put and deleted per second over time; the area between them is where the backlog grows or shrinks.

    Parameters
    ----------
    frame : DataFrame
        Of `Session.trend` or `Session.rates`. Where nobody looked, the plot has a gap.
    name : str or None
        Name of the tube, for the headline.
    actions : DataFrame or None
        Runs to mark on the time axis, a frame of `Session.runs` or `JournalReader.runs`.
    source : str or None
        Where the numbers come from, for the last line.
    title, theme, size
        Headline, ``"light"`` or ``"dark"``, and inches; see `Style`.

    Examples
    --------
    >>> figure = rates(session.trend("mail"), name="mail")
    """
    how = checked(style)
    past = _past(frame, _FLOWS)
    smooth = _smooth(past[list(_FLOWS)])
    with house():
        words = "Jobs put and deleted per second"
        sheet = Sheet(_rates_words(smooth, name), words + _about_gaps(past, "puts_per_s"), source, _SIZE, how)
        axes = _axes(sheet, past, bool(actions is not None and len(actions)))
        highest = (1.08 * smooth.max().max(), past[list(_FLOWS)].quantile(0.99).max())
        number_axis(axes, max(highest), whole=max(highest) >= 4)
        times = _numbers(past.index)
        puts, deletes = (smooth[flow].to_numpy() for flow in _FLOWS)
        tones = sheet.theme.tones
        for above, below, colour in ((puts, deletes, tones["buried"]), (deletes, puts, tones["deletes"])):
            axes.fill_between(
                times, below, above, where=above >= below, interpolate=True,
                color=sheet.theme.tint(colour), linewidth=0,
            )  # fmt: skip
        for flow, tone in zip(_FLOWS, ("puts", "deletes"), strict=True):
            if len(past) >= _MANY:
                axes.plot(times, past[flow].to_numpy(), color=tones[tone], linewidth=0.6, alpha=0.35)
            axes.plot(times, smooth[flow].to_numpy(), color=tones[tone], linewidth=1.9, solid_capstyle="round")
            _lone_points(axes, times, smooth[flow].to_numpy(), tones[tone])
        ends = [(flow, tone, tones[tone]) for flow, tone in zip(_FLOWS, ("puts", "deletes"), strict=True)]
        _label_ends(axes, sheet, smooth, ends, per_second=True)
        _mark(axes, sheet, past, actions)
        return sheet.figure


def _past(frame: Any, needed: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of a frame that lie in time, with one that is unknown in each gap."""
    columns_of(frame, "frame", needed, _MADE_BY)
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise ArgumentError("frame", type(frame.index).__name__, f"a frame of {_MADE_BY}, indexed by time")
    extremes = [f"{name}_{end}" for name in needed for end in ("min", "max")]
    past = pd.DataFrame(frame[[name for name in (*needed, *extremes) if name in frame.columns]], dtype="float64")
    past.index = pd.to_datetime(frame.index, utc=True)
    past = past[past.index.notna()].sort_index()
    # What one column does not know is unknown in all: lines that end apart would tell of a change.
    past = past.where(past[list(needed)].notna().all(axis="columns"))
    apart = past.index.to_series().diff().dt.total_seconds()
    usual = apart.median()
    if len(past) > 2 and usual > 0:
        holes = past.index[apart > _GAP * usual]
        ends = pd.DataFrame(np.nan, index=holes - pd.Timedelta(seconds=usual / 2), columns=past.columns)
        past = pd.concat([past, ends]).sort_index()
    return past


def _about_gaps(past: pd.DataFrame, column: str) -> str:
    known = past[column].notna().to_numpy()
    inner = known[known.argmax() : len(known) - known[::-1].argmax()] if known.any() else known
    return ". Times are UTC" if inner.all() else ". Nobody looked in the gaps. Times are UTC"


def _round(seconds: float) -> str:
    return re.sub(r"(?<=[dhm])0+[hms]", "", span(seconds))


def _step(past: pd.DataFrame) -> float:
    """Return the usual seconds between two rows."""
    apart = past.index.to_series().diff().dt.total_seconds().median()
    return 1.0 if pd.isna(apart) else max(1.0, round(apart))


def _smooth(flows: pd.DataFrame) -> pd.DataFrame:
    """Return means of neighbouring rows where there are many, gaps kept."""
    if len(flows) < _MANY:
        return flows
    return flows.rolling(max(3, len(flows) // _PARTS), center=True, min_periods=1).mean().where(flows.notna())


def _axes(sheet: Sheet, past: pd.DataFrame, marks: bool) -> Axes:
    axes = sheet.axes(_LEFT, _RIGHT, bottom=_UNDER, top=0.24 if marks else 0.06)
    sheet.grid(axes)
    times = past.index
    if len(times):
        first, last = times[0], times[-1]
        if first == last:
            first -= pd.Timedelta(seconds=30)
        axes.set_xlim(*_numbers(pd.DatetimeIndex([first, last])))
        time_axis(axes, sheet.width - _LEFT - _RIGHT)
    else:
        axes.set_xticks([])
    return axes


def _numbers(times: Any) -> Any:
    return date2num(times.tz_convert("UTC").tz_localize(None).to_numpy())  # type: ignore[no-untyped-call]


def _lone_points(axes: Axes, times: Any, values: Any, colour: str) -> None:
    """Draw a dot where a value has no neighbour: a line of one point is not seen."""
    known = ~np.isnan(values)
    before, after = np.r_[False, known[:-1]], np.r_[known[1:], False]
    lone = known & ~before & ~after
    axes.plot(times[lone], values[lone], "o", color=colour, markersize=3.5)


def _label_ends(
    axes: Axes, sheet: Sheet, past: pd.DataFrame, lines: list[tuple[str, str, str]], *, per_second: bool = False
) -> None:
    labels = []
    for column, name, colour in lines:
        known = past[column].dropna()
        if len(known):
            last = float(known.iloc[-1])
            number = f"{rate(last)}/s" if per_second else plain(round(last))
            labels.append(EndLabel(last, name, number, colour))
    end_labels(axes, sheet.theme, labels, axes.get_position().height * sheet.figure.get_figheight())


def _backlog_words(past: pd.DataFrame, shown: list[str], name: str | None) -> str:
    """Say how the state has changed that has changed most."""
    ends = {state: known.iloc[[0, -1]].round() for state in shown if len(known := past[state].dropna())}
    if not ends:
        return headline(name, "nothing is known of this time")
    state, (first, last) = max(ends.items(), key=lambda one: (abs(one[1].iloc[1] - one[1].iloc[0]), one[1].iloc[1]))
    now = f"{plural(int(last), 'job')} {state}"
    if abs(last - first) <= 0.02 * max(first, last):
        return headline(name, f"{now}, as at the start")
    return headline(name, f"{now}, {'up' if last > first else 'down'} from {int(first):,}")


def _rates_words(past: pd.DataFrame, name: str | None) -> str:
    """Say whether workers keep up."""
    puts, deletes = (known.iloc[-1] if len(known := past[flow].dropna()) else np.nan for flow in _FLOWS)
    who = name or "The server"
    if pd.isna(puts) or pd.isna(deletes):
        return f"{who}: no rates are known of this time"
    if max(puts, deletes) < 0.005:
        return f"{who}: no jobs put or deleted"
    if abs(puts - deletes) <= 0.05 * max(puts, deletes):
        return f"{who} keeps up: {rate(puts)} jobs a second in, {rate(deletes)} out"
    if puts > deletes:
        return f"{who} falls behind by {rate(puts - deletes)} jobs a second"
    return f"{who} catches up by {rate(deletes - puts)} jobs a second"


def _mark(axes: Axes, sheet: Sheet, past: pd.DataFrame, actions: pd.DataFrame | None) -> None:
    """Mark runs at the top of the plot, those with most jobs where there are many."""
    if actions is None or not len(actions) or not len(past):
        return
    columns_of(actions, "actions", ("time", "action", "done"), "Session.runs")
    times = pd.to_datetime(actions["time"], utc=True)
    # A row is the end of its span, and the last one is now.
    begin = past.index[0] - pd.Timedelta(seconds=_step(past))
    within = (times >= begin) & (times <= past.index[-1]) & (actions["done"] > 0)
    shown = actions.assign(time=times)[within & ~actions["action"].isin(_UNMARKED)]
    left, right = axes.get_xlim()
    inches = (sheet.width - _LEFT - _RIGHT) / (right - left)
    taken: list[tuple[float, float]] = []
    for row in shown.sort_values("done", ascending=False, kind="stable").to_dict("records"):
        at = max(left, float(_numbers(pd.DatetimeIndex([row["time"]]))[0]))
        words = fitted(f"{row['action']} {int(row['done']):,}", 100, SMALL, bold=True)
        begin, wide = (at - left) * inches, text_width(words, SMALL, bold=True) / 72
        if begin + wide > (right - left) * inches + 0.3:
            begin -= wide
        free = all(begin + wide + _MARK_APART <= other or begin >= end + _MARK_APART for other, end in taken)
        named = free and len(taken) < _MOST_MARKS
        axes.axvline(
            at, color=sheet.theme.tones["paused"], linewidth=1.0,
            linestyle=(0, (3, 2)) if named else "-", alpha=1.0 if named else 0.3,
        )  # fmt: skip
        if named:
            taken.append((begin, begin + wide))
            axes.annotate(
                words, (left + begin / inches, 1), (-1, 5), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="bottom", color=sheet.theme.tones["paused"], size=SMALL, weight="bold",
                annotation_clip=False,
            )  # fmt: skip
