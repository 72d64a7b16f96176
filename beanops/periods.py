"""Periods and moments as users write them: ``"10m"``, seconds, a timedelta; ``"2026-01-31"``, a datetime."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from beanops.protocol.errors import ArgumentError

#: A period is at most a hundred years long, so that a moment before now has a date.
LONGEST = timedelta(days=36_525)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PERIOD = re.compile(rf"(\d{{1,12}}(?:\.\d{{1,6}})?) ?([{''.join(_UNITS)}]?)", re.ASCII)

#: What a period may be.
Period = float | timedelta | str
#: What a moment may be: also a period, which is that long before now.
Moment = datetime | date | Period


def seconds_of(argument: str, value: Period) -> float:
    """Return the seconds of a period.

    Parameters
    ----------
    argument : str
        Name of the argument, for the error.
    value : float, timedelta or str
        Seconds, a `datetime.timedelta` or `pandas.Timedelta`, or text such as ``"90s"``, ``"10m"``, ``"2h"``,
        ``"7d"`` or ``"4w"``.

    Raises
    ------
    ArgumentError
        It is no period, is negative, or is longer than a hundred years.

    Examples
    --------
    >>> seconds_of("delay", "10m"), seconds_of("delay", timedelta(days=1)), seconds_of("delay", 0.5)
    (600.0, 86400.0, 0.5)
    """
    seconds = -1.0
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, str):
        if match := _PERIOD.fullmatch(value.strip()):
            seconds = float(match[1]) * _UNITS[match[2]]
    elif not isinstance(value, bool):
        with suppress(TypeError, ValueError):  # a number of numpy is one too
            seconds = float(value)
    if not 0 <= seconds <= LONGEST.total_seconds():
        raise ArgumentError(argument, value, "seconds, a timedelta, or text such as '90s', '10m', '2h' or '7d'")
    return seconds


def time_of(argument: str, value: Moment, now: datetime) -> datetime:
    """Return a moment with its time zone; one without a time zone is UTC.

    Parameters
    ----------
    argument : str
        Name of the argument, for the error.
    value : datetime, date, str, float or timedelta
        A date or time, also as ISO text; or a period before now, see `seconds_of`.
    now : datetime
        The current time.

    Raises
    ------
    ArgumentError
        It is neither.

    Examples
    --------
    >>> time_of("since", "2h", datetime(2026, 1, 31, 12, tzinfo=UTC)).isoformat()
    '2026-01-31T10:00:00+00:00'
    >>> time_of("since", "2026-01-30", datetime(2026, 1, 31, tzinfo=UTC)).isoformat()
    '2026-01-30T00:00:00+00:00'
    """
    allowed = "a date or time such as '2026-01-31', or a period before now such as '2h' or '7d'"
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        if value != value:  # pandas.NaT
            raise ArgumentError(argument, value, allowed)
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    try:
        return now - timedelta(seconds=seconds_of(argument, value))
    except ArgumentError:
        raise ArgumentError(argument, value, allowed) from None
