"""What scans learn about ids: which have no job any more, and the tube of each of the others.

While a server runs, a job never changes its tube and an id is never reused, so no scan asks twice. A map is valid for
one server process, whose ``id`` is its key.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from beanops.jobs.read import FoundJob, present
from beanops.protocol import JobStats

_BITS = 12
_SIZE = 1 << _BITS
_UNKNOWN = 0
_GONE = 1
_FIRST_TUBE = 2


class IdMap:
    """Four bytes per id, in chunks that exist only for known ids.

    Attributes
    ----------
    top : int
        The highest id that is known to be in use or used.
    """

    def __init__(self) -> None:
        self.top = 0
        self._chunks: dict[int, array[int]] = {}
        self._numbers: dict[str, int] = {}
        self._all_gone = array("I", [_GONE]) * _SIZE

    def learn(self, id: int, tube: str) -> None:
        """Note that a job exists, and its tube."""
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
        """Note that these ids have no job. Ids above `top`, the highest id before the question, may get one later."""
        touched = set()
        for id in ids:
            if id < top:
                self._chunk(id)[id & (_SIZE - 1)] = _GONE
                touched.add(id >> _BITS)
        for key in touched:
            if self._chunks[key] == self._all_gone:
                self._chunks[key] = self._all_gone

    def candidates(self, ids: range, matches: Callable[[str], bool]) -> list[int]:
        """Return the ids that may have a job in a matching tube, in their order.

        Parameters
        ----------
        ids : range
            With a step of 1 or -1.
        matches : callable
            Whether the tube of that name matches.
        """
        # A copy: the scan of another thread may add a tube.
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


def learned(
    idmap: IdMap,
    ids: Sequence[int],
    answers: Iterable[Any],
    top: int,
    instance: str,
    states: Collection[str],
    in_tube: Callable[[str], bool],
) -> list[FoundJob]:
    """Learn from the answers to ``stats-job`` which ids have jobs; return the jobs in these states and tubes.

    Parameters
    ----------
    idmap : IdMap
        The map of the server process.
    ids, answers : iterable
        The ids, and the answer for each.
    top : int
        The highest id before the question; an id above it may get a job later.
    instance : str
        The server process.
    states, in_tube : collection of str, callable
        Which jobs to return.
    """
    hits = []
    gone = []
    learn, now = idmap.learn, time.time
    for id, stats in zip(ids, answers, strict=False):
        if type(stats) is JobStats:
            learn(id, stats.tube)
            if stats.state in states and in_tube(stats.tube):
                hits.append(FoundJob(stats, None, (), instance, now()))
        elif present(stats) is None:
            gone.append(id)
    idmap.forget(gone, top)
    return hits


class IdMaps(dict[str, IdMap]):
    """The map of each server process, by its ``id``."""

    def __missing__(self, server: str) -> IdMap:
        known = self[server] = IdMap()
        return known
