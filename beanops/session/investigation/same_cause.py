"""`CauseCounts`: how many jobs of a tube that are in one state have each cause, counted once and within bounds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from beanops.jobs.causes import Cause, Causes
from beanops.jobs.search.progress import Progress
from beanops.protocol.errors import BeanopsError
from beanops.session.context import Context
from beanops.session.lookups import Lookups

#: Seconds that counting may take, and jobs that are counted.
LONGEST, MOST = 3.0, 200_000


class JobsAlike(NamedTuple):
    """The jobs with the cause of one job.

    Attributes
    ----------
    cause : Cause
        The cause.
    others : int
        The number of other jobs with it, as far as they were counted.
    complete : bool
        Whether all jobs were counted.
    """

    cause: Cause
    others: int
    complete: bool

    @property
    def words(self) -> str:
        """The number in words."""
        what = "with this error" if self.cause.kind == "error" else "of this kind"
        if not self.others:
            return f"no other {what}" if self.complete else f"others {what}: not counted to the end"
        others = "1 other" if self.others == 1 else f"{self.others:,} others"
        return f"{'' if self.complete else 'at least '}{others} {what}"


class CauseCounts:
    """Counts the jobs by cause.

    Parameters
    ----------
    context : Context
        Says what may be shown of bodies.
    lookups : Lookups
        Finds jobs.
    tube, state : str
        Whose jobs.
    clock : callable
        Seconds, for the bound.
    """

    def __init__(
        self, context: Context, lookups: Lookups, tube: str, state: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.place = tube, state
        self._causes = Causes(context.reader)
        self._lookups = lookups
        self._clock = clock
        self._counts: Counter[str] | None = None
        self._complete = False

    def alike(self, body: bytes) -> JobsAlike:
        """Return the jobs with the cause of a body; blocks on the network for the first one."""
        if self._counts is None:
            self._counts = self._count()
        cause = self._causes.of(body)
        return JobsAlike(cause, max(0, self._counts[cause.name] - 1), self._complete)

    def _count(self) -> Counter[str]:
        tube, state = self.place
        end = self._clock() + LONGEST

        def looked(_: Progress) -> None:
            if self._clock() > end:
                scan.cancel()

        counts: Counter[str] = Counter()
        scan = self._lookups.raw_scan(tube, state=state, limit=MOST, order="newest", progress=looked)
        try:
            for batch in scan:
                counts.update(self._causes.of(job.body).name for job in batch)
            self._complete = scan.seen_all
        except BeanopsError:
            self._complete = False
        return counts
