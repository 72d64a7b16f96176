"""Rows of frames as arguments: a tube by a row of the frame of tubes, a run by one of a frame of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beanops.protocol import TubeStats
from beanops.protocol.errors import ArgumentError
from beanops.protocol.states import STATES

#: A tube: its name, its statistics, or a row of a frame of tubes.
Tube = str | Any
_TUBE = "the name of a tube, or a row of a frame of tubes"


def tube_of(tube: Tube, argument: str = "tube", allowed: str = _TUBE) -> str:
    """Return the name of a tube that is given by it, by its statistics, or as a row of a frame.

    Raises
    ------
    ArgumentError
        It is none of these; the text has `argument` and `allowed`.

    Examples
    --------
    >>> tube_of("mail"), tube_of({"tube": "mail", "ready": 3})
    ('mail', 'mail')
    """
    named = tube.name if isinstance(tube, TubeStats) else field_of(tube, "tube")
    if not isinstance(named, str):
        raise ArgumentError(argument, tube, allowed)
    return named


def tube_or_jobs(target: Any) -> Any:
    """Return the name of a tube for its statistics or its row, which has counts and no id; anything else as it is.

    Examples
    --------
    >>> tube_or_jobs({"tube": "mail", "ready": 3})
    'mail'
    >>> tube_or_jobs({"tube": "mail", "id": 3})
    {'tube': 'mail', 'id': 3}
    """
    if isinstance(target, TubeStats):
        return target.name
    counts = is_row(target, "tube") and any(field_of(target, state) is not target for state in STATES)
    return tube_of(target) if counts and field_of(target, "id") is target else target


def is_row(value: Any, name: str) -> bool:
    """Whether a value is one row of a frame with a text in a column, rather than several values."""
    return not isinstance(value, str) and isinstance(field_of(value, name), str)


def field_of(value: Any, name: str) -> Any:
    """Return a field of a row, as a mapping, a Series or a named tuple; the value itself where it is none of these."""
    if isinstance(value, Mapping) or hasattr(value, "to_dict"):
        return value.get(name, value)
    return getattr(value, name) if name in getattr(value, "_fields", ()) else value
