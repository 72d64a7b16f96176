"""The first N jobs in the order of a column, with little more than N jobs in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nlargest, nsmallest
from typing import Any

from beanops.jobs.read import FoundJob
from beanops.protocol.states import EVERY_STATE


class First:
    """The first jobs by a column, equal ones in the order in which they came; of one age, the higher id is younger.

    Parameters
    ----------
    order : str
        One of `COLUMNS` of `beanops.jobs.select`, reversed by a leading ``-``. States go by their life: ready,
        reserved, delayed, buried.
    limit : int or None
        How many; None means all.

    Attributes
    ----------
    limit : int or None
        How many.
    """

    def __init__(self, order: str, limit: int | None) -> None:
        self._key = key_of(order.removeprefix("-"))
        self._down = order.startswith("-")
        self.limit = limit
        self._kept: list[FoundJob] = []

    def add(self, batch: Sequence[FoundJob]) -> None:
        """Take more jobs, with bodies if the order is by size."""
        self._kept += batch
        if self.limit is not None and len(self._kept) > 2 * self.limit:
            self._kept = self.jobs

    @property
    def jobs(self) -> list[FoundJob]:
        """The first of those so far, in order."""
        if self.limit is None:
            return sorted(self._kept, key=self._key, reverse=self._down)
        return (nlargest if self._down else nsmallest)(self.limit, self._kept, key=self._key)


def key_of(column: str) -> Callable[[FoundJob], Any]:
    """Return what jobs are sorted by in the order of a column."""
    if column == "size":
        return lambda job: len(job.body or b"")
    if column == "age":
        return lambda job: (job.stats.age, -job.id)  # the server counts whole seconds
    if column == "created":
        return lambda job: (int(job.created or -job.stats.age), job.id)  # of one second, the higher id is younger
    if column == "instance":
        return lambda job: job.instance
    if column == "state":
        return lambda job: EVERY_STATE.index(job.stats.state)
    if column == "file":
        return lambda job: job.stats.file or 0
    return lambda job: getattr(job.stats, column)
