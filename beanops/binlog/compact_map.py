"""A map of job ids to places that takes 8 bytes for each of ids in a row, which most ids of a log are."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import merge

_BITS = 6
_PAGE = 1 << _BITS
_MASK = _PAGE - 1
_EMPTY = array("Q", bytes(8 * _PAGE))
#: Ids that a page must have to be worth its bytes.
_WORTH = 6
#: Pages before the first look at what they are worth.
_FIRST_LOOK = 1024
#: Ids that go to the dict once most pages were not worth it, before pages are tried again.
_APART = 65_536


class CompactMap:
    """Maps 64-bit ids to 64-bit numbers other than 0.

    Ids in a row are in pages of 64; the few of a page that is nearly empty are in a dict.

    Attributes
    ----------
    size : int
        How many ids there are.

    Examples
    --------
    >>> places = CompactMap()
    >>> places.put(17, 4096), places.put(17, 8192), places.get(17), places.get(18)
    (0, 4096, 8192, 0)
    >>> list(places.ids()), places.size, places.pop(17), places.size
    ([17], 1, 8192, 0)
    """

    def __init__(self) -> None:
        self._pages: dict[int, array[int]] = {}
        self._sparse: dict[int, int] = {}
        self.size = 0
        self._most = _FIRST_LOOK
        self._apart = 0

    def get(self, id: int) -> int:
        """Return the number of an id, 0 where there is none."""
        page = self._pages.get(id >> _BITS)
        if page is not None and (value := page[id & _MASK]):
            return value
        return self._sparse.get(id, 0) if self._sparse else 0

    def put(self, id: int, value: int) -> int:
        """Set the number of an id, and return the one before."""
        key = id >> _BITS
        page = self._pages.get(key)
        if page is None:
            if self._apart or id in self._sparse:
                before = self._sparse.get(id, 0)
                self._sparse[id] = value
                self.size += not before
                self._apart -= self._apart > 0
                return before
            if len(self._pages) >= self._most:
                self._tidy()
            page = self._pages[key] = _EMPTY[:]
        place = id & _MASK
        before = page[place]
        page[place] = value
        if not before:
            before = self._sparse.pop(id, 0) if self._sparse else 0
            self.size += not before
        return before

    def pop(self, id: int) -> int:
        """Remove an id, and return its number, 0 where there was none."""
        before = 0
        page = self._pages.get(id >> _BITS)
        if page is not None:
            before = page[id & _MASK]
            page[id & _MASK] = 0
        if not before and self._sparse:
            before = self._sparse.pop(id, 0)
        self.size -= before > 0
        return before

    def ids(self, *, newest: bool = False) -> Iterator[int]:
        """Yield the ids, the lowest or the highest first; do not change the map during the iteration."""
        return (id for id, _ in self.items(newest=newest))

    def items(self, *, newest: bool = False) -> Iterator[tuple[int, int]]:
        """Yield ids with their numbers in the order of `ids`."""
        if not self._sparse:
            return self._in_pages(newest)
        sparse = sorted(self._sparse, reverse=newest)
        return merge(self._in_pages(newest), ((id, self._sparse[id]) for id in sparse), reverse=newest)

    def _in_pages(self, newest: bool) -> Iterator[tuple[int, int]]:
        for key in sorted(self._pages, reverse=newest):
            first = key << _BITS
            page = [(id, value) for id, value in enumerate(self._pages[key], first) if value]
            yield from reversed(page) if newest else page

    def _tidy(self) -> None:
        """Drop the pages that are empty or nearly so."""
        pages = len(self._pages)
        for key, page in list(self._pages.items()):
            if _PAGE - page.count(0) < _WORTH:
                self._sparse.update({(key << _BITS) + place: value for place, value in enumerate(page) if value})
                del self._pages[key]
        if 2 * len(self._pages) < pages:
            self._apart = _APART
        self._most = 2 * len(self._pages) + _FIRST_LOOK
