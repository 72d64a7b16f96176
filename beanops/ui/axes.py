"""The axes of charts: round ticks for numbers, and for the time that a chart reaches back."""

from __future__ import annotations

import re
from math import ceil, floor, log10

from beanops.text import span

#: The steps that people count in, within a power of ten.
_NICE = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: A scale begins at zero unless all values are within this part of the largest: their change would not be seen.
_NARROW = 0.25
#: Seconds between two ticks of an axis of time.
_TIMES = (
    *(5, 10, 15, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800),
    *(3600 * hours for hours in (1, 2, 3, 4, 6, 8, 12)),
    *(86_400 * days for days in (1, 2, 3)),
)


def ticks(low: float, high: float, intervals: int, *, whole: bool = True) -> list[float]:
    """Return round numbers, evenly spaced, of which the first is at most `low` and the last at least `high`.

    Parameters
    ----------
    low, high : float
        The range of the values.
    intervals : int
        How many steps there are.
    whole : bool
        Whether a step is a whole number.

    Examples
    --------
    >>> ticks(0, 2000, 2), ticks(0, 340, 2), ticks(0, 0, 2)
    ([0, 1000, 2000], [0, 200, 400], [0, 1, 2])

    Small changes of large numbers are shown, and the first tick says where the scale begins:

    >>> ticks(666, 696, 3)
    [660, 675, 690, 705]
    """
    narrow = high > low > high * (1 - _NARROW)
    step = _nice((high - low if narrow else high) / intervals, whole)
    first = floor(low / step) * step if narrow else 0
    while narrow and first + intervals * step < high:
        step = _nice(step * 1.01, whole)
        first = floor(low / step) * step
    return [_plain(first + place * step) for place in range(intervals + 1)]


def _nice(least: float, whole: bool) -> float:
    """Return the smallest round step that is not smaller."""
    if least <= (1 if whole else 0):
        return 1
    power = 10.0 ** floor(log10(least))
    steps = [nice * power for nice in _NICE if nice * power >= least * (1 - 1e-9)]
    if whole:
        steps = [step for step in steps if step == int(step)]
    return steps[0] if steps else float(ceil(least))


def _plain(number: float) -> float:
    rounded = round(number, 9)
    return int(rounded) if rounded == int(rounded) else rounded


def time_axis(reach: float, cells: int) -> str:
    """Return a line that names the times before now: at most three, and now; each name is centred on its time.

    Examples
    --------
    >>> time_axis(3600, 40)
    '────────−45m──────−30m──────−15m─────now'
    >>> time_axis(40, 24)
    '────−30s─────−15s────now'
    """
    line = "now".rjust(cells, "─")
    if cells < 12:
        return line[-cells:]
    for step in _TIMES:
        if reach / step <= min(4.2, cells / 9):
            break
    back = step
    while back <= reach:
        name = f"−{_round(back)}"
        left = round(cells * (1 - back / reach)) - len(name) // 2
        if left >= 1 and line[left - 1 : left + len(name) + 1] == "─" * (len(name) + 2):
            line = line[:left] + name + line[left + len(name) :]
        back += step
    return line


def _round(seconds: float) -> str:
    """Return a span of time without units that are zero."""
    return re.sub(r"(?<=[dhm])0+[hms]", "", span(seconds))
