"""`Surveyor`: read the statistics of a server and its tubes again and again, with little load also for 10,000 tubes.

Each look asks for all tubes while there are at most `FULL`. Of more it asks for a part: new ones, those on a screen,
and of each group those that it has not seen for longest. Each tube has the time at which it was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from heapq import nsmallest
from types import MappingProxyType
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.monitor.flags import Flag, flags
from beanops.monitor.problems import Problem
from beanops.monitor.rates import UNKNOWN, Rates, Trail, grown, point, recent_rates, time_to_drain
from beanops.monitor.sweep import tube_stats
from beanops.monitor.wait_times import Ages
from beanops.protocol import ServerStats, TubeStats

#: Tubes up to which a look asks for all, and how many of those on a screen and of all others it asks for beyond that.
FULL, IN_TURN = 1000, 200
#: Looks after which it lists the names of many tubes again although their number has not changed.
RENAME = 10
#: Points of all trails together, and the most and the fewest points of one trail.
POINTS, MOST, LEAST = 60_000, 120, 8


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
        Its history.
    age : int or None
        Seconds since the next ready job was put; None if no job is ready or the look did not ask for it.
    drain : float or None
        Seconds until no job is ready at the present pace; None while ready jobs do not decrease.
    flags : tuple of Flag
        Warnings, the worst first.
    members : tuple of str
        Names of the tubes that this sums up; empty for a single tube.
    """

    stats: TubeStats
    at: float
    rates: Rates = UNKNOWN
    trail: Trail = ()
    age: int | None = None
    drain: float | None = None
    flags: tuple[Flag, ...] = ()
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
        The history of the server.
    cpu : float or None
        Share of a core that the server uses; 1 is a whole core.
    timeouts : int
        Reservations that timed out since the last look.
    tubes : Mapping of str to Seen
        By name, in the server's order.
    full : bool
        Whether this look asked for all tubes.
    problems : tuple of Problem
        What is wrong with the server and its tubes, the worst first.
    """

    at: float
    server: ServerStats
    rates: Rates = UNKNOWN
    trail: Trail = ()
    cpu: float | None = None
    timeouts: int = 0
    tubes: Mapping[str, Seen] = MappingProxyType({})
    full: bool = True
    problems: tuple[Problem, ...] = ()


class Surveyor:
    """Surveys a server with each look, and keeps the history.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._forget()

    def _forget(self) -> None:
        self._last: Survey | None = None
        self._tubes: dict[str, Seen] = {}
        self._ages = Ages()
        self._new: list[str] = []
        self._looks = 0

    def look(self, client: Client, wanted: Collection[str] = ()) -> Survey:
        """Return a new survey of the server.

        Parameters
        ----------
        client : Client
            A connection that never reserves; the server would count it as a worker.
        wanted : collection of str
            Names of tubes that are on a screen, marked or pinned. The survey also has the age of their next jobs.
        """
        server = client.stats()
        at, last = self._clock(), self._last
        if last is not None and last.server.id != server.id:
            self._forget()
            last = None
        self._names(client, server)
        full = len(self._tubes) + len(self._new) <= FULL
        wanted = set(wanted)
        asked = self._due(wanted, full)
        stats = list(tube_stats(client, asked))
        for gone in asked.keys() - {tube.name for tube in stats}:
            self._tubes.pop(gone, None)
        self._new = [name for name in self._new if name not in asked]
        self._ages.look(client, [tube for tube in stats if tube.name in wanted], wanted)
        for tube in stats:
            # Every connection watches "default", but only those that reserve are workers.
            workers = min(tube.current_watching, server.current_workers)
            self._tubes[tube.name] = self._seen(at, tube._replace(current_watching=workers))
        self._last = _survey(at, server, last)._replace(tubes=MappingProxyType(dict(self._tubes)), full=full)
        return self._last

    def _names(self, client: Client, server: ServerStats) -> None:
        """List the tubes: with each look while they are few, else when their number has changed."""
        known = len(self._tubes) + len(self._new)
        if known > FULL and self._looks % RENAME and server.current_tubes == known:
            self._looks += 1
            return
        self._looks = 1
        names = client.list_tubes()
        there = set(names)
        self._tubes = {name: seen for name, seen in self._tubes.items() if name in there}
        self._new = [name for name in names if name not in self._tubes]

    def _due(self, wanted: set[str], full: bool) -> dict[str, None]:
        """Return the tubes to ask for now: all, or new ones, some of the wanted ones and some of the rest."""
        if full or not self._tubes:
            return dict.fromkeys((*self._tubes, *self._new))
        new = self._new[:IN_TURN]
        # However many tubes are new, some of the others are asked for too.
        rest = max(IN_TURN - len(new), IN_TURN // 4)
        wanted = wanted & self._tubes.keys()
        return dict.fromkeys((*new, *self._oldest(wanted, IN_TURN), *self._oldest(self._tubes, rest)))

    def _oldest(self, names: Iterable[str], most: int) -> list[str]:
        return nsmallest(most, names, key=lambda name: self._tubes[name].at)

    def _seen(self, at: float, tube: TubeStats) -> Seen:
        before = self._tubes.get(tube.name)
        most = max(LEAST, min(MOST, POINTS // max(1, len(self._tubes))))
        trail = grown(before.trail if before else (), point(at, tube), most)
        head, taken = self._ages.head(tube.name), self._ages.taken(tube.name)
        wrong = flags(tube, trail, taken)
        return Seen(tube, at, recent_rates(trail), trail, head.age if head else None, time_to_drain(trail), wrong)


def _survey(at: float, server: ServerStats, last: Survey | None) -> Survey:
    if last is None:
        return Survey(at, server, trail=(point(at, server),))
    trail = grown(last.trail, point(at, server), MOST)
    timeouts = max(0, server.job_timeouts - last.server.job_timeouts)
    cpu = last.cpu
    # Two looks within a tenth of a second give no share.
    if at - last.at > 0.1:
        used = server.rusage_utime + server.rusage_stime - last.server.rusage_utime - last.server.rusage_stime
        cpu = max(0.0, used) / (at - last.at)
    return Survey(at, server, recent_rates(trail), trail, cpu, timeouts)
