"""The age of the next ready job of a tube, and a job of it that a worker has reserved, for the tubes on a screen.

The server has no single command for either: it takes a peek, then the statistics of the job. Each look limits both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from heapq import nsmallest
from typing import Any

from beanops.client.sync import Client
from beanops.protocol import Command, Job, JobStats, TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError

#: Most tubes whose next job a look peeks at, and bytes of bodies after which it peeks no more.
PEEKS, BYTES = 12, 256 * 1024


class Ages:
    """Keeps the next ready job of each tube, and the one before it that a worker has reserved."""

    def __init__(self) -> None:
        self._heads: dict[str, JobStats] = {}
        self._taken: dict[str, JobStats] = {}
        self._peeked: dict[str, int] = {}
        self._looks = 0

    def head(self, tube: str) -> JobStats | None:
        """Return the next ready job of a tube at the last look that asked for it."""
        return self._heads.get(tube)

    def taken(self, tube: str) -> JobStats | None:
        """Return a job of a tube that is reserved."""
        return self._taken.get(tube)

    def look(self, client: Client, tubes: Collection[TubeStats], wanted: Set[str]) -> None:
        """Update the jobs of some tubes, given their statistics; forget tubes that are not `wanted`."""
        self._looks += 1
        memories: tuple[dict[str, Any], ...] = (self._heads, self._taken, self._peeked)
        for memory in memories:
            for name in memory.keys() - wanted:
                del memory[name]
        names = [tube.name for tube in tubes]
        known = {jobs[name].id: None for name in names for jobs in (self._heads, self._taken) if name in jobs}
        now = _jobs(client, known)
        for name in names:
            head = now.get(self._heads[name].id) if name in self._heads else None
            taken = now.get(self._taken[name].id) if name in self._taken else None
            if head is not None and head.state == "reserved":
                taken = head if taken is None or taken.state != "reserved" else taken
            _keep(self._heads, name, head, "ready")
            _keep(self._taken, name, taken, "reserved")
        # In turn, also where a job is known: a more urgent one may have become ready.
        waiting = (tube.name for tube in tubes if tube.current_jobs_ready)
        self._peek(client, nsmallest(PEEKS, waiting, key=lambda name: self._peeked.get(name, 0)))

    def _peek(self, client: Client, names: list[str]) -> None:
        found: dict[int, str] = {}
        size = 0
        for name in names:
            if size > BYTES:
                break
            _, job = client.pipeline(_peek_into(name))
            self._peeked[name] = self._looks
            if isinstance(job, Job):
                found[job.id] = name
                size += len(job.body)
        if names:
            client.use("default")  # a tube that is used would not cease to exist
        for id, stats in _jobs(client, found).items():
            _keep(self._heads, found[id], stats, "ready")


def _peek_into(tube: str) -> list[Command[Any]]:
    return [commands.use(tube), commands.peek_ready()]


def _jobs(client: Client, ids: Iterable[int]) -> dict[int, JobStats]:
    found = {}
    for result in client.pipeline(map(commands.stats_job, ids)):
        if not isinstance(result, ReplyError):
            found[result.id] = result
        elif not isinstance(result, NotFound):
            raise result
    return found


def _keep(jobs: dict[str, JobStats], tube: str, job: JobStats | None, state: str) -> None:
    if job is not None and job.state == state and job.tube == tube:
        jobs[tube] = job
    else:
        jobs.pop(tube, None)
