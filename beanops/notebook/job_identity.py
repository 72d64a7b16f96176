"""Which jobs a table shows. An id is not enough: a server that lost its jobs reuses their ids for others."""

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
        Returns why ids belong to other jobs now, see `Session.reused`.
    most : int or None
        Jobs to remember, those shown last; None for all.
    """

    def __init__(self, reused: Callable[[Sequence[JobRef]], list[str | None]], most: int | None = None) -> None:
        self._reused = reused
        self._most = most
        self._jobs: dict[str, JobRef] = {}
        # A button may be pressed while a look or a scan notes its jobs.
        self._lock = threading.Lock()

    def note(self, jobs: Iterable[FoundJob]) -> None:
        """Remember jobs; a known one stays as it was first seen on this server process."""
        for job in jobs:
            key, known = str(job.id), self._known(job)
            with self._lock:
                self._jobs.pop(key, None)
                self._jobs[key] = known or ref_of(job)
                while self._most is not None and len(self._jobs) > self._most:
                    del self._jobs[next(iter(self._jobs))]

    def is_another(self, job: FoundJob) -> bool:
        """Whether a job differs from the shown one with its id."""
        with self._lock:
            shown = str(job.id) in self._jobs
        return shown and self._known(job) is None

    def _known(self, job: FoundJob) -> JobRef | None:
        """Return the memory of a job, None where that is of another one; after a restart the server is asked."""
        with self._lock:
            known = self._jobs.get(str(job.id))
        if known is None or known.tube != job.stats.tube:
            return None
        if known.instance == job.instance:
            return known
        (reason,) = self._reused([known])
        return ref_of(job) if reason is None else None

    def refs(self, keys: Iterable[str]) -> list[JobRef]:
        """Return shown jobs as a verb takes them: it skips ids that other jobs have now.

        Raises
        ------
        UsageError
            None of them is remembered.
        """
        asked = list(keys)
        with self._lock:
            found = [self._jobs[key] for key in asked if key in self._jobs]
        if not found:
            raise UsageError(f"job {', '.join(asked)} is no longer in the table; nothing was done")
        return found
