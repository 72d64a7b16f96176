"""`Surveyor`: read the statistics of a server and its tubes again and again, with little load also for 10,000 tubes.

Each look asks for all tubes while there are at most `FULL`. Of more it asks for a part: new ones, those on a screen,
and of each group those that it has not seen for longest; as many as cost the server at most `SHARE` of its time. Each
tube has the time at which it was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from heapq import nsmallest
from itertools import islice
from math import inf
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.monitor.history import NO_HISTORY, KnownPast
from beanops.monitor.past import GAP, Past
from beanops.monitor.problems.evaluation import Evaluator
from beanops.monitor.problems.open_files import open_files
from beanops.monitor.problems.problem import Problem
from beanops.monitor.problems.server_rules import ServerFacts, jobs_in
from beanops.monitor.problems.thresholds import ProblemLimits
from beanops.monitor.problems.tube_rules import TubeFacts
from beanops.monitor.rates import SHORTEST_GAP, UNKNOWN, Rates, Trail, grown, point, recent_rates, since, time_to_drain
from beanops.monitor.sweep import jobs_and_tubes, server_and_names, tube_stats
from beanops.monitor.times.following import Follower
from beanops.monitor.times.job_classes import Classify, ClassSample, JobClass
from beanops.monitor.times.job_times import NO_TIMES, JobTimes
from beanops.monitor.wait_times import PEEKS, Ages
from beanops.protocol import ServerStats, TubeStats

#: Tubes up to which a look asks for all, and how many of those on a screen and of all others it asks for beyond that.
FULL, IN_TURN = 1000, 200
#: Looks after which it lists the names of many tubes again although their number has not changed.
RENAME = 10
#: The part of the server's time that looks may cost, and the fewest tubes that one asks for whatever they cost.
SHARE, FEWEST = 0.05, 20
#: Intervals without a look after which nothing is told of them, where that is longer than `GAP`.
INTERVALS = 3


class Seen(NamedTuple):
    """What is known of one tube.

    Attributes
    ----------
    stats : TubeStats
        Its statistics; `current_watching` is at most the number of workers of the server.
    at : float
        Seconds of the surveyor's clock at which they were read.
    rates : Rates
        Jobs put and deleted per second, over the last `RATE_WINDOW` seconds.
    trail : Trail
        Its counts in the last minute.
    history : KnownPast
        Its past.
    age : int or None
        Seconds since the next ready job was put; None if no job is ready or the look did not ask for it.
    drain : float or None
        Seconds until no job is ready at the present pace; None while ready jobs do not decrease.
    buried_age : int or None
        Seconds since the first buried job was put; None if none is buried or the look did not ask for it.
    overdue : int
        Known jobs that are reserved for longer than their TTR.
    times : JobTimes
        How long its jobs wait and run, if the surveyor follows jobs.
    classes : tuple of JobClass
        The classes of the jobs put into it, if the surveyor reads bodies.
    problems : tuple of Problem
        What is wrong with it, the worst first.
    members : tuple of str
        Names of the tubes that this sums up; empty for a single tube.
    """

    stats: TubeStats
    at: float
    rates: Rates = UNKNOWN
    trail: Trail = ()
    history: KnownPast = NO_HISTORY
    age: int | None = None
    drain: float | None = None
    buried_age: int | None = None
    overdue: int = 0
    times: JobTimes = NO_TIMES
    classes: tuple[JobClass, ...] = ()
    problems: tuple[Problem, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The tube's name."""
        return self.stats.name


class Survey(NamedTuple):
    """The statistics of a server and of its tubes.

    Attributes
    ----------
    at : float
        Seconds of the surveyor's clock.
    server : ServerStats
        Statistics of the server.
    rates : Rates
        Jobs put and deleted per second on the whole server.
    trail : Trail
        The counts of the server in the last minute.
    history : KnownPast
        The past of the server.
    cpu : float or None
        Share of a core that the server uses; 1 is a whole core.
    timeouts : int
        Reservations that timed out since the last look.
    tubes : Mapping of str to Seen
        By name, in the server's order.
    full : bool
        Whether this look asked for all tubes.
    answered : float
        Seconds that the server took to answer the first question of the look.
    times : JobTimes
        How long the jobs of all tubes wait and run, if the surveyor follows jobs.
    problems : tuple of Problem
        What is wrong with the server and its tubes, the worst first.
    fewer : int or None
        Jobs that the server process had fewer than the one before it; None if no restart was seen.
    """

    at: float
    server: ServerStats
    rates: Rates = UNKNOWN
    trail: Trail = ()
    history: KnownPast = NO_HISTORY
    cpu: float | None = None
    timeouts: int = 0
    tubes: Mapping[str, Seen] = MappingProxyType({})
    full: bool = True
    answered: float = 0.0
    times: JobTimes = NO_TIMES
    problems: tuple[Problem, ...] = ()
    fewer: int | None = None


