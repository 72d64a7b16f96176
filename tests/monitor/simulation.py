"""A server in simulated time, whose jobs wait and run as long as a test says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

from beanops.monitor.times.durations import Interval
from beanops.monitor.times.following import FOLLOWED, NEW, Follower
from beanops.protocol import JobStats, ServerStats, TubeStats

#: The TTR of all jobs.
TTR = 60
#: Seconds between a command and its answer.
TRIP = 0.002


class Planned(NamedTuple):
    """A job that is put at a moment, and what becomes of it."""

    put: float
    tube: str
    wait: float
    run: float
    delay: float = 0.0
    released: bool = False

    @property
    def reserved(self) -> float:
        return self.put + self.delay + self.wait

    @property
    def gone(self) -> float:
        return self.reserved + self.run


class Simulation:
    """A server with a plan of jobs, and a follower that looks at it."""

    def __init__(self, jobs: Iterable[Planned], *, offset: int = 0, binlog: bool = False, seed: int = 1) -> None:
        self.jobs = sorted(jobs)
        self.puts = [job.put for job in self.jobs]
        self.tubes = {name: [job.put for job in self.jobs if job.tube == name] for name in {j.tube for j in self.jobs}}
        self.follower = Follower(Random(seed))
        self.offset = offset
        self.binlog = binlog
        self.most_asked = 0
        self.heads: list[JobStats] = []

    def stats(self, now: float) -> ServerStats:
        texts = {"version": "1.13", "id": "a1", "hostname": "nowhere"}
        known: dict[str, Any] = {**dict.fromkeys(ServerStats._fields[:48], 0), **texts}
        put = bisect_right(self.puts, now)
        return ServerStats(**{**known, "total_jobs": put, "cmd_put": put, "binlog_current_index": int(self.binlog)})

    def stats_tube(self, name: str, now: float) -> TubeStats:
        known: dict[str, Any] = dict.fromkeys(TubeStats._fields[1:-1], 0)
        return TubeStats(name, **{**known, "total_jobs": bisect_right(self.tubes[name], now)})

    def stats_job(self, id: int, now: float) -> JobStats | None:
        place = id - self.offset - 1
        if not 0 <= place < len(self.jobs) or self.jobs[place].put > now:
            return None
        job = self.jobs[place]
        if job.gone <= now and not job.released:
            return None
        state, left, ready = "ready", 0.0, job.put + job.delay
        if now < ready:
            state, left = "delayed", ready - now
        elif job.reserved <= now < job.gone:
            state, left = "reserved", job.reserved + TTR - now
        again = int(job.gone <= now)
        known: dict[str, Any] = dict.fromkeys(JobStats._fields[:-1], 0)
        return JobStats(
            **{
                **known, "id": id, "tube": job.tube, "state": state, "age": int(now - job.put),
                "delay": int(job.delay), "ttr": TTR, "time_left": int(left),
                "reserves": int(job.reserved <= now), "releases": again,
            }
        )  # fmt: skip

    def look(self, now: float, gap: bool = False) -> None:
        """Look at the server."""
        ids = self.follower.ask(now, self.stats(now), gap, self.heads)
        self.most_asked = max(self.most_asked, len(ids))
        assert len(ids) <= NEW * 2 + FOLLOWED
        found = {id: job for id in ids if (job := self.stats_job(id, now + TRIP / 2)) is not None}
        self.follower.take(Interval(now, now + TRIP), found, self.stats(now + TRIP).total_jobs)
        for name in self.tubes:
            self.follower.put(self.stats_tube(name, now), now, True)
        self.heads = self._heads(now)

    def _heads(self, now: float) -> list[JobStats]:
        """Return the next job of each tube, if it was put within the last minute."""
        places = range(bisect_right(self.puts, now - 60), bisect_right(self.puts, now))
        ready: dict[str, int] = {}
        for place in places:
            job = self.jobs[place]
            if job.put + job.delay <= now < job.reserved:
                ready.setdefault(job.tube, place + 1 + self.offset)
        return [job for id in ready.values() if (job := self.stats_job(id, now)) is not None]

    def run(self, seconds: float, interval: float = 1.0, start: float = 0.0) -> float:
        """Look again and again, and return when it looked last."""
        now = start
        while now < start + seconds:
            self.look(now)
            now += interval
        return now - interval


def steady(
    random: Random, tube: str, per_second: float, seconds: float, wait: Any, run: Any, **more: Any
) -> list[Planned]:
    """Return jobs that are put at random moments."""
    jobs, now = [], 0.0
    while (now := now + random.expovariate(per_second)) < seconds:
        jobs.append(Planned(now, tube, wait(), run(), **more))
    return jobs
