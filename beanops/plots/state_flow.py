"""`flow`: where jobs are, as bands from tubes by number of tries to states, on frames of `Session.jobs` and `tubes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from beanops.plots.house import MARGIN, SMALL, SUBTITLE, Sheet, Style, checked, columns_of, fitted, headline, house
from beanops.plots.labels import spread
from beanops.protocol.errors import ArgumentError
from beanops.protocol.states import STATES
from beanops.session.keywords import explained
from beanops.text import percentage, plural

if TYPE_CHECKING:
    from beanops.plots.house import PlotFigure

_SIZE = (8.0, 4.4)
#: Tubes with a band of their own; the others share one.
_MOST = 7
#: How often jobs were reserved: from how many times, and what to call it.
_TRIES = ((0, "never tried"), (1, "tried once"), (2, "tried 2 to 4 times"), (5, "tried 5 times or more"))
#: Inches of a node, between two of a column, and for the names at the left and right.
_NODE, _APART, _NAMES = 0.14, 0.24, (1.8, 1.35)


class _Node(NamedTuple):
    """A place in a column: its key, its top and its jobs, in inches and jobs."""

    top: float
    jobs: int


@explained
def flow(
    frame: pd.DataFrame, *, name: str | None = None, source: str | None = None, **style: Unpack[Style]
) -> PlotFigure:
    """Plot which tubes the jobs are in, how often they were tried, and the states that they are in.

    Parameters
    ----------
    frame : DataFrame
        Of `Session.jobs`, or of `Session.tubes`: that knows nothing of tries.
    name : str or None
        Name of the tube, for the headline.
    source : str or None
        Where the numbers come from, for the last line.
    title, theme, size
        Headline, ``"light"`` or ``"dark"``, and inches; see `Style`.

    Examples
    --------
    >>> figure = flow(session.jobs(columns=["tube", "state", "reserves"]))
    >>> figure = flow(session.tubes())
    """
    how = checked(style)
    counts, columns = _counted(frame)
    total = int(counts["jobs"].sum())
    with house():
        words = "Jobs by tube, number of times that a worker reserved them, and state"
        subtitle = words if "tries" in counts else "Jobs by tube and state"
        sheet = Sheet(_words(counts, total, name), subtitle, source, _SIZE, how)
        axes = sheet.axes(_NAMES[0], _NAMES[1], bottom=0.12, top=0.1)
        wide = sheet.width - sum(_NAMES)
        high = sheet.top - sheet.bottom - 0.22
        axes.set(xlim=(0, wide), ylim=(high, 0), xticks=[], yticks=[])
        if total:
            _draw(axes, sheet, counts, columns, (wide, high))
        return sheet.figure


def _counted(frame: Any) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Return jobs by tube, tries and state, and the values of each of these in their order."""
    columns_of(frame, "frame", ("tube",), "Session.jobs or Session.tubes")
    if "count" in frame.columns:  # rows of groups are not jobs
        raise ArgumentError("frame", list(frame.columns), "a frame of Session.jobs or Session.tubes")
    if "state" in frame.columns:
        by = {"tube": frame["tube"].astype("object"), "state": frame["state"].astype("object")}
        if "reserves" in frame.columns:
            places = np.searchsorted([least for least, _ in _TRIES], frame["reserves"].to_numpy(), side="right") - 1
            by["tries"] = pd.Series(places, index=frame.index).map(dict(enumerate(words for _, words in _TRIES)))
        counts = pd.DataFrame(by).value_counts().rename("jobs").reset_index()
    else:
        columns_of(frame, "frame", ("tube", *STATES), "Session.jobs or Session.tubes")
        counts = frame[["tube", *STATES]].melt("tube", list(STATES), "state", "jobs")
    counts = counts[(counts["jobs"] > 0) & counts["state"].isin(STATES)]
    sums = counts.groupby("tube", sort=False)["jobs"].sum().sort_values(ascending=False, kind="stable")
    if len(sums) > _MOST + 1:
        rest = plural(len(sums) - _MOST, "other tube")
        counts = counts.assign(tube=counts["tube"].where(counts["tube"].isin(sums.index[:_MOST]), rest))
        tubes = [*sums.index[:_MOST], rest]
    else:
        tubes = list(sums.index)
    columns = {"tube": tubes}
    if "tries" in counts:
        columns["tries"] = [words for _, words in _TRIES if words in set(counts["tries"])]
    columns["state"] = [state for state in STATES if state in set(counts["state"])]
    return counts.groupby(list(columns), sort=False)["jobs"].sum().reset_index(), columns


