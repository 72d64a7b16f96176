"""The statistics of a server as they are now, also where it answers from a cache.

Some servers keep what they answer to ``stats`` for up to half a second: counts then lack the youngest jobs, and
counters do not change while jobs move.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import cast

from beanops.client.sync import Client
from beanops.jobs.read import present
from beanops.protocol import ServerStats, commands

#: Seconds between two checks for renewed statistics, and after which there is no such cache.
_STEP, _GIVE_UP = 0.05, 3.0


class FreshStats:
    """Asks for statistics that are no older than the question.

    A server counts each ``stats`` before it answers. Two answers in a row with the same count come from a cache; from
    then on each question waits until the count has moved.

    Parameters
    ----------
    clock, sleep : callable
        Of `time`, for tests.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._instance: str | None = None
        self._cached = False

    def __call__(self, client: Client) -> ServerStats:
        """Return the statistics of the server."""
        latest = client.stats()
        if latest.id != self._instance:
            # Three, for the cache may be renewed between two of them.
            again = [cast(ServerStats, present(answer)) for answer in client.pipeline([commands.stats()] * 2)]
            self._cached = any(one.cmd_stats == two.cmd_stats for one, two in pairwise([latest, *again]))
            self._instance, latest = latest.id, again[-1]
        return self._renewed(client, latest) if self._cached else latest

    def _renewed(self, client: Client, old: ServerStats) -> ServerStats:
        give_up = self._clock() + _GIVE_UP
        while self._clock() < give_up:
            self._sleep(_STEP)
            new = client.stats()
            if new.cmd_stats != old.cmd_stats:
                return new
        return old
