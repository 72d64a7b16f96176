"""Read arguments as people write them: seconds, moments, bodies, and runs that are rows of a frame."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any, SupportsFloat, SupportsIndex

from beanops.jobs.rows import field_of
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import MAX_BODY, U32_MAX, check_body
from beanops.text import seconds_in

#: A span of time: seconds, text such as ``"10m"`` or ``"1h 30m"``, or a timedelta of Python, pandas or numpy.
Seconds = SupportsIndex | SupportsFloat | str | timedelta
#: A moment; a span of time is that long before now.
Moment = datetime | date | Seconds
#: A body to put: bytes, text (as UTF-8), or a dict or list (as JSON).
Body = bytes | bytearray | memoryview | str | dict[str, Any] | list[Any]


def seconds_of(argument: str, value: Seconds, allowed: str = "seconds, or text such as '10m'") -> float:
    """Return a span of time in seconds.

    Parameters
    ----------
    argument : str
        Name of the argument, for the error.
    value : number, str or timedelta
        Seconds; text with units, ``"500ms"``, ``"90s"``, ``"10m"``, ``"1h 30m"``, ``"2 days"``; or a timedelta.
    allowed : str
        What is allowed, for the error.

    Raises
    ------
    ArgumentError
        The value is no span of time, or is negative.

    Examples
    --------
    >>> seconds_of("delay", "1h 30m"), seconds_of("delay", 90), seconds_of("delay", timedelta(minutes=2))
    (5400.0, 90.0, 120.0)
    """
    seconds = _seconds(value)
    if seconds is None or not seconds >= 0:
        raise ArgumentError(argument, value, allowed)
    return seconds


def timeout_of(argument: str, value: Seconds) -> float:
    """Return a time limit in seconds, above 0 and finite; see `seconds_of`."""
    allowed = "a number of seconds above 0, or text such as '10s'"
    seconds = seconds_of(argument, value, allowed)
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ArgumentError(argument, value, allowed)
    return seconds


def whole_seconds(argument: str, value: Seconds, maximum: int = U32_MAX) -> int:
    """Return a span of time in whole seconds, as the protocol needs it.

    Examples
    --------
    >>> whole_seconds("ttr", "10m"), whole_seconds("ttr", 90.0)
    (600, 90)
    """
    allowed = f"whole seconds from 0 to {maximum}, or text such as '10m'"
    seconds = seconds_of(argument, value, allowed)
    if not isfinite(seconds) or seconds != int(seconds) or seconds > maximum:
        raise ArgumentError(argument, value, allowed)
    return int(seconds)


def time_of(argument: str, value: Moment, now: datetime) -> datetime:
    """Return a moment with its time zone; one without a time zone is UTC.

    Parameters
    ----------
    argument : str
        Name of the argument, for the error.
    value : datetime, date, str, number or timedelta
        A date or time, also as ISO text, UTC where it has no time zone; or a span of time before now.
    now : datetime
        The current time.

    Raises
    ------
    ArgumentError
        The value is neither.

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
    except (ArgumentError, OverflowError):
        raise ArgumentError(argument, value, allowed) from None


def _seconds(value: Any) -> float | None:
    """Return a span of time in seconds, None for any other value."""
    if getattr(getattr(value, "dtype", None), "kind", "") == "m":
        value = value.astype("timedelta64[us]").item()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return seconds_in(value)
    if isinstance(value, bool) or not isinstance(value, SupportsIndex | SupportsFloat):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def body_of(body: Body, maximum: int = MAX_BODY) -> bytes:
    """Return the bytes to put for a body: text as UTF-8, a dict or a list as compact JSON.

    Raises
    ------
    ArgumentError
        It has another type, has values that JSON cannot represent, or is too long.

    Examples
    --------
    >>> body_of({"user": 7}), body_of("é")
    (b'{"user":7}', b'\\xc3\\xa9')
    """
    if isinstance(body, str):
        try:
            body = body.encode()
        except UnicodeEncodeError:
            raise ArgumentError("body", body, "text that UTF-8 can encode, or bytes") from None
    elif isinstance(body, dict | list):
        import orjson

        try:
            body = orjson.dumps(body, _plain, orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        except TypeError as error:
            raise ArgumentError("body", body, f"what JSON can represent ({error})") from None
    elif not isinstance(body, bytes | bytearray | memoryview):
        raise ArgumentError("body", body, "bytes, text, a dict or a list")
    return check_body(body, maximum)


def _plain(value: Any) -> str:
    """Return the JSON text of a value that orjson does not support: a time of pandas, in ISO format."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no {type(value).__name__}")


def run_id_of(run: Any) -> str:
    """Return the id of a run, given by its id, as a `Run` or a `FleetRun`, or as a row of a frame of runs or actions.

    Examples
    --------
    >>> run_id_of({"run": "20260102-030405-1f2e3d4c", "action": "kick"})
    '20260102-030405-1f2e3d4c'
    """
    own = getattr(run, "id", None)  # that of a job is a number
    named = own if isinstance(own, str) else field_of(run, "run")
    if not isinstance(named, str):
        raise ArgumentError("run", run, "a run, its id, or a row of a frame of runs")
    return named
