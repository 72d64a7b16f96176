"""`JobTimes`: how long the jobs of a tube wait for a worker and how long it runs them, from those that were followed.

`TimesKept` has the samples of one tube, or of the server. Which jobs are followed is in `following`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Literal, NamedTuple

from beanops.monitor.times.durations import NO_PERCENTILES, Interval, Length, Percentiles, percentiles
from beanops.text import inflected, span

#: Seconds that a sample counts, and samples of a tube that count at most.
RECENT, MOST = 900.0, 300
#: Seconds of which the numbers of new jobs are kept as one.
_SPAN = 15.0


class JobTimes(NamedTuple):
    """How long jobs wait and run: an estimate from a sample.

    Attributes
    ----------
    wait : Percentiles
        From ready to reserved for the first time; a delay is no wait.
    run : Percentiles
        From reserved to deleted, of jobs that were not released, buried or timed out.
    jobs : int
        Number of jobs in the sample.
    returned : int
        Jobs of it that were released, buried or kicked, or that timed out.
    """

    wait: Percentiles = NO_PERCENTILES
    run: Percentiles = NO_PERCENTILES
    jobs: int = 0
    returned: int = 0

    def __str__(self) -> str:
        """Return the estimate as one line, empty without jobs."""
        if not self.jobs:
            return ""
        parts = [f"{name} {_line(one)}" for name, one in (("wait", self.wait), ("run", self.run)) if one.jobs]
        returned = f", {self.returned:,} returned" if self.returned else ""
        return f"{', '.join(parts)} (estimate of {self.jobs:,} {inflected(self.jobs, 'job')}{returned})"


NO_TIMES = JobTimes()


def shown_length(seconds: float | None, resolution: float) -> str:
    """Return an estimate as text: ``<1s`` for what is too short to tell, a dash where it is unknown.

    Examples
    --------
    >>> shown_length(0.5, 1), shown_length(65.2, 1), shown_length(None, 1)
    ('<1s', '1m05s', '-')
    """
    if seconds is None:
        return "-"
    if seconds <= resolution:  # it is half of the longest that it can be
        return f"<{span(max(1, round(2 * seconds)))}"
    return span(round(seconds))


def _line(times: Percentiles) -> str:
    if times.p50 is None:
        return f"p50 >{span(times.longest)}" if times.longest and times.longest >= 1 else "p50 -"
    p95 = "" if times.p95 is None else f" p95 {shown_length(times.p95, times.resolution)}"
    return f"p50 {shown_length(times.p50, times.resolution)}{p95}"


class _Asked(NamedTuple):
    """Jobs that were asked for when they were new.

    Attributes
    ----------
    at : float
        When first.
    expected : float
        Number of jobs of the tube among the ids that were asked for; for a tube it follows from its puts.
    alive : int
        Those that were still there.
    width : float
        Seconds within which the others were put, reserved and deleted.
    waiting, running : int
        Those still there that were not followed, in either state.
    """

    at: float
    expected: float = 0.0
    alive: int = 0
    width: float = 0.0
    waiting: int = 0
    running: int = 0


class TimesKept:
    """The samples of one tube or of a server."""

    def __init__(self) -> None:
        self._waits: deque[Length] = deque()
        self._runs: deque[Length] = deque()
        self._asked: deque[_Asked] = deque()
        self._returned: deque[float] = deque()
        self._times: JobTimes | None = None

    def asked(self, at: float, expected: float, alive: int, width: float) -> None:
        """Note how many new jobs were asked for, and how many of them were still there."""
        self._add(_Asked(at, expected, alive, width))

    def passed_over(self, at: float, running: bool) -> None:
        """Note that a new job is not followed, for want of room."""
        self._add(_Asked(at, waiting=not running, running=running))

    def _add(self, one: _Asked) -> None:
        self._times = None
        if not self._asked or one.at - self._asked[-1].at >= _SPAN:
            self._asked.append(one)
            return
        at, expected, alive, width, waiting, running = self._asked[-1]
        self._asked[-1] = _Asked(
            at,
            expected + one.expected,
            alive + one.alive,
            max(width, one.width),
            waiting + one.waiting,
            running + one.running,
        )

    def waited(self, at: float, length: Interval) -> None:
        """Note how long a job waited until it was reserved."""
        self._waits.append(Length(at, length.middle, length.width, True))
        self._times = None

    def ran(self, at: float, length: Interval) -> None:
        """Note how long a job ran until it was gone."""
        self._runs.append(Length(at, length.middle, length.width, True))
        self._times = None

    def returned(self, at: float) -> None:
        """Note that a job was released, buried or kicked, or timed out."""
        self._returned.append(at)
        self._times = None

    def left(self, at: float, waits: float | None, runs: float | None) -> None:
        """Note that a job is followed no more that has waited or run so long, and goes on."""
        if waits is not None:
            self._waits.append(Length(at, waits, 0, False))
        if runs is not None:
            self._runs.append(Length(at, runs, 0, False))
        self._times = None

    @property
    def alive(self) -> float | None:
        """The share of new jobs that were still there when they were asked for; None if none was asked for."""
        expected = sum(one.expected for one in self._asked)
        alive = sum(one.alive for one in self._asked)
        return min(1.0, alive / expected) if expected > 0 else None

    def times(self, at: float, waiting: Iterable[float] = (), running: Iterable[float] = ()) -> JobTimes:
        """Return the estimate.

        Parameters
        ----------
        at : float
            Seconds of the surveyor's clock.
        waiting, running : iterable of float
            How long jobs that are followed now have waited and run so far.
        """
        self._expire(at)
        waits, runs = list(waiting), list(running)
        if self._times is not None and not waits and not runs:
            return self._times
        quick = self._quick(at)
        wait = percentiles(
            [*self._waits, *(Length(at, one, 0, False) for one in waits), *quick], self._others(at, "waiting")
        )
        run = percentiles(
            [*self._runs, *(Length(at, one, 0, False) for one in runs), *quick], self._others(at, "running")
        )
        found = JobTimes(wait, run, max(wait.jobs, run.jobs), len(self._returned))
        self._times = None if waits or runs else found
        return found

    def _quick(self, at: float) -> list[Length]:
        """Return the jobs that were gone when they were asked for: how many is known, but not which they were."""
        number = sum(one.expected - one.alive for one in self._asked)
        if number < 0.5:
            return []
        width = max(one.width for one in self._asked)
        return [Length(at, width / 2, width, True, number)]

    def _others(self, at: float, which: Literal["waiting", "running"]) -> Length:
        """Return the new jobs that were not followed: they were slower than the quick ones, and no more is known."""
        number = sum(getattr(one, which) for one in self._asked)
        return Length(at, max((one.width for one in self._asked), default=0.0), 0, False, number)

    def _expire(self, at: float) -> None:
        since = at - RECENT
        for lengths in (self._waits, self._runs):
            while len(lengths) > MOST:
                since = max(since, lengths.popleft().at)
                self._times = None
        # All samples reach back equally far: those of quick jobs must not outweigh the others.
        for samples in (self._waits, self._runs, self._asked):
            while samples and samples[0].at <= since:
                samples.popleft()
                self._times = None
        while self._returned and self._returned[0] <= since:
            self._returned.popleft()
            self._times = None
