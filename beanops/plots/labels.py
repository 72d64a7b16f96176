"""What plots write beside their marks: numbers, times on an axis, and labels at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from beanops.plots.house import SMALL, Theme
from beanops.text import span
from beanops.ui.axes import ticks
from beanops.ui.formatting import count

#: Ages that people count in, in seconds.
_AGES = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)
#: Seconds of the units that an age is read in.
_UNITS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))


class EndLabel(NamedTuple):
    """What stands at the right end of a line: where the line ends, its name, its number and its colour."""

    y: float
    name: str
    number: str
    colour: str


def short_age(seconds: float) -> str:
    """Return a round age in one unit.

    Examples
    --------
    >>> short_age(600), short_age(86_400)
    ('10m', '1d')
    """
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def number_axis(axes: Axes, most: float, intervals: int = 4, *, whole: bool = True) -> None:
    """Give the y axis round numbers from zero, above all values."""
    places = ticks(0, most if most > 0 else 0, intervals, whole=whole)  # what is unknown is not above 0
    while len(places) > 2 and places[-2] >= most:
        places.pop()
    axes.set_ylim(0, places[-1] * 1.001)
    axes.yaxis.set_major_locator(FixedLocator(places))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def plain(value: float) -> str:
    """Return a number as short as a label needs it.

    Examples
    --------
    >>> plain(1500), plain(25_000), plain(0.5)
    ('1,500', '25k', '0.5')
    """
    if value != int(value):
        return f"{value:g}"
    text = count(int(value), 5)
    return text.replace(".0k", "k").replace(".0M", "M")


def time_axis(axes: Axes, inches: float) -> None:
    """Give the x axis times in UTC that are as short as they can be."""
    locator = AutoDateLocator(tz=UTC, minticks=2, maxticks=max(3, int(inches)))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=UTC, show_offset=False)  # type: ignore[no-untyped-call]
    # Seconds or days alone would say nothing: an axis has no other place for the hour and the month.
    formatter.formats[2:] = ["%b %d", "%H:%M", "%H:%M", "%H:%M:%S"]
    formatter.zero_formats[2:] = ["%b %d", "%b %d", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_formatter(formatter)


def age_axis(axes: Axes, low: float, high: float) -> None:
    """Give the x axis ages on a logarithmic scale, in the units that people count in."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator([age for age in _AGES if low <= age <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_age(value)))


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places moved as little as needed to be so far apart, within two limits where they fit.

    Examples
    --------
    >>> spread([1, 1.5, 9], 1, 0, 10)
    [0.75, 1.75, 9.0]
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    blocks: list[tuple[list[int], float]] = []
    for at in order:
        members, middle = [at], places[at]
        while True:
            half = (len(members) - 1) * apart / 2
            middle = min(max(middle, low + half), max(high - half, low + half))
            if not blocks or blocks[-1][1] + (len(blocks[-1][0]) - 1) * apart / 2 + apart <= middle - half:
                break
            members = [*blocks.pop()[0], *members]
            middle = sum(places[one] for one in members) / len(members)
        blocks.append((members, middle))
    moved = [0.0] * len(places)
    for members, middle in blocks:
        for place, at in enumerate(members):
            moved[at] = middle + (place - (len(members) - 1) / 2) * apart
    return moved


def end_labels(axes: Axes, theme: Theme, labels: Sequence[EndLabel], inches: float) -> None:
    """Write the name and the last number of each line at its right end, moved apart where lines end together."""
    low, high = axes.get_ylim()
    unit = (high - low) / inches
    moved = spread([label.y for label in labels], 0.33 * unit, low + 0.1 * unit, high)
    for label, y in zip(labels, moved, strict=True):
        where: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        axes.annotate(
            label.number, (1, y), (9, 0), color=label.colour, size=SMALL + 1.5, weight="bold", va="center", **where
        )
        axes.annotate(label.name, (1, y), (9, -10.5), color=theme.quiet, size=SMALL - 0.5, va="center", **where)


def age(seconds: float) -> str:
    """Return an age in its two largest units."""
    return span(max(0.0, seconds))
