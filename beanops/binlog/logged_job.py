"""A job of a log, as it is after a start of the server, and what a start makes of it."""

from __future__ import annotations

from typing import NamedTuple

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.limits import is_tube
from beanops.text import plural

#: What a start makes of a job: brings it back as it was last; with its body filled with zeros; as it was before its
#: last record; although it was deleted; not at all.
AT_START = ("restored", "damaged", "older", "again", "lost")
_SECOND = 10**9
#: The end of the year 9999, and the first span of time that no command can give; in nanoseconds.
_LATEST, _MOST = 253_402_300_799 * _SECOND, 2**32 * _SECOND


class LoggedJob(NamedTuple):
    """A job of a log.

    Attributes
    ----------
    id : int
        Its number.
    tube : str
        Its tube.
    state : str
        Its state after a start: reserved jobs are ready, and delayed ones whose time has come.
    logged : str
        Its state in the log.
    priority, reserves, timeouts, releases, buries, kicks : int
        As a start shows them: it counts a bury of each buried job.
    created, deadline, delay, ttr : int
        In nanoseconds; `deadline` is when a delayed job is ready, and means nothing else.
    size : int
        Bytes of its body, without the line end.
    file, offset : int
        Where its body is: the number of the file, and the first byte of the record.
    at_start : str
        ``"restored"``; ``"damaged"``: with a body whose end is zeros; ``"older"``: as it was before its last record;
        ``"again"``: although it was deleted; ``"lost"``: not at all.
    whole : bool
        Whether its body is there as a whole.
    body : bytes or None
        The body, as far as it is there; None where it was not read.
    """

    id: int
    tube: str
    state: str
    logged: str
    priority: int
    created: int
    deadline: int
    delay: int
    ttr: int
    size: int
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int
    file: int
    offset: int
    at_start: str = "restored"
    whole: bool = True
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"<LoggedJob {self.id}, {self.state} in {self.tube}, {plural(self.size, 'byte')}, {self.at_start}>"

    @property
    def put_at(self) -> int:
        """When it was put; a time of a damaged record that no calendar has becomes the first or the last one."""
        return min(max(self.created, 0), _LATEST)

    def age(self, now: int) -> int:
        """Return the whole seconds since the put, at a time in nanoseconds."""
        return (now - self.put_at) // _SECOND

    def found(self, now: int) -> FoundJob:
        """Return it as predicates and frames have jobs, at a time in nanoseconds since 1970."""
        age = self.age(now)
        delay, ttr = (min(max(time, -_LATEST), _LATEST) // _SECOND for time in (self.delay, self.ttr))
        left = min(max(0, self.deadline - now), _LATEST) // _SECOND if self.state == "delayed" else 0
        stats = JobStats(
            self.id, self.tube, self.state, self.priority, age, delay, ttr, left, self.file, self.reserves,
            self.timeouts, self.releases, self.buries, self.kicks,
        )  # fmt: skip
        return FoundJob(stats, self.body, (), "", self.put_at / _SECOND + age)

    def can_be_put(self) -> bool:
        """Whether a server takes a job with its tube and its times, which those of a damaged record need not be."""
        return is_tube(self.tube) and all(0 <= time < _MOST for time in (self.delay, self.ttr))
