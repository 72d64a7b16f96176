"""The account of a scan: what the server counts against what was found, and whether that is all."""

from __future__ import annotations

from array import array

from beanops.client.sync import Client
from beanops.jobs.plan import Count, count
from beanops.jobs.select import Selection
from beanops.protocol import JobStats, commands

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

    Attributes
    ----------
    found : array of int
        Ids that were found, in the order of finding.
    """

    def __init__(self, client: Client, selection: Selection) -> None:
        self.found = array("Q")
        self._selection = selection
        self._patience = 0
        self.start(client)

    def start(self, client: Client) -> None:
        """Count anew what is to be found."""
        self._start: Count = count(client, self._selection)

    @property
    def expected(self) -> int | None:
        """How many jobs the server counts; None when it does not count them."""
        return self._start.expected

    @property
    def short(self) -> bool:
        """Whether fewer jobs were found than the server counts."""
        return self.expected is not None and len(self.found) < self.expected

    def settled(self, client: Client, looked: int, remaining: int) -> bool:
        """Whether all selected jobs were found, so that the other ids need no look.

        While jobs move, equal numbers alone prove nothing: one may have left that was found, one come that was
        not. Then the found ones are looked at again, if they are fewer than the ids that remain; and after that
        in vain, not before as many more ids were looked at.
        """
        if self.expected is None or self.short:
            return False
        if looked < self._patience:
            return False
        self._patience = looked + max(len(self.found), _PATIENCE)
        now = count(client, self._selection)
        still = now.stirred == self._start.stirred
        self._start = now
        return still or (len(self.found) <= remaining and self.stands(client))

    def stands(self, client: Client) -> bool:
        """Whether those found that are selected now are as many as the server counts now."""
        here = 0
        for stats in client.pipeline(map(commands.stats_job, self.found)):
            here += isinstance(stats, JobStats) and self._selection.takes(stats)
        self.start(client)
        return here == self.expected
