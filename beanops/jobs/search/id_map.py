"""What scans learned of a server's ids: which are gone for good, and which tube each of the others is in.

A job never changes its tube and an id is never given out twice while the server runs, so neither has to be
asked again. What is learned holds for one server process: it is keyed on the server's ``id``.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

_BITS = 12
_SIZE = 1 << _BITS
_UNKNOWN = 0
_GONE = 1
_FIRST_TUBE = 2


class IdMap:
    """Four bytes an id, in chunks that exist only where something is known.

    Attributes
    ----------
    top : int
        The highest id that is known to have been given out.
    """

    def __init__(self) -> None:
        self.top = 0
        self._chunks: dict[int, array[int]] = {}
        self._numbers: dict[str, int] = {}
        self._all_gone = array("I", [_GONE]) * _SIZE

    def learn(self, id: int, tube: str) -> None:
        """Note that a job exists, and where."""
        number = self._numbers.get(tube)
        if number is None:
            number = self._numbers[tube] = len(self._numbers) + _FIRST_TUBE
        chunk = self._chunks.get(id >> _BITS)
        if chunk is None or chunk is self._all_gone:
            chunk = self._chunk(id)
        chunk[id & (_SIZE - 1)] = number
        if id > self.top:
            self.top = id

    def forget(self, ids: Iterable[int], top: int) -> None:
        """Note that these ids have no job. Those above what was `top` before they were asked for may get one yet."""
        touched = set()
        for id in ids:
            if id < top:
                self._chunk(id)[id & (_SIZE - 1)] = _GONE
                touched.add(id >> _BITS)
        for key in touched:
            if self._chunks[key] == self._all_gone:
                self._chunks[key] = self._all_gone

    def candidates(self, ids: range, matches: Callable[[str], bool]) -> list[int]:
        """Return those of `ids` that may have a job in a tube that matches, in their order.

        Parameters
        ----------
        ids : range
            With a step of 1 or -1.
        matches : callable
            Says of a tube's name whether its jobs are wanted.
        """
        # A copy: the scan of another thread may learn of a tube meanwhile.
        wanted = {_UNKNOWN, *(number for tube, number in list(self._numbers.items()) if matches(tube))}
        found: list[int] = []
        position, step = ids.start, ids.step
        while position != ids.stop:
            key = position >> _BITS
            edge = (key + 1 << _BITS) if step > 0 else (key << _BITS) - 1
            end = min(edge, ids.stop) if step > 0 else max(edge, ids.stop)
            chunk = self._chunks.get(key)
            part = range(position, end, step)
            if chunk is None:
                found.extend(part)
            elif chunk is not self._all_gone:
                found.extend([id for id in part if chunk[id & (_SIZE - 1)] in wanted])
            position = end
        return found

    def _chunk(self, id: int) -> array[int]:
        key = id >> _BITS
        chunk = self._chunks.get(key)
        if chunk is None or chunk is self._all_gone:
            chunk = self._chunks[key] = array("I", self._all_gone if chunk is not None else bytes(4 * _SIZE))
        return chunk


class IdMaps(dict[str, IdMap]):
    """What is known of each server process that was met, by its ``id``."""

    def __missing__(self, server: str) -> IdMap:
        known = self[server] = IdMap()
        return known
