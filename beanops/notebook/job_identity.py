"""Which jobs a table shows. An id alone does not tell: a server that lost its jobs gives their ids out again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from beanops.jobs.identity import JobRef, ref_of
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import UsageError


class ShownJobs:
    """Remembers each job that was shown.

    Parameters
    ----------
    reused : callable
        Returns why ids of jobs that were shown mean others now, see `Session.reused`.
    most : int or None
        Jobs that are remembered, those that were shown last; None for all.
    """

    def __init__(self, reused: Callable[[Sequence[JobRef]], list[str | None]], most: int | None = None) -> None:
        self._reused = reused
        self._most = most
        self._jobs: dict[str, JobRef] = {}
        # A button is pressed while a look or a scan notes what it found.
        self._lock = threading.Lock()

    def note(self, jobs: Iterable[FoundJob]) -> None:
        """Remember jobs; one that is known already stays as it was seen first on this server process."""
        for job in jobs:
            key, known = str(job.id), self._known(job)
            with self._lock:
                self._jobs.pop(key, None)
                self._jobs[key] = known or ref_of(job)
                while self._most is not None and len(self._jobs) > self._most:
                    del self._jobs[next(iter(self._jobs))]

    def is_another(self, job: FoundJob) -> bool:
        """Whether a job has only the id of the one that was shown."""
        with self._lock:
            shown = str(job.id) in self._jobs
        return shown and self._known(job) is None

    def _known(self, job: FoundJob) -> JobRef | None:
        """Return what is remembered of a job, None if that was another one; after a restart the server is asked."""
        with self._lock:
            known = self._jobs.get(str(job.id))
        if known is None or known.tube != job.stats.tube:
            return None
        if known.instance == job.instance:
            return known
        (reason,) = self._reused([known])
        return ref_of(job) if reason is None else None

    def refs(self, keys: Iterable[str]) -> list[JobRef]:
        """Return jobs that were shown as a verb takes them: it leaves alone what is another job by now.

        Raises
        ------
        UsageError
            None of them was shown lately.
        """
        asked = list(keys)
        with self._lock:
            found = [self._jobs[key] for key in asked if key in self._jobs]
        if not found:
            raise UsageError(f"job {', '.join(asked)} is no longer in the table, and nothing was done to it")
        return found
