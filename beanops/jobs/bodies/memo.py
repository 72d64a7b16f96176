"""`Memo`: what was worked out once, in bounded memory."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V]):
    """A dict that forgets everything when it is full, which is rare and costs less than to know the oldest.

    Who keeps something says whether it is small enough: strangers write what becomes a key.

    Parameters
    ----------
    most : int
        Maximum number of entries.

    Examples
    --------
    >>> squares = Memo(2)
    >>> [squares.keep(number, number**2) for number in (1, 2, 3)], squares
    ([1, 4, 9], {3: 9})
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> V:
        """Remember a value, and return it."""
        if len(self) >= self._most:
            self.clear()
        if self._most:
            self[key] = value
        return value


def is_short(keys: tuple[str, ...], most: int = 4096) -> bool:
    """Whether the keys of an object have few enough characters to be remembered."""
    return len(keys) <= 64 and sum(map(len, keys)) <= most


__all__ = ["Memo", "is_short"]
