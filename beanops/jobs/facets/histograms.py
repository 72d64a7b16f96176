"""Histograms of the numbers of jobs: one bin per value where these are few, else bounds that people find round."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from beanops.jobs.facets.results import Bin, Histogram
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats

#: Values up to which each has a bin of its own.
_FEW = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SECONDS = (
    *(0, 1, 2, 5, 10, 20, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 20, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 3, 7, 14, 28, 91, 182, 365, 730, 1825, 3650, 36_500)),
    2**63,
)
_COUNTS = (0, *(factor * 10**power for power in range(18) for factor in (1, 2, 5)), 2**63)
#: The numbers that are looked at, and those of them that are shown even if all jobs have the same.
_COLUMNS = ("age", "size", "priority", "reserves", "timeouts", "releases", "buries", "kicks")
_ALWAYS = ("age", "size", "priority")


class Histograms:
    """The histograms of jobs that are added."""

    def __init__(self) -> None:
        self._numbers = {name: NumberCounts(_SECONDS if name == "age" else _COUNTS) for name in _COLUMNS}

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs."""
        columns = dict(zip(JobStats._fields, zip(*[job.stats for job in jobs], strict=True), strict=False))
        columns["size"] = tuple([job.size for job in jobs])
        for name, numbers in self._numbers.items():
            numbers.add(Counter(columns.get(name, ())))

    def merge(self, other: Histograms) -> None:
        """Add the jobs of other histograms."""
        for name, numbers in self._numbers.items():
            numbers.merge(other._numbers[name])

    def results(self) -> tuple[Histogram, ...]:
        """Return the histograms, without those of numbers that are alike in all jobs and say nothing."""
        found = ((name, numbers) for name, numbers in self._numbers.items() if name in _ALWAYS or numbers.differ)
        return tuple(numbers.result(name) for name, numbers in found if numbers.known)


class NumberCounts:
    """The distribution of one number."""

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self._bounds = bounds
        self._bins = [0] * (len(bounds) - 1)
        self._few: Counter[int] | None = Counter()
        self._low, self._high = 2**63, 0

    @property
    def known(self) -> bool:
        """Whether there is any."""
        return any(self._bins)

    @property
    def differ(self) -> bool:
        """Whether jobs have different numbers."""
        return self._low < self._high

    def add(self, counts: Counter[int]) -> None:
        """Add counts."""
        if not counts:
            return
        self._low, self._high = min(self._low, min(counts)), max(self._high, max(counts))
        for value, count in counts.items():
            self._bins[bisect_right(self._bounds, value) - 1] += count
        if self._few is not None:
            self._few = None if len(counts) > _FEW else self._few + counts
            if self._few is not None and len(self._few) > _FEW:
                self._few = None

    def merge(self, other: NumberCounts) -> None:
        """Add other counts."""
        self._low, self._high = min(self._low, other._low), max(self._high, other._high)
        self._bins = [one + more for one, more in zip(self._bins, other._bins, strict=True)]
        few = None if self._few is None or other._few is None else self._few + other._few
        self._few = None if few is not None and len(few) > _FEW else few

    def result(self, column: str) -> Histogram:
        """Return its histogram."""
        if self._few is not None:
            few = sorted(self._few.items())
            each = (Bin(value, value + 1, count, f"{column} = {_sql(column, value)}") for value, count in few)
            return Histogram(column, self._low, self._high, tuple(each))
        first, last = (bisect_right(self._bounds, value) - 1 for value in (self._low, self._high))
        ends = list(zip(self._bounds, self._bounds[1:], self._bins, strict=False))[first : last + 1]
        return Histogram(column, self._low, self._high, tuple(_bin(column, *ends) for ends in ends))


def _bin(column: str, start: int, end: int, jobs: int) -> Bin:
    low, high = _sql(column, start), _sql(column, end)
    return Bin(start, end, jobs, f"{column} >= {low} and {column} < {high}")


def _sql(column: str, value: int) -> str:
    return f"interval {value} seconds" if column == "age" else str(value)
