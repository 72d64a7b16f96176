"""`Marks`: which rows of a table are marked, by key, so that they stay marked through every refresh, sort and filter.

What is done to marked rows is not here: a screen asks its table for `marked`, and captures that before a dialog opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class Marks:
    """A set of keys, and the row from which a range goes on."""

    def __init__(self) -> None:
        self.keys: set[Any] = set()
        self._anchor: Any = None

    def __contains__(self, key: Any) -> bool:
        return key in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def toggle(self, key: Any) -> None:
        """Mark a row, or take its mark away; a range goes on from here."""
        self.keys ^= {key}
        self._anchor = key

    def reach(self, shown: Sequence[Any], place: int, place_of: Callable[[Any], int | None]) -> None:
        """Mark all rows from the last one that was marked by hand to `place`, as they stand."""
        start = place_of(self._anchor)
        first, last = sorted((place if start is None else start, place))
        self.keys.update(shown[first : last + 1])
        self._anchor = shown[place]

    def all(self, shown: Iterable[Any]) -> None:
        """Mark all these rows; take their marks away if all have one."""
        keys = set(shown)
        self.keys = self.keys - keys if keys <= self.keys else self.keys | keys

    def clear(self) -> None:
        """Take all marks away."""
        self.keys.clear()
        self._anchor = None
