"""`NewJobs`: the jobs that are put on one server process, found by following its ids upwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from beanops.client.sync import Client
from beanops.jobs.read import FoundJob, present
from beanops.jobs.search.highest_id import climb
from beanops.jobs.search.id_bounds import bound
from beanops.jobs.search.id_map import IdMap
from beanops.jobs.search.new_ids import NewIds
from beanops.protocol import Command, JobStats, ServerStats, commands

#: Ids that one look asks for, at most.
MOST = 2048
#: New ids that are left for later looks when jobs come faster than these ask; of more, the oldest are left out.
BEHIND = 100_000


class NewJobs:
    """Finds the jobs that were put since the last look.

    Parameters
    ----------
    client : Client
        One that never reserves.
    server : ServerStats
        The statistics of the server process now.
    idmap : IdMap
        What is known of its ids.
    known : callable
        Returns the highest id that the journal has. Called only with a binlog.
    probe : callable or None
        Puts and deletes a job, and returns its id. Called only with a binlog.
    restarted : bool
        Whether all jobs that were put on this process are new, because it took the place of another one.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    instance : str
        The server process.
    put : int
        Jobs put since the beginning.
    found : int
        Those of them that were found.
    asked : int
        Ids that the last look asked for.
    work : float
        Seconds that the server worked during the last look, for all clients.
    """

    def __init__(
        self,
        client: Client,
        server: ServerStats,
        idmap: IdMap,
        *,
        known: Callable[[], int] = lambda: 0,
        probe: Callable[[], int] | None = None,
        restarted: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.instance = server.id
        self.put = self.found = self.asked = 0
        self.work = 0.0
        self._idmap = idmap
        self._clock = clock
        self._uploading: list[int] = []
        self._total = 0 if restarted else server.total_jobs
        # The server's uptime is in whole seconds.
        self._since = clock() - (server.uptime + 1 if restarted else 0)
        self._certain = not server.binlog_current_index
        if restarted and self._certain:
            self._ids = NewIds(server, 0, exact=False)
        elif self._certain:
            self._ids = self._after_old(client, server)
        else:
            at = bound(client, idmap, server, known, None if restarted else probe)
            self._certain = at.exact
            if not at.exact:
                for _ in climb(client, idmap):
                    pass
            first = max(1, idmap.top - server.cmd_put + 1) if restarted else None
            self._ids = NewIds(server, idmap.top, exact=at.exact, first=first)

    def _after_old(self, client: Client, server: ServerStats) -> NewIds:
        """Return the ids of a server without a binlog, after those of the jobs that are there."""
        ids = NewIds(server, server.total_jobs, exact=False)
        if server.cmd_put - server.total_jobs > MOST:  # so many puts were refused
            self._idmap.top = max(self._idmap.top, server.total_jobs)
            for _ in climb(client, self._idmap):
                pass
            ids.rise(self._idmap.top)
            self._certain = False
        if asked := ids.ids(MOST):
            jobs, after = self._ask(client, asked)
            ids.take([job.id for job in jobs], after.cmd_put)
            self._uploading = [job.id for job in jobs if job.state == "invalid"]
        return ids

    @property
    def unread(self) -> int:
        """The number of new ids that were left out, or not asked for yet."""
        return self._ids.passed + self._ids.behind

    def look(self, client: Client, server: ServerStats, most: int = MOST) -> list[FoundJob]:
        """Return the jobs put since the last look, the oldest first, without bodies; at most `most` ids are asked for.

        Parameters
        ----------
        client : Client
            One that never reserves.
        server : ServerStats
            New statistics of the process.
        most : int
            Maximum number of ids.
        """
        ids = self._ids
        self.asked, self.work = 0, 0.0
        self.put += max(0, server.total_jobs - self._total)
        self._total = server.total_jobs
        ids.look(server)
        ids.skip(BEHIND)
        if ids.quiet and not self._uploading:
            return []
        asked = [*self._uploading, *ids.ids(most)]
        jobs, after = self._ask(client, asked)
        if after.id != self.instance:
            return []  # the next look finds another process
        self.work = max(0.0, _work(after) - _work(server))
        if not jobs and ids.lost and self.put > self.found + self.unread:
            self._search(client, ids)
        ids.take([job.id for job in jobs], after.cmd_put)
        self._uploading = [job.id for job in jobs if job.state == "invalid"]
        new = [job for job in jobs if job.state != "invalid" and self._is_new(job)]
        self.found += len(new)
        seen = time.time()
        return [FoundJob(job, None, (), self.instance, seen) for job in new]

    def _ask(self, client: Client, asked: Sequence[int]) -> tuple[list[JobStats], ServerStats]:
        """Return the jobs with these ids, and the statistics of the server after them."""
        asks: chain[Command[Any]] = chain(map(commands.stats_job, asked), (commands.stats(),))
        *answers, after = client.pipeline(asks)
        self.asked += len(asked)
        return [job for job in map(present, answers) if job is not None], present(after)

    def _search(self, client: Client, ids: NewIds) -> None:
        """Look far above: jobs are put, and not where they are expected."""
        self._idmap.top = max(self._idmap.top, ids.low)
        for asked in climb(client, self._idmap):
            self.asked += asked
        if self._idmap.top > ids.low:
            ids.rise(self._idmap.top)

    def _is_new(self, job: JobStats) -> bool:
        """Whether a job was put since the beginning; where that is not known by its id, its age tells."""
        return self._certain or job.age <= self._clock() - self._since


def _work(server: ServerStats) -> float:
    return server.rusage_utime + server.rusage_stime