def _draw(
    axes: Axes, sheet: Sheet, counts: pd.DataFrame, columns: Mapping[str, Sequence[str]], room: tuple[float, float]
) -> None:
    wide, high = room
    most = max(map(len, columns.values()))
    scale = max(high - _APART * (most - 1), high * 0.4) / counts["jobs"].sum()
    names = list(columns)
    lefts = [place * (wide - _NODE) / (len(names) - 1) for place in range(len(names))]
    nodes = {
        column: _nodes(counts.groupby(column)["jobs"].sum(), values, scale, high) for column, values in columns.items()
    }
    tones, theme = sheet.theme.tones, sheet.theme
    for before, after, left, right in zip(names, names[1:], lefts, lefts[1:], strict=False):
        # A band keeps the colour of the state that it ends in all the way.
        links = counts.groupby(list(dict.fromkeys([before, after, "state"])))["jobs"].sum()
        _bands(axes, links, (nodes[before], nodes[after]), (columns[before], columns[after], columns["state"]),
               (left + _NODE, right), scale, tones)  # fmt: skip
    for column, left in zip(names, lefts, strict=True):
        middles = [node.top + node.jobs * scale / 2 for node in nodes[column].values()]
        for (value, node), y in zip(nodes[column].items(), spread(middles, 0.34, 0.1, high - 0.1), strict=True):
            colour = tones[value] if column == "state" else theme.ink
            axes.add_patch(Rectangle((left, node.top), _NODE, max(node.jobs * scale, 0.012), color=colour, linewidth=0))
            _name(axes, sheet, column, (value, node.jobs), (left, y))


def _nodes(sums: pd.Series[int], values: Sequence[str], scale: float, high: float) -> dict[str, _Node]:
    used = sum(int(sums[value]) for value in values) * scale
    apart = min((high - used) / max(1, len(values) - 1), 3 * _APART) if len(values) > 1 else 0.0
    top = (high - used - apart * (len(values) - 1)) / 2
    nodes = {}
    for value in values:
        nodes[value] = _Node(top, int(sums[value]))
        top += int(sums[value]) * scale + apart
    return nodes


def _bands(
    axes: Axes,
    links: pd.Series[int],
    nodes: tuple[dict[str, _Node], dict[str, _Node]],
    values: tuple[Sequence[str], Sequence[str], Sequence[str]],
    ends: tuple[float, float],
    scale: float,
    tones: Mapping[str, str],
) -> None:
    """Draw the bands between two columns; on each node they lie in the order of where they come from or go."""
    starts = {value: node.top for value, node in nodes[0].items()}
    finishes = {value: node.top for value, node in nodes[1].items()}
    left, right = ends
    middle = (left + right) / 2
    for first in values[0]:
        for second in values[1]:
            for state in values[2]:
                key = (first, second) if values[1] is values[2] else (first, second, state)
                if (values[1] is values[2] and state != second) or key not in links.index:
                    continue
                thick = int(links[key]) * scale
                a, b = starts[first], finishes[second]
                starts[first] += thick
                finishes[second] += thick
                points = [
                    (left, a), (middle, a), (middle, b), (right, b),
                    (right, b + thick), (middle, b + thick), (middle, a + thick), (left, a + thick), (left, a),
                ]  # fmt: skip
                codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
                axes.add_patch(PathPatch(Path(points, codes), facecolor=tones[state], alpha=0.33, linewidth=0))


def _name(axes: Axes, sheet: Sheet, column: str, named: tuple[str, int], place: tuple[float, float]) -> None:
    """Write the name and the number of jobs beside a node: outside at both ends, to the right in between."""
    (value, jobs), (left, y), theme = named, place, sheet.theme
    room = {"tube": _NAMES[0] - MARGIN - 0.1, "state": _NAMES[1] - MARGIN - 0.1}.get(column, 1.6)
    colour = theme.tones[value] if column == "state" else theme.ink
    x, side, shift = (left, "right", -6) if column == "tube" else (left + _NODE, "left", 6)
    where: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False, "ha": side}
    text = fitted(value, room * 72, SUBTITLE, bold=True)
    axes.annotate(text, (x, y), (shift, 1), color=colour, size=SUBTITLE, weight="bold", va="bottom", **where)
    axes.annotate(f"{jobs:,}", (x, y), (shift, -1), color=theme.quiet, size=SMALL, va="top", **where)


def _words(counts: pd.DataFrame, total: int, name: str | None) -> str:
    """Say in which state most of the jobs are, and how many have been tried often where that is known."""
    if not total:
        return headline(name, "no jobs")
    sums = counts.groupby("state", observed=True)["jobs"].sum()
    state = str(sums.idxmax())
    share = percentage(int(sums.max()), total)
    return headline(name, f"{share} of {plural(total, 'job')} {'is' if total == 1 else 'are'} {state}")
