"""A search for jobs of a log: the same selection as that of a server, in batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, SupportsIndex, TypedDict

from beanops.binlog.logged_job import AT_START, LoggedJob
from beanops.jobs.select import Selection
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import check_choice

if TYPE_CHECKING:
    from beanops.jobs.sql.where import Where

#: Jobs of a batch at most, and bytes of their bodies after which it takes no more.
_BATCH, _MOST_BODIES = 1024, 4 * 2**20


class LogOptions(TypedDict, total=False):
    """Options that select jobs of a log; those of `Session.jobs`, and what a start makes of the jobs."""

    ids: Any
    state: str | Iterable[str] | None
    where: str | None
    limit: SupportsIndex | None
    order: str
    at_start: str | Iterable[str] | None
    query_timeout: float | None


class LogSearch:
    """Finds the jobs of a selection.

    Parameters
    ----------
    jobs : callable
        Yields the jobs of the log, in the order of their ids; it takes ``newest`` and ``bodies``.
    selection : Selection
        Which jobs.
    at_start : collection of str or None
        Only jobs of which a start makes this, see `beanops.binlog.logged_job.AT_START`; None is all.
    redact : tuple of str
        Patterns of keys whose values are hidden from the predicate.
    query_timeout : float or None
        Seconds that the predicate may take for a batch.
    now : int
        The time, in nanoseconds since 1970.

    Attributes
    ----------
    undecoded : int
        Jobs left out because their bodies were not decoded.
    """

    def __init__(
        self,
        jobs: Callable[..., Iterator[LoggedJob]],
        selection: Selection,
        at_start: Collection[str] | None,
        redact: tuple[str, ...],
        query_timeout: float | None = TIMEOUT,
        now: int = 0,
    ) -> None:
        if selection.order not in ("newest", "oldest"):
            raise ArgumentError("order", selection.order, "'newest' or 'oldest'")
        for name in at_start or ():
            check_choice("at_start", name, AT_START)
        self.undecoded = 0
        self._jobs = jobs
        self._selection = selection
        self._at_start = None if at_start is None else frozenset(at_start)
        ids = selection.ids
        self._ids = ids if ids is None or isinstance(ids, range) else frozenset(ids)
        self._now = now
        self._where: Where | None = None
        if selection.where is not None:
            from beanops.jobs.sql.where import Where  # only predicates need DuckDB and what decodes bodies

            self._where = Where(selection.where, redact, query_timeout)

    def batches(self, *, bodies: bool) -> Iterator[list[LoggedJob]]:
        """Yield the jobs in batches, with their bodies if these are wanted."""
        left = self._selection.limit
        for batch in self._batches(bodies or (self._where is not None and self._where.needs_bodies)):
            part = batch if self._where is None else self._judged(self._where, batch, left)
            if left is not None:
                part = part[:left]
                left -= len(part)
            if part:
                yield part
            if left == 0:
                return

    def _batches(self, bodies: bool) -> Iterator[list[LoggedJob]]:
        selection = self._selection
        if selection.limit == 0:
            return
        jobs = self._jobs(newest=selection.order == "newest", bodies=bodies)
        if self._at_start is not None or selection != Selection(where=selection.where, order=selection.order):
            jobs = filter(self._takes, jobs)
        while batch := list(_of_size(jobs) if bodies else islice(jobs, _BATCH)):
            yield batch

    def _takes(self, job: LoggedJob) -> bool:
        selection = self._selection
        return (
            job.state in selection.states
            and (self._at_start is None or job.at_start in self._at_start)
            and (self._ids is None or job.id in self._ids)
            and selection.in_tube(job.tube)
        )

    def _judged(self, where: Where, batch: list[LoggedJob], wanted: int | None) -> list[LoggedJob]:
        found = [job.found(self._now) for job in batch]
        matching, undecoded = where.judge(found).first(wanted, found)
        self.undecoded += len(undecoded)
        ids = {job.id for job in matching}
        return [job for job in batch if job.id in ids]


def _of_size(jobs: Iterator[LoggedJob]) -> Iterator[LoggedJob]:
    """Yield jobs until they are enough for a batch."""
    size = 0
    for job in islice(jobs, _BATCH):
        yield job
        size += len(job.body or b"")
        if size >= _MOST_BODIES:
            return
