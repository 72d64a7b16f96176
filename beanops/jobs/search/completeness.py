"""The account of a scan: what the server counts against what was found, and whether that is all."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from beanops.client.sync import Client
from beanops.jobs.search.fresh_stats import FreshStats
from beanops.jobs.search.id_bounds import Count, count
from beanops.jobs.select import Selection
from beanops.protocol import JobStats, ServerStats, commands

#: Ids to look at before asking again: a count of the jobs in some tubes asks for the statistics of each.
_PATIENCE = 32_768


class Account:
    """Keeps the ids of found jobs, eight bytes each.

    Parameters
    ----------
    client : Client
        One that never reserves.
    selection : Selection
        Which jobs count.
    stats : callable
        Returns the statistics of the server that a client is connected to, as they are now.

    Attributes
    ----------
    found : array of int
        Ids that were found, in the order of finding.
    expected : int or None
        How many jobs the server counted when it was last asked; None when it does not count them.
    server : ServerStats
        The statistics when the account was started.
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
        """Count what is to be found, before anything was."""
        self._beginning = count(client, self._selection, self._stats)
        self.expected = self._beginning.expected
        self.server = self._beginning.server

    @property
    def short(self) -> bool:
        """Whether fewer jobs were found than the server counts."""
        return self.expected is not None and len(self.found) < self.expected

    def forget(self, ids: Iterable[int]) -> None:
        """Count jobs as not found after all."""
        lost = set(ids)
        self.found = array("Q", (id for id in self.found if id not in lost))

    def settled(self, client: Client, looked: int, remaining: int) -> bool:
        """Whether all selected jobs were found, so that the other ids need no look.

        While jobs move, equal numbers alone prove nothing: one may have left that was found, one come that was
        not. Then the found ones are looked at again, if they are fewer than the ids that remain; and after that
        in vain, not before as many more ids were looked at.
        """
        if self.expected is None or self.short or looked < self._patience:
            return False
        self._patience = looked + max(len(self.found), _PATIENCE)
        return self.stands(client, again=len(self.found) <= remaining)

    def stands(self, client: Client, *, again: bool = True) -> bool:
        """Whether those found that are selected now are as many as the server counts now.

        If anything moved since the beginning, they are looked at `again`, before a count and after it: those that
        stayed in between were selected when the server counted.
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
        """Return a number for each found job, which is 0 if it is not selected and grows each time that it moves.

        No job comes back to a state without being reserved or kicked.
        """
        states = array("Q")
        for stats in client.pipeline(map(commands.stats_job, self.found)):
            if isinstance(stats, JobStats) and self._selection.takes(stats):
                states.append(1 + stats.reserves + stats.kicks)
            else:
                states.append(0)
        return states
