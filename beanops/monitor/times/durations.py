"""How long something takes, estimated from a sample whose lengths are known to an interval, or only to a lower bound.

A job that still waits has waited for some time, and will wait longer. To leave it out would make a tube look the
faster the more jobs are stuck in it, so percentiles are those of the Kaplan-Meier estimator, which counts it for as
long as it was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple


class Interval(NamedTuple):
    """A moment or a length of time that is known to lie between two others, in seconds."""

    low: float
    high: float

    def within(self, other: Interval) -> Interval:
        """Return what both allow; what the other allows where they contradict each other."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Interval(low, high) if low <= high else other

    def since(self, start: Interval) -> Interval:
        """Return how long before this moment another one was; it was not after it."""
        return Interval(max(0.0, self.low - start.high), max(0.0, self.high - start.low))

    @property
    def middle(self) -> float:
        """Half way between the two."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """How far they are apart."""
        return self.high - self.low


class Length(NamedTuple):
    """How long it took for one job, or for several that are known to the same interval.

    Attributes
    ----------
    at : float
        When it was seen, in seconds of the surveyor's clock.
    seconds : float
        How long it took, or has taken so far.
    width : float
        The length of the interval that `seconds` is the middle of.
    ended : bool
        Whether it has ended; else it takes longer.
    weight : float
        The number of jobs.
    """

    at: float
    seconds: float
    width: float
    ended: bool
    weight: float = 1.0


class Percentiles(NamedTuple):
    """An estimate of how long it takes.

    Attributes
    ----------
    p50, p95, p99 : float or None
        Seconds within which half, 95 % and 99 % of the jobs are through. None where too few jobs are known for it, or
        too many of them are not through yet.
    longest : float or None
        The longest that is known, also of a job that is not through yet; None without jobs.
    resolution : float
        Seconds that an estimate may differ from the truth because jobs are seen at intervals; the sample is another
        cause of error.
    jobs : int
        Number of jobs that it is estimated from.
    """

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    longest: float | None = None
    resolution: float = 0.0
    jobs: int = 0


NO_PERCENTILES = Percentiles()


def percentiles(lengths: Iterable[Length], others: Length | None = None) -> Percentiles:
    """Return the percentiles of lengths, some of which may not have ended.

    Of 20 jobs one is beyond the 95th percentile: of fewer it is unknown, as is the 99th of fewer than 100.

    Parameters
    ----------
    lengths : iterable of Length
        The sample.
    others : Length or None
        Jobs of which no more is known than that it took longer; they do not count as jobs of the sample.

    Examples
    --------
    >>> percentiles([Length(0, seconds, 1, True) for seconds in (1, 2, 3)])[:4]
    (2, None, None, 3)
    >>> percentiles([Length(0, 1, 1, True), Length(0, 60, 0, False), Length(0, 60, 0, False)]).p50 is None
    True
    """
    known = sorted((one for one in lengths if one.weight > 0), key=lambda one: one.seconds)
    if not known:
        return NO_PERCENTILES
    jobs = sum(one.weight for one in known)
    through = _through(known if others is None else sorted([*known, others], key=lambda one: one.seconds))
    p50, p95, p99 = (
        _first(through, share) if round(jobs * (1 - share), 6) >= 1 or share == 0.5 else None
        for share in (0.5, 0.95, 0.99)
    )
    widths = [one.width / 2 for one in known if one.ended]
    return Percentiles(p50, p95, p99, known[-1].seconds, max(widths, default=0.0), max(1, round(jobs)))


def _through(known: Sequence[Length]) -> list[tuple[float, float]]:
    """Return the lengths at which jobs ended, each with the share of all jobs that are through by then."""
    found = []
    left, share = sum(one.weight for one in known), 1.0
    for seconds, group in groupby(known, key=lambda one: one.seconds):
        alike = list(group)
        ended = sum(one.weight for one in alike if one.ended)
        if ended:
            share *= max(0.0, 1 - ended / left)
            found.append((seconds, 1 - share))
        left -= sum(one.weight for one in alike)
    return found


def _first(through: Sequence[tuple[float, float]], share: float) -> float | None:
    return next((seconds for seconds, done in through if done >= share - 1e-9), None)
