"""The progress of a scan, as one frozen value."""

from __future__ import annotations

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
