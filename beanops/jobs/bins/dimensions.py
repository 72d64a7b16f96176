"""The bins of one number or value of jobs, and the predicate that is true for the jobs of some bins.

The page composes the same predicate of the same pieces, see ``notebook/page/facets/crossfilter.js``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

#: The code of a job that is in no bin: it has no such number, or its body was not decoded.
NO_BIN = 255
#: Most bins: each job's is one byte.
MOST_BINS = 250


class RangeBins(NamedTuple):
    """Bins of a number, or of a time, from the lowest to the highest.

    Attributes
    ----------
    name : str
        What is binned: a column of SQL, or a path into bodies.
    unit : str
        ``"time"`` (seconds since 1970), ``"bytes"``, ``"count"`` or ``"number"``.
    edges : tuple of float
        The lower bound of each bin, and the upper one of the last. The first bin also has all that is below, and the
        last all that is above.
    above, below : tuple of str
        For each bin the predicates that are true from its lower bound, and up to its upper one. Empty where the first
        and the last bin have no such bound.
    single : tuple of str
        Where each bin has one value: the predicates of these.
    codes : array of uint8
        The bin of each job, or `NO_BIN`.
    """

    name: str
    unit: str
    edges: tuple[float, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]
    single: tuple[str, ...]
    codes: Any

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.above)

    @property
    def counts(self) -> list[int]:
        """Number of jobs in each bin."""
        return _counts(self.codes, self.size)

    def between(self, ends: Sequence[float]) -> list[int]:
        """Return the bins from the one of the lowest number to that of the highest."""
        inner = self.edges[1:-1]
        low, high = (bisect_right(inner, float(end)) for end in (min(ends), max(ends)))
        return list(range(low, high + 1))

    def where(self, chosen: Collection[int]) -> str:
        """Return the predicate of all bins between the lowest and the highest chosen one."""
        low, high = min(chosen), max(chosen)
        if low == high and self.single:
            return self.single[low]
        return " and ".join(filter(None, (self.above[low], self.below[high]))) or "true"

    @property
    def described(self) -> dict[str, Any]:
        """What a page needs of it, without codes."""
        return {
            "name": self.name,
            "kind": "range",
            "unit": self.unit,
            "edges": self.edges,
            "above": self.above,
            "below": self.below,
            "single": self.single,
            "counts": self.counts,
        }


class ValueBins(NamedTuple):
    """Bins of values, the most frequent first.

    Attributes
    ----------
    name, codes
        As in `RangeBins`.
    unit : str
        ``"state"``, ``"cause"`` or ``"text"``.
    keys : tuple
        The values, as far as each has a bin.
    labels : tuple of str
        What to call each bin, in one safe line.
    operand : str
        The SQL expression that has the values.
    literals : tuple of str or None
        Each value in SQL, None for a bin with a predicate of its own.
    wheres : dict of int to str
        These predicates.
    others, missing : int
        The bins of other values and of jobs without one, `NO_BIN` where there are none.
    """

    name: str
    unit: str
    keys: tuple[Any, ...]
    labels: tuple[str, ...]
    operand: str
    literals: tuple[str | None, ...]
    wheres: dict[int, str]
    others: int
    missing: int
    codes: Any

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.labels)

    @property
    def counts(self) -> list[int]:
        """Number of jobs in each bin."""
        return _counts(self.codes, self.size)

    def where(self, chosen: Collection[int]) -> str:
        """Return the predicate of some bins; of most of them it is that of the others, negated."""
        if self.size > 2 and len(chosen) > self.size / 2:
            rest = set(range(self.size)).difference(chosen)
            return f"({self._any(rest)}) is not true" if rest else "true"
        return self._any(chosen)

    def _any(self, chosen: Collection[int]) -> str:
        literals = [literal for code in sorted(chosen) if (literal := self.literals[code]) is not None]
        parts = []
        if literals:
            one_of = f"in ({', '.join(literals)})" if literals[1:] else f"= {literals[0]}"
            parts.append(f"{self.operand} {one_of}")
        parts += [self.wheres[code] for code in sorted(chosen) if self.literals[code] is None]
        return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"

    @property
    def described(self) -> dict[str, Any]:
        """What a page needs of it, without codes."""
        return {
            "name": self.name,
            "kind": "values",
            "unit": self.unit,
            "keys": self.keys if self.unit == "state" else (),
            "labels": self.labels,
            "operand": self.operand,
            "literals": self.literals,
            "wheres": {str(code): where for code, where in self.wheres.items()},
            "rest": [code for code in (self.others, self.missing) if code != NO_BIN],
            "counts": self.counts,
        }


Dimension = RangeBins | ValueBins


def where_of(chosen: Sequence[tuple[Dimension, Collection[int]]]) -> str | None:
    """Return the predicate of jobs that are in a chosen bin of each dimension; None without any."""
    return " and ".join(bins.where(codes) for bins, codes in chosen) or None


def _counts(codes: Any, size: int) -> list[int]:
    import numpy as np

    counts: list[int] = np.bincount(codes, minlength=256)[:size].tolist()
    return counts
