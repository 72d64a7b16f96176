"""`RowOrder`: in which order the rows of a table stand, quickly for ten thousand that mostly stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

R = TypeVar("R")


class RowOrder(Generic[R]):
    """Sorts rows by a value, equal ones by their first column; it remembers the order of the first column.

    Parameters
    ----------
    first : callable
        The value of the first column, which seldom changes.
    """

    def __init__(self, first: Callable[[R], Any]) -> None:
        self._first = first
        self._firsts: list[Any] = []
        self._base: list[int] = []

    def sort(self, rows: Sequence[R], value: Callable[[R], Any], *, descending: bool) -> list[int]:
        """Return the places of the rows in their order; what is unknown stands last, whichever way round."""
        firsts = list(map(self._first, rows))
        if firsts != self._firsts:
            self._firsts, self._base = firsts, sorted(range(len(rows)), key=firsts.__getitem__)
        if value is self._first:
            return self._base[::-1] if descending else self._base
        values = list(map(value, rows))
        known, unknown = self._base, []
        if None in values:
            known = [place for place in self._base if values[place] is not None]
            unknown = [place for place in self._base if values[place] is None]
        return sorted(known, key=values.__getitem__, reverse=descending) + unknown


def held(keys: Sequence[Any], places: Mapping[Any, int]) -> list[int]:
    """Return the places of the rows in the order that they had; new ones stand last."""
    last = len(places)
    before = [places.get(key, last) for key in keys]
    return sorted(range(len(keys)), key=before.__getitem__)