class Surveyor:
    """Surveys a server with each look, and keeps the history.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    limits : ProblemLimits
        From which numbers on something is a problem.
    patience : float
        Most seconds that something must last to be a problem; for faces that look only twice, at all tubes.
    peeks : int
        Most tubes whose next jobs a look peeks at.
    past : Past or None
        Where to keep the past; None is a new one.
    follow : bool
        Whether to follow a sample of the jobs, for how long they wait and run.
    classify : callable or None
        Returns the name of a job's class, given its body; None reads no bodies. It needs `follow`.
    quick : bool
        Whether the first look takes two round trips and leaves out jobs, for a face that looks again at once.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        limits: ProblemLimits | None = None,
        *,
        patience: float = inf,
        peeks: int = PEEKS,
        past: Past | None = None,
        follow: bool = False,
        classify: Classify | None = None,
        quick: bool = False,
    ) -> None:
        self._quick = quick
        self.past = Past() if past is None else past
        self._clock = clock
        self._lock = Lock()
        self._cost = 0.0
        self._limits = ProblemLimits() if limits is None else limits
        self._patience = patience
        self._peeks = peeks
        self._fewer: int | None = None
        self._follow = follow
        self._classify = classify
        self._forget()

    def _forget(self) -> None:
        self._last: Survey | None = None
        self._tubes: dict[str, Seen] = {}
        # Their names, the one that was not seen for longest first.
        self._turns: dict[str, None] = {}
        self._ages = Ages(self._peeks)
        self._follower = Follower() if self._follow else None
        self._followed_at = -inf
        self._classes = ClassSample(self._classify) if self._classify is not None else None
        self._evaluator = Evaluator(self._limits, self._patience)
        self._open_files: int | None = None
        self._new: list[str] = []
        self._looks = 0
        self._interval = 0.0

    @property
    def is_first_quick(self) -> bool:
        """Whether the next look leaves out jobs."""
        return self._quick and self._last is None

    def look(self, client: Client, wanted: Collection[str] = ()) -> Survey:
        """Return a new survey of the server.

        Parameters
        ----------
        client : Client
            A connection that never reserves; the server would count it as a worker.
        wanted : collection of str
            Names of tubes that are on a screen, marked or pinned. The survey also has the age of their next jobs.
        """
        with self._lock:
            return self._look(client, set(wanted))

    def _look(self, client: Client, wanted: set[str]) -> Survey:
        began = self._clock()
        # Over a slow link each round trip counts until there is a first row.
        light = self.is_first_quick
        server, names = server_and_names(client) if light else (client.stats(), None)
        at, last = self._clock(), self._last
        if last is not None and last.server.process != server.process:
            self._forget()  # each process of a cluster has counters of its own
            if last.server.id != server.id:
                self._fewer = jobs_in(last.server) - jobs_in(server)
            last = None
        if last is None:
            self._open_files = open_files(server)
        passed = at - last.at if last is not None else 0.0
        self.past.begin(at, server.process, max(GAP, INTERVALS * self._interval))
        self._interval = passed
        self._names(client, server, names)
        most = self._affordable(passed)
        # Who looks only twice asks for all tubes both times: there is no later turn.
        full = self._patience < inf or len(self._tubes) + len(self._new) <= min(FULL, most)
        asked = self._due(wanted, full, min(IN_TURN, most))
        stats = list(tube_stats(client, asked)) if light else self._ask(client, asked, at, server)
        if not light:
            self._weigh(client, server, len(asked))
        self._drop(asked.keys() - {tube.name for tube in stats})
        self._new = [name for name in self._new if name not in asked]
        if not light:
            self._ages.look(client, stats, wanted)
        for tube in stats:
            self._turns.pop(tube.name, None)
            self._turns[tube.name] = None
            if self._follower is not None and self._followed_at == at:
                self._follower.put(tube, at, full)
            # Every connection watches "default", but only those that reserve are workers.
            workers = min(tube.current_watching, server.current_workers)
            if workers != tube.current_watching:
                tube = tube._replace(current_watching=workers)
            self._tubes[tube.name] = self._seen(at, tube, tube.name in wanted, server.current_jobs_reserved)
        survey = self._survey(at, server, last)
        seen = survey.cpu, self._open_files, self._fewer is not None, self._fewer
        facts = ServerFacts(at, server, (), at - began, *seen, self._ages.all)
        self._last = survey._replace(
            tubes=MappingProxyType(dict(self._tubes)),
            full=full,
            answered=at - began,
            times=self._follower.times(None, at) if self._follower is not None else NO_TIMES,
            problems=self._evaluator.all(facts),
            fewer=self._fewer,
        )
        return self._last

    def _ask(self, client: Client, tubes: Collection[str], at: float, server: ServerStats) -> list[TubeStats]:
        """Return the statistics of tubes, and ask for the jobs that are followed in the same pipeline."""
        follower = self._follower
        # Two looks that are too close, as after an action, tell nothing about how long something took.
        if follower is None or at - self._followed_at < SHORTEST_GAP:
            return list(tube_stats(client, tubes))
        self._followed_at = at
        ids = follower.ask(at, server, self.past.since == at, self._ages.all())
        swept = jobs_and_tubes(client, ids, tubes, self._clock, server=not follower.certain)
        follower.take(swept.during, swept.jobs, (swept.server or server).total_jobs)
        if self._classes is not None:
            self._classes.look(client, follower.new, at)
        return swept.tubes

    def _affordable(self, passed: float) -> int:
        """Return for how many tubes the server may be asked after so many seconds."""
        return max(FEWEST, int(SHARE * max(passed, 1.0) / self._cost)) if self._cost else FULL

    def _weigh(self, client: Client, before: ServerStats, tubes: int) -> None:
        """Note what a tube costs the server, by its own account; what it does for others meanwhile counts as ours."""
        if tubes < FEWEST:
            return
        after = client.stats()
        used = after.rusage_utime + after.rusage_stime - before.rusage_utime - before.rusage_stime
        if after.process == before.process and after.cmd_stats != before.cmd_stats and used >= 0:
            # Half of what was known: a burst of others' work is soon forgotten.
            self._cost = (self._cost + used / tubes) / 2 if self._cost else used / tubes

    def _drop(self, gone: Collection[str]) -> None:
        """Forget tubes that no longer exist."""
        for name in gone:
            self._tubes.pop(name, None)
            self._turns.pop(name, None)
        self.past.vanished(gone)
        self._ages.forget(gone)
        if self._follower is not None:
            self._follower.forget(gone)
        if self._classes is not None:
            self._classes.forget(gone)
        self._evaluator.forget(gone)

    def _names(self, client: Client, server: ServerStats, names: list[str] | None) -> None:
        """List the tubes unless `names` does: with each look while they are few, else when their number has changed."""
        known = len(self._tubes) + len(self._new)
        if names is None and known > FULL and self._looks % RENAME and server.current_tubes == known:
            self._looks += 1
            return
        self._looks = 1
        if names is None:
            names = client.list_tubes()
        there = set(names)
        self._drop(self._tubes.keys() - there)
        self._new = [name for name in names if name not in self._tubes]

    def _due(self, wanted: set[str], full: bool, most: int) -> dict[str, None]:
        """Return the tubes to ask for now: all, or new ones, some of the wanted ones and some of the rest."""
        if full or not self._tubes:
            return dict.fromkeys((*self._tubes, *self._new))
        new = self._new[:most]
        # However many tubes are new, some of the others are asked for too.
        rest = max(most - len(new), most // 4)
        on_screen = nsmallest(most, wanted & self._tubes.keys(), key=lambda name: self._tubes[name].at)
        return dict.fromkeys((*new, *on_screen, *islice(self._turns, rest)))

    def _seen(self, at: float, tube: TubeStats, wanted: bool, taken: int) -> Seen:
        before = self._tubes.get(tube.name)
        now = point(at, tube)
        trail = grown(before.trail if before is not None and before.at >= self.past.since else (), now)
        history = self.past.add(tube.name, now)
        # Of a tube that is not on a screen it may have been the next one at an earlier look.
        head = self._ages.head(tube.name) if wanted else None
        buried = self._ages.first_buried(tube.name) if wanted else None
        last, jobs, times = before.stats if before is not None else None, self._ages.jobs(tube.name), NO_TIMES
        if self._follower is not None:
            if held := self._follower.reserved(tube.name):
                jobs = (*{job.id: job for job in (*jobs, *held)}.values(),)
            times = self._follower.times(tube.name, at)
        if before is not None and not jobs and tube == last and self._evaluator.is_fresh(tube.name, at):
            wrong = before.problems
        else:
            began = self._evaluator.began(tube.name)
            wrong = self._evaluator.tube(TubeFacts(at, tube, last, partial(since, trail), jobs, began, taken))
        rates = recent_rates(trail)
        classes: tuple[JobClass, ...] = ()
        if self._follower is not None and self._classes is not None:
            classes = self._classes.classes(tube.name, at, rates.puts, self._follower.alive(tube.name))
        return Seen(
            tube,
            at,
            rates,
            trail,
            history,
            head.age if head is not None else None,
            time_to_drain(trail),
            buried.age if buried is not None else None,
            sum(job.state == "reserved" and job.time_left < 0 for job in jobs),
            times,
            classes,
            wrong,
        )

    def _survey(self, at: float, server: ServerStats, last: Survey | None) -> Survey:
        now = point(at, server)
        history = self.past.add(None, now)
        if last is None:
            return Survey(at, server, trail=(now,), history=history)
        trail = grown(last.trail if last.at >= self.past.since else (), now)
        timeouts = max(0, server.job_timeouts - last.server.job_timeouts)
        cpu = last.cpu
        # Two looks within a tenth of a second give no share.
        if at - last.at > 0.1:
            used = server.rusage_utime + server.rusage_stime - last.server.rusage_utime - last.server.rusage_stime
            cpu = max(0.0, used) / (at - last.at)
        return Survey(at, server, recent_rates(trail), trail, history, cpu, timeouts)
