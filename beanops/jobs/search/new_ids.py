"""`NewIds`: which ids the jobs have that were put since the last look at one server process. It sends nothing.

Each put takes the next id of the server, which does not say where its sequence is. The counter of jobs bounds the
newest id from below, since each job has an id of its own; the counter of put commands from above, since some are
refused or their bodies are on the way. Jobs that are found bound it from both sides.
"""

from __future__ import annotations

from collections.abc import Collection

from beanops.protocol import ServerStats


class NewIds:
    """Follows the sequence of ids of one server process upwards.

    Parameters
    ----------
    server : ServerStats
        The statistics of the server at the beginning.
    newest : int
        The newest id then, as far as it is known; at least so many were given out.
    exact : bool
        Whether it is the newest one.
    first : int or None
        The first id that is new; None is the one after the newest.

    Attributes
    ----------
    low : int
        The newest id is this or a higher one.
    passed : int
        New ids that `skip` left out.
    """

    def __init__(self, server: ServerStats, newest: int, *, exact: bool, first: int | None = None) -> None:
        self.low = newest
        self.passed = 0
        self._next = newest + 1 if first is None else first
        self._high = newest if exact else None
        self._puts = self._began = server.cmd_put
        self._ending = self._next
        # Without a binlog the ids of a process begin at 1: as many as it has jobs, and up to its puts.
        self._base = None if server.binlog_current_index else 0
        self._taken: set[int] = set()
        self._asked = (0, -1)
        self.look(server)

    def look(self, server: ServerStats) -> None:
        """Note the counters of the server, before ids are asked for."""
        puts = max(0, server.cmd_put - self._puts)
        self._puts = server.cmd_put
        if self._high is not None:
            self._high += puts
        if self._base is not None:
            self.low = max(self.low, self._base + server.total_jobs)
            if not server.binlog_current_index:
                self._high = server.cmd_put if self._high is None else min(self._high, server.cmd_put)
        if self._high is not None:
            self._high = max(self._high, self.low)

    @property
    def behind(self) -> int:
        """The number of ids that were given out and not asked for yet."""
        return max(0, self.low + 1 - self._next)

    @property
    def lost(self) -> bool:
        """Whether nothing bounds the newest id from above."""
        return self._high is None

    @property
    def quiet(self) -> bool:
        """Whether no put came since ids were asked for last, and none of them is left."""
        return self._asked[1] == self._puts and not self.behind

    def ids(self, most: int) -> list[int]:
        """Return the ids to ask for, the oldest first: those that are new, and some that may be."""
        end = self._next + most
        if self._high is not None:
            end = min(end, self._high + 1)
        self._ending = end
        return [id for id in range(self._next, end) if id not in self._taken]

    def skip(self, most: int) -> None:
        """Leave out the oldest of the new ids, so that at most so many are left."""
        if self.behind > most:
            first = self.low + 1 - most
            self.passed += first - self._next - sum(id < first for id in self._taken)
            self._go_on(first)

    def take(self, found: Collection[int], puts: int) -> None:
        """Note which of the ids have jobs.

        Parameters
        ----------
        found : collection of int
            Those of the ids that have a job.
        puts : int
            Put commands so far, by statistics that were read after the jobs.
        """
        asked_to, puts_then = self._asked
        known = self.low  # ids above it may have been given out after they were asked for
        for id in found:
            self._taken.add(id)
            self.low = max(self.low, id)
            self._base = max(self._base or 0, id - puts)
            if known < id < asked_to:
                # It was asked for at the last look, when it had no job: it was given out since.
                self.put_since(id, puts_then)
        self._asked = (self._ending, self._puts)
        self._go_on(min(self._ending, known + 1))

    def put_since(self, id: int, puts: int) -> None:
        """Note that a job was put after a look that counted so many put commands."""
        high = id - 1 + max(0, self._puts - puts)
        self._high = max(self.low, high if self._high is None else min(self._high, high))

    def rise(self, id: int) -> None:
        """Note an id that was found by other means, far above the others: only as many are new as there were puts."""
        self.low = max(self.low, id)
        if self._high is not None:
            self._high = max(self._high, self.low)
        self._go_on(id + 1 - (self._puts - self._began))

    def _go_on(self, first: int) -> None:
        self._next = max(self._next, first)
        if self._taken:
            self._taken = {id for id in self._taken if id >= self._next}
