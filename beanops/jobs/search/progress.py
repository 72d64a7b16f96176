"""The progress of a scan, or of several at once, as one frozen value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Progress(NamedTuple):
    """How far a scan has come.

    Attributes
    ----------
    looked : int
        Ids that were looked at, those known to be gone included.
    found : int
        Matching jobs found; with a predicate on bodies, those whose bodies were read.
    expected : int or None
        How many the server counted; None when it does not count them, as with a predicate.
    remaining : int
        Ids that are still to be looked at, at most.
    rate : float
        Ids a second, pauses included.
    seconds_left : float or None
        At that rate, at most; None before there is one.
    """

    looked: int
    found: int
    expected: int | None
    remaining: int
    rate: float
    seconds_left: float | None


def whole_of(parts: Sequence[Progress]) -> Progress | None:
    """Return how far several searches are together, None where none has said it.

    Examples
    --------
    >>> whole_of([Progress(5, 1, 2, 10, 100.0, 0.1), Progress(7, 0, None, 0, 50.0, 0.0)])
    Progress(looked=12, found=1, expected=None, remaining=10, rate=150.0, seconds_left=0.1)
    """
    if not parts:
        return None
    expected = [part.expected for part in parts if part.expected is not None]
    left = [part.seconds_left for part in parts if part.seconds_left is not None]
    return Progress(
        sum(part.looked for part in parts),
        sum(part.found for part in parts),
        sum(expected) if len(expected) == len(parts) else None,
        sum(part.remaining for part in parts),
        sum(part.rate for part in parts),
        max(left) if left else None,
    )
