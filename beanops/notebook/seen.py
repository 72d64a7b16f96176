"""Which jobs a table shows. An id alone does not tell: a server that lost its jobs gives their ids out again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.orders import put_after

if TYPE_CHECKING:
    import pandas


class Seen:
    """Remembers the tube and the time of the put of each job that was shown.

    Parameters
    ----------
    most : int or None
        Jobs that are remembered, those that were shown last; None for all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._jobs: dict[str, tuple[str, float]] = {}
        # A button is pressed while a look or a scan notes what it found.
        self._lock = threading.Lock()

    def note(self, jobs: Iterable[FoundJob]) -> None:
        """Remember jobs; one that is known already stays as it was seen first."""
        now = time.time()
        with self._lock:
            for job in jobs:
                key = str(job.id)
                known = self._jobs.pop(key, None)
                fits = known is not None and _is_it(job.stats, *known)
                self._jobs[key] = known if known is not None and fits else (job.stats.tube, now - job.stats.age)
            while self._most is not None and len(self._jobs) > self._most:
                del self._jobs[next(iter(self._jobs))]

    def is_another(self, stats: JobStats) -> bool:
        """Whether a job has only the id of the one that was shown."""
        with self._lock:
            known = self._jobs.get(str(stats.id))
        return known is not None and not _is_it(stats, *known)

    def frame(self, keys: Iterable[str]) -> pandas.DataFrame:
        """Return jobs that were shown as a verb takes them: it leaves alone what is another job by now.

        Raises
        ------
        UsageError
            None of them was shown lately.
        """
        import pandas as pd

        asked = list(keys)
        with self._lock:
            rows = [(int(key), *self._jobs[key]) for key in asked if key in self._jobs]
        if not rows:
            raise UsageError(f"job {', '.join(asked)} is no longer in the table, and nothing was done to it")
        ids, tubes, created = zip(*rows, strict=True)
        put = pd.to_datetime([int(moment * 1e6) for moment in created], unit="us", utc=True).as_unit("us")
        return pd.DataFrame({"id": pd.array(ids, dtype="uint64"), "tube": tubes, "created": put})


def _is_it(stats: JobStats, tube: str, created: float) -> bool:
    return stats.tube == tube and not put_after(stats, created)
