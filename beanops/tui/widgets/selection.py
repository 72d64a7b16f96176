"""`RowSelection`: the selected rows of a table, by key, so that refresh, sort and filter do not change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any


class RowSelection:
    """A set of keys, and the row where a range begins.

    Attributes
    ----------
    keys : set
        The keys of the selected rows.
    everything : bool
        Whether all rows that there are were selected, also those that are not loaded; then `keys` is empty.
    """

    def __init__(self) -> None:
        self.keys: set[Any] = set()
        self.everything = False
        self._anchor: Any = None

    def __contains__(self, key: Any) -> bool:
        return self.everything or key in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def toggle(self, key: Any) -> None:
        """Select or deselect a row; a range begins here."""
        self.keys ^= {key}
        self._anchor = key

    def reach(self, shown: Sequence[Any], place: int, place_of: Callable[[Any], int | None]) -> None:
        """Select all rows from the last one selected by hand to `place`, as shown."""
        start = place_of(self._anchor)
        first, last = sorted((place if start is None else start, place))
        self.keys.update(shown[first : last + 1])
        self._anchor = shown[place]

    def all(self, shown: Iterable[Any]) -> None:
        """Select all these rows, or deselect them if all are selected."""
        keys = set(shown)
        self.keys = self.keys - keys if keys <= self.keys else self.keys | keys

    def clear(self) -> None:
        """Clear selection."""
        self.keys.clear()
        self.everything = False
        self._anchor = None
