"""The ids that a scan has yet to ask for, in blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Blocks:
    """Parts of ids, in order; a range stays one, however long.

    Parameters
    ----------
    parts : iterable of sequence of int
        The ids.
    """

    def __init__(self, parts: Iterable[Sequence[int]] = ()) -> None:
        self.parts = [part for part in parts if part]

    @classmethod
    def of(cls, ids: Sequence[int], newest: bool, size: int) -> Blocks:
        """Return the ids from the highest to the lowest, or the other way round, in parts of at most `size`."""
        if isinstance(ids, range):
            return cls([ids if not ids or (ids[0] >= ids[-1]) == newest else ids[::-1]])
        ids = sorted(ids, reverse=newest)
        return cls(ids[at : at + size] for at in range(0, len(ids), size))

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def left(self) -> int:
        """The number of ids."""
        return sum(map(_size, self.parts))

    def next(self, size: int) -> tuple[Sequence[int], Blocks]:
        """Return the next block of at most `size` ids, and the ids after it."""
        if not self.parts:
            return (), self
        first = self.parts[0]
        return first[:size], Blocks([first[size:], *self.parts[1:]])

    def cut(self, size: int) -> list[Sequence[int]]:
        """Return all ids in parts of at most `size`."""
        return [part[at : at + size] for part in self.parts for at in range(0, _size(part), size)]


def _size(part: Sequence[int]) -> int:
    """Return the length, also of a range that is too long for `len`."""
    return abs((part[-1] - part[0]) // part.step) + 1 if isinstance(part, range) else len(part)
