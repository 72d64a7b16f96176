"""`Follower`: follow a sample of the jobs that are put until they are gone, for how long they wait and run.

Each look asks for a few of the ids that are new since the last one, and again for the jobs that it follows. A new id
without a job was a job that was put, reserved and deleted within one look. A job that comes back to its tube (it was
released, buried or kicked, or timed out) is not followed any longer: its next wait is no wait for a first worker.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush, nlargest
from random import Random
from typing import NamedTuple

from beanops.monitor.times.durations import Interval
from beanops.monitor.times.id_sequence import Draw, IdSequence
from beanops.monitor.times.job_times import NO_TIMES, JobTimes, TimesKept
from beanops.protocol import JobStats, ServerStats, TubeStats

#: New ids that a look asks for, jobs that are followed, and delayed jobs that wait for their time, all at most.
NEW, FOLLOWED, LATER = 20, 60, 500
#: The part of new jobs that replace another one of their tube where no more can be followed.
_REPLACED = 0.01


@dataclass(slots=True)
class _Followed:
    """A job that is followed: when it became ready and was reserved, and how it was last seen."""

    stats: JobStats
    ready: Interval
    reserved: Interval | None
    seen: float

    @property
    def so_far(self) -> tuple[float | None, float | None]:
        """How long it has waited, or run, at least."""
        if self.reserved is None:
            return max(0.0, self.seen - self.ready.high), None
        return None, max(0.0, self.seen - self.reserved.high)


class _Delayed(NamedTuple):
    due: float
    id: int
    tube: str


class _Puts(NamedTuple):
    """Jobs put into a tube when it was last seen, and ids asked for and jobs put on the whole server by then."""

    tube: int
    asked: int
    server: int


class Follower:
    """Follows jobs of one server process.

    Parameters
    ----------
    random : Random or None
        Chooses jobs.
    """

    def __init__(self, random: Random | None = None) -> None:
        self._random = Random() if random is None else random
        self._ids = IdSequence(self._random)
        self._followed: dict[int, _Followed] = {}
        self._later: list[_Delayed] = []
        self._due: dict[int, _Delayed] = {}
        self._draw = Draw([], 0)
        self._last: Interval | None = None
        self._kept: defaultdict[str | None, TimesKept] = defaultdict(TimesKept)
        self._puts: dict[str, _Puts] = {}
        self._asked = self._server = 0
        self._before = _Puts(0, 0, 0)
        self._width = 0.0
        self._so_far: dict[str | None, list[_Followed]] = {}
        #: The new jobs that were still there at this look.
        self.new: list[JobStats] = []

    @property
    def certain(self) -> bool:
        """Whether it knows which ids are new; else the statistics of the server are asked for after the jobs."""
        return self._ids.exact

    def ask(self, at: float, server: ServerStats, gap: bool, known: Iterable[JobStats] = ()) -> list[int]:
        """Return the ids to ask for.

        Parameters
        ----------
        at : float
            When the statistics of the server were read.
        server : ServerStats
            These statistics.
        gap : bool
            Whether nothing is known of the time since the last look.
        known : iterable of JobStats
            Jobs that something else has seen, at the last look or before.
        """
        new = self._ids.look(at, server)
        if not self.certain and self._last is not None:
            newest = nlargest(NEW, known, key=lambda job: job.id)
            self._ids.learn(((job.id, _put(job, self._last).low) for job in newest), server.total_jobs)
        self._before = _Puts(0, self._asked, self._server)
        self._server += new
        if gap:
            self._leave_all()
        while self._later and self._later[0].due <= at and len(self._due) < NEW:
            one = heappop(self._later)
            self._due[one.id] = one
        # After a gap the jobs put in it were put long ago.
        self._draw = Draw([], 0) if gap or self._last is None else self._ids.draw(new, NEW)
        return [*self._followed, *self._due, *self._draw.ids]

    def take(self, now: Interval, found: Mapping[int, JobStats], total: int) -> None:
        """Take the answers.

        Parameters
        ----------
        now : Interval
            When the ids were asked for, and when all answers had come.
        found : mapping of int to JobStats
            The jobs that exist, by id.
        total : int
            Jobs put on the server, by statistics that were read after the jobs unless it is `certain`.
        """
        last = now if self._last is None else self._last
        passed = Interval(last.low, now.high)
        for id in [*self._followed]:
            self._go_on(self._followed[id], found.get(id), passed, now)
        for delayed in self._due.values():
            self._is_due(delayed, found.get(delayed.id), now)
        self._due = {}
        self._take_new(found, passed, now)
        self._ids.learn(((id, _put(job, now).low) for id, job in found.items()), total)
        self._last = now
        self._so_far = {None: [*self._followed.values()]}
        for one in self._followed.values():
            self._so_far.setdefault(one.stats.tube, []).append(one)

    def put(self, tube: TubeStats, at: float, full: bool) -> None:
        """Note how many jobs were put into a tube; `full` says whether each look asks for all tubes."""
        now = _Puts(tube.total_jobs, self._asked, self._server)
        before = self._puts.get(tube.name)
        self._puts[tube.name] = now
        if before is None and full and self._last is not None:
            before = self._before  # it did not exist at the last look
        if before is None or now.tube <= before.tube or now.asked <= before.asked or now.server <= before.server:
            return
        share = (now.asked - before.asked) / (now.server - before.server)
        self._kept[tube.name].asked(at, (now.tube - before.tube) * share, 0, self._width)

    def reserved(self, tube: str) -> list[JobStats]:
        """Return the jobs of a tube that are followed and reserved."""
        return [one.stats for one in self._so_far.get(tube, ()) if one.reserved is not None]

    def alive(self, tube: str) -> float | None:
        """Return the share of the jobs put into a tube that were still there when they were asked for."""
        kept = self._kept.get(tube)
        return None if kept is None else kept.alive

    def times(self, tube: str | None, at: float) -> JobTimes:
        """Return how long the jobs of a tube wait and run, or those of the server for None."""
        kept = self._kept.get(tube)
        if kept is None:
            return NO_TIMES
        so_far = [one.so_far for one in self._so_far.get(tube, ())]
        return kept.times(
            at,
            [waits for waits, _ in so_far if waits is not None],
            [runs for _, runs in so_far if runs is not None],
        )

    def forget(self, tubes: Iterable[str]) -> None:
        """Forget tubes that no longer exist."""
        for name in tubes:
            self._kept.pop(name, None)
            self._puts.pop(name, None)

    # -- new jobs ------------------------------------------------------------------------------------------------

    def _take_new(self, found: Mapping[int, JobStats], passed: Interval, now: Interval) -> None:
        draw = self._draw
        self.new = []
        if not draw.new:
            return
        width = self._width = passed.width * (1 + draw.late)
        jobs = self.new = [found[id] for id in draw.ids if id in found]
        self._asked += len(draw.ids)
        self._kept[None].asked(now.high, len(draw.ids), len(jobs), width)
        put_since = Interval(now.high - width, now.high)
        for job in jobs:
            self._kept[job.tube].asked(now.high, 0, 1, width)
            put = put_since.within(_put(job, now))
            self._begin(job, Interval(put.low + job.delay, put.high + job.delay), now)

    def _begin(self, job: JobStats, ready: Interval, now: Interval) -> None:
        """Follow a job that was not seen before, or not since it was delayed."""
        if job.state == "delayed" and not _came_back(job):
            if len(self._later) < LATER:
                heappush(self._later, _Delayed(now.high + max(0, job.time_left), job.id, job.tube))
            return
        if job.state == "invalid":  # its body is on the way
            return
        # One that was ready before it was due has no delay that is known.
        ready = ready if ready.low <= now.high else Interval(now.low - job.age, now.high)
        self._see(_Followed(job, ready, None, now.high), job, Interval(ready.low, now.high), now, new=True)

    def _is_due(self, delayed: _Delayed, job: JobStats | None, now: Interval) -> None:
        ready = Interval(delayed.due - (now.high - now.low), delayed.due + 1)
        if job is not None:
            self._begin(job, ready, now)
            return
        for kept in (self._kept[delayed.tube], self._kept[None]):
            kept.waited(now.high, Interval(0, now.high - ready.low))
            kept.ran(now.high, Interval(0, now.high - ready.low))

    # -- jobs that are followed ----------------------------------------------------------------------------------

    def _go_on(self, one: _Followed, job: JobStats | None, passed: Interval, now: Interval) -> None:
        if job is not None and job.tube == one.stats.tube:
            self._see(one, job, passed, now)
            return
        del self._followed[one.stats.id]
        for kept in (self._kept[one.stats.tube], self._kept[None]):
            if one.reserved is None:
                kept.waited(now.high, passed.since(one.ready))
                kept.ran(now.high, Interval(0, passed.width))
            else:
                kept.ran(now.high, passed.since(one.reserved))

    def _see(self, one: _Followed, job: JobStats, passed: Interval, now: Interval, new: bool = False) -> None:
        """Take the statistics of a job that exists; what happened to it happened in the time that `passed`."""
        one.stats, one.seen = job, now.high
        if not job.delay:
            one.ready = one.ready.within(_put(job, now))
        back = _came_back(job)
        kept = (self._kept[job.tube], self._kept[None])
        if one.reserved is None and (job.state == "reserved" or (back and job.reserves)):
            one.reserved = passed
            if job.state == "reserved" and not back:
                # Since a worker touched it, it may look as if it was reserved later than it was.
                one.reserved = _reserved(job, now).within(passed)
            for each in kept:
                each.waited(now.high, one.reserved.since(one.ready))
        if back:
            self._followed.pop(job.id, None)
            for each in kept:
                each.returned(now.high)
        elif new:
            self._follow(one)

    def _follow(self, one: _Followed) -> None:
        """Follow a job where there is room: tubes with few jobs have it before those with many."""
        if len(self._followed) >= FOLLOWED:
            tubes = Counter(each.stats.tube for each in self._followed.values())
            ((largest, number),) = tubes.most_common(1)
            # Which one leaves must not depend on how long it takes.
            if tubes[one.stats.tube] + 1 >= number and self._random.random() >= _REPLACED:
                for kept in (self._kept[one.stats.tube], self._kept[None]):
                    kept.passed_over(one.seen, one.reserved is not None)
                return
            ids = [id for id, each in self._followed.items() if each.stats.tube == largest]
            self._leave(self._followed.pop(self._random.choice(ids)))
        self._followed[one.stats.id] = one

    def _leave(self, one: _Followed) -> None:
        for kept in (self._kept[one.stats.tube], self._kept[None]):
            kept.left(one.seen, *one.so_far)

    def _leave_all(self) -> None:
        for one in self._followed.values():
            self._leave(one)
        self._followed, self._later, self._due = {}, [], {}


def _put(job: JobStats, now: Interval) -> Interval:
    """Return when a job was put; its age is in whole seconds."""
    return Interval(now.low - job.age - 1, now.high - job.age)


def _reserved(job: JobStats, now: Interval) -> Interval:
    """Return when a job was reserved, or last touched; the time left is cut to whole seconds towards zero."""
    held = job.ttr - job.time_left
    return Interval(now.low - held - (job.time_left <= 0), now.high - held + (job.time_left >= 0))


def _came_back(job: JobStats) -> bool:
    """Whether a worker had a job and has it no longer, or a delayed one was kicked."""
    again = job.releases or job.timeouts or job.buries or job.kicks or job.reserves > 1
    return bool(again or job.state == "buried" or (job.state != "reserved" and job.reserves))
