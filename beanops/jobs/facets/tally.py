"""`ValueTally`: the values at one path, counted exactly while they are few, in bounded memory however many they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import Any

from beanops.jobs.facets.distinct import Distinct
from beanops.jobs.facets.spelling import LONGEST, LongText, kept_text

#: What is counted.
Value = str | LongText

_count = itemgetter(1)


class ValueTally:
    """Counts of values, and their extremes.

    While there are no more values than `most` every count is exact. After that the rare ones are dropped: a value that
    is not kept occurs at most `error` times, and one that came late may occur so many times more than it is counted.

    Attributes
    ----------
    error : int
        See above; 0 while all is exact.
    """

    def __init__(self) -> None:
        self.error = 0
        self._counts: dict[Value, int] = {}
        self._late: set[Value] = set()
        self._distinct: Distinct | None = None
        self._numbers: tuple[int | float, int | float] | None = None
        self._texts: tuple[str, str] | None = None

    def __len__(self) -> int:
        return len(self._counts)

    @property
    def exact(self) -> bool:
        """Whether all values are kept."""
        return self._distinct is None

    @property
    def distinct(self) -> int:
        """The number of different values, an estimate unless `exact`."""
        return len(self._counts) if self._distinct is None else max(self._distinct.estimate, len(self._counts))

    @property
    def extremes(self) -> tuple[int | float, int | float] | tuple[str, str] | tuple[None, None]:
        """The least and the greatest number, or else text."""
        return self._numbers or self._texts or (None, None)

    def add_texts(self, counts: Counter[str], most: int) -> None:
        """Add counts of texts."""
        low, high = min(counts)[:LONGEST], max(counts)[:LONGEST]
        if self._texts is not None:
            low, high = min(low, self._texts[0]), max(high, self._texts[1])
        self._texts = low, high
        if max(map(len, counts)) > LONGEST:
            self._add({kept_text(text): count for text, count in counts.items()}, most)
        else:
            self._add(counts, most)

    def add_numbers(self, counts: Counter[str], low: int | float, high: int | float, most: int) -> None:
        """Add counts of numbers as they are written, and the least and the greatest of them."""
        if self._numbers is not None:
            low, high = min(low, self._numbers[0]), max(high, self._numbers[1])
        self._numbers = low, high
        self._add(counts, most)

    def add_words(self, counts: Counter[str], most: int) -> None:
        """Add counts of what has no extremes."""
        self._add(counts, most)

    def merge(self, other: ValueTally, most: int) -> None:
        """Add the counts of another tally, keeping at most so many values while all is exact."""
        for name in ("_numbers", "_texts"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours and theirs:
                setattr(self, name, (min(ours[0], theirs[0]), max(ours[1], theirs[1])))
            elif theirs:
                setattr(self, name, theirs)
        if other._distinct is None and (self._distinct is None or not other._counts):
            if other._counts:
                self._add(other._counts, most)
            return
        distinct = Distinct()
        for one in (self, other):
            if one._distinct is None:
                distinct.add(one._counts)
            else:
                distinct.merge(one._distinct)
        self._distinct = distinct
        # A value that only one of them kept may have occurred in the other, up to its error.
        self._late |= other._late
        self._late |= (self._counts.keys() - other._counts.keys()) if other.error else set()
        self._late |= (other._counts.keys() - self._counts.keys()) if self.error else set()
        for value, count in other._counts.items():
            self._counts[value] = self._counts.get(value, 0) + count
        self.error += other.error
        if len(self._counts) > 2 * (most // 10):
            self._prune(most // 10)

    def top(self, most: int) -> list[tuple[Value, int, bool]]:
        """Return the most frequent values with their counts, in one order, and whether there may be more of each."""
        certain = ((value, count) for value, count in self._counts.items() if count > self.error)
        ranked = nsmallest(most, certain, key=lambda item: (-item[1], getattr(item[0], "head", item[0])))
        return [(value, count, value in self._late) for value, count in ranked]

    def _add(self, counts: Mapping[Any, int], most: int) -> None:
        known = self._counts
        if self._distinct is None:
            if known:
                for value, count in counts.items():
                    known[value] = known.get(value, 0) + count
            else:
                known.update(counts)
            if len(known) <= most:
                return
            self._distinct = Distinct()
            self._distinct.add(known)
            self._prune(most // 10)
            return
        self._distinct.add(counts)
        for value in known.keys() & counts.keys():
            known[value] += counts[value]
        self._admit([(value, count) for value, count in counts.items() if value not in known], most // 10)

    def _admit(self, fresh: list[tuple[Value, int]], keep: int) -> None:
        """Take the most frequent of values that are not known."""
        missed = 0
        if len(fresh) > keep:
            if max(map(_count, fresh)) == 1:  # as of ids
                self.error += 1
                return
            fresh = nlargest(keep + 1, fresh, key=_count)
            missed = fresh[keep][1]
        for value, count in fresh:
            if count > missed:
                self._counts[value] = count
                self._late.add(value)
        self.error += missed
        if len(self._counts) > 2 * keep:
            self._prune(keep)

    def _prune(self, keep: int) -> None:
        """Keep the most frequent values."""
        largest = nlargest(keep + 1, self._counts.items(), key=_count)
        missed = largest[keep][1] if len(largest) > keep else 0
        self._counts = {value: count for value, count in largest[:keep] if count > missed}
        self._late &= self._counts.keys()
        self.error += missed
