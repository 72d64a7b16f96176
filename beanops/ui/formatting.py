"""How all faces write numbers, rates, times and spans of time: short, and no wider than their column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

#: What an unknown number looks like: unknown is not zero.
UNKNOWN = "–"
#: Eighths of a cell, from the lowest bar to the full one.
BLOCKS = "▁▂▃▄▅▆▇█"


def count(number: int, width: int = 11) -> str:
    """Return a whole number with thousands separators, or rounded (``12.3M``) where that is too wide.

    Examples
    --------
    >>> count(12345), count(12345, 5), count(12345678, 6)
    ('12,345', '12.3k', '12.3M')
    """
    text = f"{number:,}"
    if len(text) <= width:
        return text
    value, unit = float(number), ""
    units = iter("kMGTPE")
    while value >= 999.5:
        value, unit = value / 1000, next(units)
    text = f"{value:.1f}{unit}"
    return text if len(text) <= width else f"{value:.0f}{unit}"


def rate(per_second: float | None, width: int = 7) -> str:
    """Return jobs per second.

    Examples
    --------
    >>> rate(0.25), rate(0.03), rate(None), rate(1234.5)
    ('0.2', '0.03', '–', '1,234')
    """
    if per_second is None:
        return UNKNOWN
    known = rounded(per_second)
    if isinstance(known, int):
        return count(known, width)
    return f"{known:.{1 if known >= 0.1 else 2}f}" if known else "0"


def rounded(per_second: float) -> float:
    """Return jobs per second as precisely as they are written: two digits below 0.1, one below 100, an int above."""
    if per_second >= 99.95:
        return round(per_second)
    return round(per_second, 1 if per_second >= 0.095 else 2)


def moment(time: datetime, width: int = 19) -> str:
    """Return a time to the second, without its first units where the width has no room for them.

    Examples
    --------
    >>> moment(datetime(2026, 1, 31, 12, 5, 9)), moment(datetime(2026, 1, 31, 12, 5, 9), 8)
    ('2026-01-31 12:05:09', '12:05:09')
    """
    return f"{time:%Y-%m-%d %H:%M:%S}"[-width:]


def spark(values: Sequence[float | None]) -> str:
    """Return one block for each value, the largest full; a blank is unknown, and only a zero is the lowest.

    Examples
    --------
    >>> spark([None, 0, 1, 5, 10])
    ' ▁▂▅█'
    """
    most = max((value for value in values if value is not None), default=0)
    steps = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[0 if value <= 0 else max(1, round(value / most * steps))] for value in values
    )


def trend(values: Sequence[float | None]) -> str:
    """Return one block for each value, on a scale that shows change: +30 on 666 is seen, and a flat line is low.

    The scale begins at zero unless that would hide the change; a blank is unknown.

    Examples
    --------
    >>> trend([None, 666, 676, 696]), trend([5, 5, 5]), trend([0, 1, 10])
    (' ▁▃█', '▂▂▂', '▁▂█')
    """
    known = [value for value in values if value is not None]
    least, most = min(known, default=0), max(known, default=0)
    if 2 * least <= most:
        return spark(values)
    if most - least < most / 100:
        return "".join(" " if value is None else BLOCKS[1] for value in values)
    steps = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[round((value - least) / (most - least) * steps)] for value in values
    )
