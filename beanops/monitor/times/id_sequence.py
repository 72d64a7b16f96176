"""Which ids a server has given to the jobs put since the last look.

The server has one sequence of ids for all tubes, and does not say where it is. It is ahead of the counter of jobs by
an offset: what was put before a restart from a binlog, and puts that were refused after their id was taken. Each job
that was put between two looks bounds the offset from both sides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import inf
from random import Random
from typing import NamedTuple

from beanops.monitor.times.durations import Interval
from beanops.protocol import ServerStats

#: Looks whose counters are kept, to say between which of them a job was put.
_KEPT = 60
#: Powers of two beyond the highest known id that a search reaches.
_POWERS = 24


class Draw(NamedTuple):
    """Ids to ask for.

    Attributes
    ----------
    ids : list of int
        The ids.
    new : int
        Jobs put since the last look, which `ids` are drawn from; 0 where that is not certain, so that an id
        without a job says nothing.
    late : float
        How many looks earlier than since the last one they may have been put.
    """

    ids: list[int]
    new: int
    late: float = 0.0


class _Mark(NamedTuple):
    at: float
    total: int


class IdSequence:
    """Learns where the sequence of ids of one server process is.

    Parameters
    ----------
    random : Random
        Draws ids.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._marks: deque[_Mark] = deque(maxlen=_KEPT)
        self._refused: int | None = None
        self._offset = Interval(0, inf)

    def look(self, at: float, server: ServerStats) -> int:
        """Note the counters of a look, and return the number of jobs put since the last one."""
        refused = max(0, server.cmd_put - server.total_jobs)
        if self._refused is None:
            # Without a binlog the ids of a process begin at 1.
            high = inf if server.binlog_current_index else refused
        else:
            high = self._offset.high + max(0, refused - self._refused)
        self._offset = Interval(self._offset.low, max(self._offset.low, high))
        self._refused = refused
        new = max(0, server.total_jobs - self._marks[-1].total) if self._marks else 0
        self._marks.append(_Mark(at, server.total_jobs))
        return new

    @property
    def exact(self) -> bool:
        """Whether the ids of the jobs put since the last look are known."""
        return self._offset.width == 0

    def learn(self, jobs: Iterable[tuple[int, float]], total: int) -> None:
        """Bound the offset by jobs that exist.

        Parameters
        ----------
        jobs : iterable of (int, float)
            Their ids, and since when at most they have existed.
        total : int
            Jobs put so far, by statistics that were read after the jobs.
        """
        for id, since in jobs:
            before = next((mark for mark in reversed(self._marks) if mark.at <= since), None)
            high = id - before.total - 1 if before is not None else inf
            low = max(0, id - total)
            # What is learned last is right: more puts may have been refused, or the clock of the server set.
            if low <= high:
                self._offset = self._offset.within(Interval(low, high))

    def draw(self, new: int, most: int) -> Draw:
        """Return at most `most` of the ids of the last `new` jobs; some beyond while it is uncertain which they are."""
        if not new or not self._marks:
            return Draw([], 0)
        low, high = self._offset
        last = int(low) + self._marks[-1].total
        if high - low <= new:
            ids = range(last - new + 1, last + 1)
            return Draw(list(ids) if new <= most else self._random.sample(ids, most), new, (high - low) / new)
        # Jobs that lie ahead: those that are found bound the offset.
        first = max(1, last - new + 1)
        if high < inf:
            ids = range(first, int(high) + self._marks[-1].total + 1)
            return Draw(self._random.sample(ids, min(most, len(ids))), 0)
        reach = [last + 2 ** self._random.uniform(0, _POWERS) for _ in range(most - most // 4)]
        return Draw(sorted({*(self._random.randint(first, last) for _ in range(most // 4)), *map(int, reach)}), 0)
