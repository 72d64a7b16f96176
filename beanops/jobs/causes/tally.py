"""`Tally`: counts of jobs by cause, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Generic, TypeVar

from beanops.jobs.read import FoundJob

#: Parts of the time between the oldest and the newest job of a group that are counted apart.
_PARTS = 64
#: Bytes of the body of a sample that are kept.
_SAMPLE = 8 * 1024

K = TypeVar("K")


class Group:
    """The jobs of one cause.

    Attributes
    ----------
    count : int
        Number of jobs.
    oldest, newest : float or None
        Times of the first and the last put, in seconds since 1970; None where the jobs are on no server.
    timeouts, releases, buries : int
        How often each happened to these jobs: a job that times out again and again is one that its worker does not
        survive.
    sample : FoundJob
        The newest of them, with its body unless that is larger than 8 kB: it can be read again by its id.
    exact : bool
        Whether `count` is all of them: the first ones may have been counted among the others.
    """

    __slots__ = ("_counts", "_first", "_last", "_width", "buries", "count", "exact", "releases", "sample", "timeouts")

    def __init__(self, sample: FoundJob, exact: bool = True) -> None:
        self.count = self.timeouts = self.releases = self.buries = 0
        self._first, self._last = math.inf, -math.inf
        self.sample = _light(sample)
        self.exact = exact
        self._counts: dict[int, int] = {}
        self._width = 1

    @property
    def oldest(self) -> float | None:
        """When the first of them was put."""
        return None if self._first > self._last else self._first

    @property
    def newest(self) -> float | None:
        """When the last of them was put."""
        return None if self._first > self._last else self._last

    def add(self, job: FoundJob) -> None:
        """Count one job."""
        stats = job.stats
        self.count += 1
        self.timeouts += stats.timeouts
        self.releases += stats.releases
        self.buries += stats.buries
        if not job.seen:
            return
        created = job.seen - stats.age
        if created < self._first:
            self._first = created
        if created > self._last:
            self._last, self.sample = created, _light(job)
        part = int(created) // self._width
        counts = self._counts
        if part in counts:
            counts[part] += 1
        else:
            counts[part] = 1
            if len(counts) > _PARTS:
                self._widen()

    def merge(self, other: Group) -> None:
        """Add the jobs of another count of the same cause."""
        self.count += other.count
        self.timeouts += other.timeouts
        self.releases += other.releases
        self.buries += other.buries
        self.exact = self.exact and other.exact
        if other._last > self._last:
            self._last, self.sample = other._last, other.sample
        self._first = min(self._first, other._first)
        while self._width != other._width:
            (self if self._width < other._width else other)._double()
        for part, count in other._counts.items():
            self._counts[part] = self._counts.get(part, 0) + count
        self._widen()

    def _double(self) -> None:
        self._width *= 2
        wider: dict[int, int] = {}
        for part, count in self._counts.items():
            wider[part // 2] = wider.get(part // 2, 0) + count
        self._counts = wider

    def _widen(self) -> None:
        # The width depends on the times alone, not on their order.
        while len(self._counts) > _PARTS:
            self._double()

    def trend(self, since: float, until: float, parts: int = 30) -> list[int]:
        """Return how many of the jobs were put in each of so many equal parts of a time."""
        counts = [0] * parts
        span = max(until - since, 1e-9)
        for part, count in self._counts.items():
            place = int(((part + 0.5) * self._width - since) / span * parts)
            counts[min(max(place, 0), parts - 1)] += count
        return counts


def _light(job: FoundJob) -> FoundJob:
    return job if len(job.body or b"") <= _SAMPLE else job._replace(body=None)


class Tally(Generic[K]):
    """Counts jobs by cause, or by any other key.

    The most common groups are kept when there are more than that, and the jobs of the rest are counted as others.

    Parameters
    ----------
    most : int
        Maximum number of groups.

    Attributes
    ----------
    count : int
        Number of jobs.
    """

    def __init__(self, most: int = 2000) -> None:
        self.most = most
        self.count = 0
        self._groups: dict[K, Group] = {}
        self._dropped = 0

    def add(self, key: K, job: FoundJob) -> None:
        """Count one job."""
        self.count += 1
        group = self._groups.get(key)
        if group is None:
            group = self._new(key, job)
        group.add(job)

    def add_all(self, keys: Iterable[K], jobs: Iterable[FoundJob]) -> None:
        """Count jobs, each under its key."""
        for key, job in zip(keys, jobs, strict=True):
            self.add(key, job)

    def merge(self, other: Tally[K]) -> None:
        """Add the jobs of another tally, which must not be used afterwards."""
        missed = self._dropped > 0, other._dropped > 0
        for key, group in other._groups.items():
            known = self._groups.get(key)
            if known is None:
                group.exact = group.exact and not missed[0]
                self._groups[key] = group
            else:
                known.merge(group)
        if missed[1]:
            for key in self._groups.keys() - other._groups.keys():
                self._groups[key].exact = False
        self.count += other.count
        self._dropped += other._dropped
        if len(self._groups) >= 2 * self.most:
            self._drop()

    def _new(self, key: K, job: FoundJob) -> Group:
        if len(self._groups) >= 2 * self.most:
            self._drop()
        group = self._groups[key] = Group(job, exact=not self._dropped)
        return group

    def _drop(self) -> None:
        """Drop the rarer half of the groups: one of many jobs stays, or soon returns."""
        ranked = sorted(self._groups.items(), key=lambda item: -item[1].count)
        self._dropped += sum(group.count for _, group in ranked[self.most :])
        self._groups = dict(ranked[: self.most])

    def groups(self) -> list[tuple[K, Group]]:
        """Return the groups, the one of most jobs first."""
        return sorted(self._groups.items(), key=lambda item: (-item[1].count, str(item[0])))[: self.most]

    @property
    def others(self) -> int:
        """Number of jobs that are in none of the groups."""
        return self.count - sum(group.count for _, group in self.groups())
