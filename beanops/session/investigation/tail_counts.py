"""`TailCounts`: what a tail has seen, and what it may have missed, in numbers and in words."""

from __future__ import annotations

from typing import NamedTuple

from beanops.text import inflected, plural


class TailCounts(NamedTuple):
    """What a tail has seen, and what it may have missed.

    Attributes
    ----------
    shown : int
        Jobs that are selected.
    read : int
        Jobs in the tubes, whatever their state is and the predicate says.
    missed, most_missed : int
        How many other jobs were put into the tubes, at least and at most. They are equal unless tubes came and went.
    unread : int
        Jobs of the server, in any tube, that were too many to ask for. Other jobs that are missed were gone.
    undecoded : int
        Jobs whose bodies the predicate reads and that were not decoded.

    Examples
    --------
    >>> TailCounts(500, 500, 12_000, 12_000, 9_000).words
    '500 jobs, and 12,000 jobs more were put, of which 3,000 were gone before they could be read'
    """

    shown: int = 0
    read: int = 0
    missed: int = 0
    most_missed: int = 0
    unread: int = 0
    undecoded: int = 0

    @property
    def words(self) -> str:
        """All of it in one line."""
        text = plural(self.shown, "job")
        if self.shown != self.read:
            text += f" of {self.read:,} that {'was' if self.read == 1 else 'were'} read"
        if self.undecoded:
            text += f", {self.undecoded:,} not decoded"
        if self.most_missed:
            less = "" if self.missed == self.most_missed else f"{self.missed:,} to "
            jobs = inflected(self.most_missed, "job")
            text += f", and {less}{self.most_missed:,} {jobs} more {_were(self.most_missed)} put, {self._fate}"
        return text

    @property
    def _fate(self) -> str:
        if not self.unread:
            them = "it" if self.most_missed == 1 else "they"
            return f"gone before {them} could be read"
        gone = self.most_missed - self.unread
        if self.missed == self.most_missed and gone > 0:
            return f"of which {gone:,} {_were(gone)} gone before they could be read"
        return "too many to read or gone before" if gone > 0 else "too many to read"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
