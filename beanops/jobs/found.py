"""Look at many jobs by their ids, and keep what was found in columns where that is as usual.

A thousand jobs with statistics and bodies take a fourth of the time of `read`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from beanops.client.alike import Looks
from beanops.client.sync import Client
from beanops.jobs.read import FoundJob, at_once, check_same, found_by, read_jobs, with_bodies
from beanops.protocol import JobStats
from beanops.protocol.limits import MAX_BODY


class FoundJobs(Sequence[FoundJob]):
    """Jobs that all exist, in columns; a `FoundJob` is made of one that is asked for.

    Parameters
    ----------
    columns : list of list
        A list for each field of `JobStats` but ``extra``.
    instance : str
        The server process.
    seen : list of float
        When each was seen, in seconds since 1970.

    Attributes
    ----------
    bodies : list of bytes or None
        Their bodies, if these were read.
    """

    def __init__(self, columns: list[list[Any]], instance: str, seen: list[float]) -> None:
        self.columns = dict(zip(JobStats._fields, columns, strict=False))
        self.instance = instance
        self.seen = seen
        self.bodies: list[bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes of the bodies that were read."""
        return sum(map(len, self.bodies or ()))

    def are_of(self, instance: str, tubes: Sequence[str | None] | None) -> bool:
        """Whether all are of a server process, and each is in its tube; None stands for any tubes."""
        return self.instance == instance and (tubes is None or list(tubes) == self.columns["tube"])

    def __len__(self) -> int:
        return len(self.seen)

    def __iter__(self) -> Iterator[FoundJob]:
        bodies = [None] * len(self) if self.bodies is None else self.bodies
        for stats, body, seen in zip(zip(*self.columns.values(), strict=True), bodies, self.seen, strict=True):
            yield FoundJob(JobStats(*stats), body, (), self.instance, seen)

    @overload
    def __getitem__(self, place: int) -> FoundJob: ...
    @overload
    def __getitem__(self, place: slice) -> list[FoundJob]: ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(self)[place]
        stats = JobStats(*(column[place] for column in self.columns.values()))
        return FoundJob(stats, None if self.bodies is None else self.bodies[place], (), self.instance, self.seen[place])


def look_at(client: Client, ids: Sequence[int], bodies: bool) -> FoundJobs | list[FoundJob | None]:
    """Return jobs: in columns where all exist, else in a list with None for those that do not.

    Parameters
    ----------
    client : Client
        The connection.
    ids : sequence of int
        The jobs, not more than a few thousand.
    bodies : bool
        Whether to read bodies.

    Raises
    ------
    ConnectionClosed
        Another server process answered before the bodies were read.
    """
    if bodies and client.max_job_size == MAX_BODY:
        client.stats()  # now it knows
    if not ids or (bodies and at_once(client.max_job_size) < len(ids)):
        return list(read_jobs(client, ids))
    looks = Looks((), ids)
    answers = client.send_alike(looks)
    known = list(found_by(answers, looks.seen))
    if not looks.answered:
        return list(with_bodies(client, known)) if bodies else known
    jobs = FoundJobs(looks.columns, looks.server.id, looks.seen[1:])
    if bodies:
        if "invalid" in jobs.columns["state"]:
            return list(with_bodies(client, list(jobs)))
        peeks = Looks(ids, ())
        others = list(client.send_alike(peeks))
        if others:
            return list(with_bodies(client, list(jobs), others))
        check_same(client, jobs.instance, peeks.server.id)
        jobs.bodies = peeks.bodies
    return jobs
