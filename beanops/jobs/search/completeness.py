"""Compare the jobs that a scan found with the counts of the server, to know when all are found."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from beanops.client.sync import Client
from beanops.jobs.search.fresh_stats import FreshStats
from beanops.jobs.search.id_bounds import Count, count
from beanops.jobs.select import Selection
from beanops.protocol import JobStats, ServerStats, commands

#: Ids to look at before counting again: a count of jobs in some tubes asks for the statistics of each.
_PATIENCE = 32_768


class Account:
    """Keeps the ids of found jobs, eight bytes each.

    Parameters
    ----------
    client : Client
        A client that never reserves.
    selection : Selection
        The wanted jobs.
    stats : callable
        Returns the current statistics of a client's server.

    Attributes
    ----------
    found : array of int
        The found ids, in the order of finding.
    expected : int or None
        Number of jobs in the last count of the server; None where it does not count them.
    server : ServerStats
        The server's statistics at the start.
    """

    def __init__(
        self, client: Client, selection: Selection, stats: Callable[[Client], ServerStats] | None = None
    ) -> None:
        self.found = array("Q")
        self._selection = selection
        self._stats = stats or FreshStats()
        self._patience = 0
        self.start(client)

    def start(self, client: Client) -> None:
        """Count the jobs to find, before the search."""
        self._beginning = count(client, self._selection, self._stats)
        self.expected = self._beginning.expected
        self.server = self._beginning.server

    @property
    def short(self) -> bool:
        """Whether fewer jobs were found than the server counts."""
        return self.expected is not None and len(self.found) < self.expected

    def forget(self, ids: Iterable[int]) -> None:
        """Remove jobs from the found ones."""
        lost = set(ids)
        self.found = array("Q", (id for id in self.found if id not in lost))

    def settled(self, client: Client, looked: int, remaining: int) -> bool:
        """Whether all selected jobs were found, so that the other ids can be skipped.

        While jobs move, equal numbers prove nothing: a found job may have left and another come. Then the found jobs
        are looked at again, if they are fewer than the remaining ids; after a failure, not before as many more ids
        were looked at.
        """
        if self.expected is None or self.short or looked < self._patience:
            return False
        self._patience = looked + max(len(self.found), _PATIENCE)
        return self.holds(client, again=len(self.found) <= remaining)

    def holds(self, client: Client, *, again: bool = True) -> bool:
        """Whether as many found jobs are still selected as the server counts.

        If jobs moved since the start, they are looked at `again`, before a count and after it: jobs that did not move
        in between were selected at the count.
        """
        now = self._count(client)
        if now.stirred == self._beginning.stirred:
            return len(self.found) == now.expected
        if not again:
            return False
        before = self._looked_at(client)
        now = self._count(client)
        if now.expected is None or len(before) - before.count(0) < now.expected:
            return False
        stayed = sum(one == two != 0 for one, two in zip(before, self._looked_at(client), strict=True))
        return stayed == now.expected

    def _count(self, client: Client) -> Count:
        now = count(client, self._selection, self._stats)
        self.expected = now.expected
        return now

    def _looked_at(self, client: Client) -> array[int]:
        """Return a number for each found job: 0 if it is not selected, else one that grows with each move.

        A job returns to a state only by a reserve or a kick.
        """
        states = array("Q")
        for stats in client.pipeline(map(commands.stats_job, self.found)):
            if isinstance(stats, JobStats) and self._selection.takes(stats):
                states.append(1 + stats.reserves + stats.kicks)
            else:
                states.append(0)
        return states
