"""Bounds of bins that people find round: of times, and of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
#: Widths of bins of times, in seconds.
_WIDTHS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 182, 365, 3650)),
)
#: Ages of jobs where a few are many times older than the others.
_AGES = (
    *(1, 2, 5, 10, 20, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 20, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 3, 7, 14, 28, 91, 182, 365, 3650, 36_500)),
)
#: Most bins of equal width. More than these would be lines, not bars.
_MOST = 48
#: Bins of equal width are of no use where so many of the jobs would be in so few of them.
_CROWD, _FEW = 0.9, 3
#: Numbers below which nothing is known of that.
_ENOUGH = 30


def time_edges(times: Any, now: float) -> list[float]:
    """Return bounds for times, in whole seconds: parts of clock times, or of ages where some jobs are far older.

    Examples
    --------
    >>> time_edges([600.0, 660.0, 7200.0], 7300.0)[:3]
    [600.0, 900.0, 1200.0]
    """
    low, high = _extremes(times)
    width = next((one for one in _WIDTHS if (high - low) / one < _MOST), _WIDTHS[-1])
    edges = _even(low, high, width)
    if _is_crowded(times, edges):
        top = math.ceil(max(now, high))
        ages = [age for age in _AGES if age < top - low]
        oldest = next((age for age in _AGES if age >= top - low), _AGES[-1])
        return [float(top - age) for age in (oldest, *reversed(ages))] + [float(top)]
    return edges


def number_edges(numbers: Any) -> list[float]:
    """Return bounds for numbers: of one width, or 1, 2, 5, 10, 20 ... where a few are many times larger.

    Examples
    --------
    >>> number_edges([0, 7, 22, 90])[:4], number_edges([*[1] * 50, 4, 900_000])[:5]
    ([0.0, 2.0, 4.0, 6.0], [1.0, 2.0, 5.0, 10.0, 20.0])
    """
    low, high = _extremes(numbers)
    rough = (high - low) / _MOST
    whole = all(float(one).is_integer() for one in numbers[:1000])
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    widths = (power * step for step in (1, 2, 5, 10))
    width = next((one for one in widths if one > rough), power * 10)
    edges = _even(low, high, max(1.0, width) if whole else width)
    if low >= 0 and _is_crowded(numbers, edges):
        steps = [0.0, *(factor * 10.0**power for power in range(-3 if not whole else 0, 19) for factor in (1, 2, 5))]
        first = max(place for place, step in enumerate(steps) if step <= low)
        last = next(place for place, step in enumerate(steps) if step > high or place == len(steps) - 1)
        return steps[first : last + 1]
    return edges


def _extremes(numbers: Any) -> tuple[float, float]:
    import numpy as np

    return float(np.min(numbers)), float(np.max(numbers))


def _even(low: float, high: float, width: float) -> list[float]:
    places = range(math.floor(low / width), math.floor(high / width) + 2)
    if float(width).is_integer():
        edges = {float(place * int(width)) for place in places}
    else:  # not by adding: 0.1 + 0.2 is no round number
        edges = {float(f"{place * width:.12g}") for place in places}
    # Integers beyond 53 bits may be the same as floats.
    return sorted(edges if len(edges) > 1 else {low, math.nextafter(low, math.inf)})


def _is_crowded(numbers: Any, edges: Sequence[float]) -> bool:
    import numpy as np

    if len(edges) <= 4 * _FEW or len(numbers) < _ENOUGH:
        return False
    counts = np.sort(np.histogram(numbers, edges)[0])[::-1]
    return bool(counts[:_FEW].sum() > _CROWD * len(numbers))
