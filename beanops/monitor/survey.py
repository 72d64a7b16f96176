"""`Surveyor`: which tubes are asked for with each look, so that ten thousand cost the server little, and what is known.

Up to `FULL` tubes all are asked for. Beyond, some of those that somebody looks at, and some of all: those that were not
seen for longest. Each tube tells when it was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from heapq import nsmallest
from types import MappingProxyType
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.monitor.flags import Flag, flags
from beanops.monitor.history import UNKNOWN, Rates, Trail, grown, point, recent_rates, time_to_drain
from beanops.monitor.sweep import tube_stats
from beanops.monitor.wait_times import Ages
from beanops.protocol import ServerStats, TubeStats

#: Tubes up to which all are asked for, and how many of those in sight and of all are with a look beyond that.
FULL, IN_TURN = 1000, 200
#: Looks after which the names are asked for anew, when there are many and their number is the same.
RENAME = 10
#: Points of all trails together, and of one trail at most and at least.
POINTS, MOST, LEAST = 60_000, 120, 8


class Seen(NamedTuple):
    """What is known of one tube.

    Attributes
    ----------
    stats : TubeStats
        As it was last seen; those that watch it are no more than the server has workers.
    at : float
        When that was, in seconds of the surveyor's clock.
    rates : Rates
        Jobs put and deleted per second, over the last `RATE_WINDOW` seconds.
    trail : Trail
        Where it came from.
    age : int or None
        Seconds since the next ready job was put; None where none is ready, or it was not asked for.
    drain : float or None
        Seconds until no job is ready, if it goes on like this; None while it does not sink.
    flags : tuple of Flag
        What is wrong with it, the worst first.
    members : tuple of str
        The tubes of which this is the sum; none where it is one tube.
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
    """A server and its tubes, as far as they are known.

    Attributes
    ----------
    at : float
        Seconds of the surveyor's clock.
    server : ServerStats
        What the server said of itself.
    rates : Rates
        Of the server.
    trail : Trail
        Where the server came from.
    cpu : float or None
        Share of a core that the server takes, 1 is all of it.
    timeouts : int
        Reservations that ran past their ttr since the look before.
    tubes : Mapping of str to Seen
        By name, in the server's order.
    full : bool
        Whether all tubes were seen with this look.
    """

    at: float
    server: ServerStats
    rates: Rates = UNKNOWN
    trail: Trail = ()
    cpu: float | None = None
    timeouts: int = 0
    tubes: Mapping[str, Seen] = MappingProxyType({})
    full: bool = True


class Surveyor:
    """Looks at a server again and again, and remembers what it saw.

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
        """Look at the server, its `wanted` tubes, and as many others as it bears.

        Parameters
        ----------
        client : Client
            One that never reserves, or the server counts it among the workers.
        wanted : collection of str
            Tubes that somebody looks at, has marked or pinned; of these the age of the next job is asked for too.
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
            # Every connection watches "default", but no more than reserve are workers.
            workers = min(tube.current_watching, server.current_workers)
            self._tubes[tube.name] = self._seen(at, tube._replace(current_watching=workers))
        self._last = _survey(at, server, last)._replace(tubes=MappingProxyType(dict(self._tubes)), full=full)
        return self._last

    def _names(self, client: Client, server: ServerStats) -> None:
        """Learn which tubes there are: with each look while they are few, else when their number changed."""
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
        """Return the tubes to ask for now: all, or some of those that are wanted, new ones, and some of the rest."""
        if full or not self._tubes:
            return dict.fromkeys((*self._tubes, *self._new))
        new = self._new[:IN_TURN]
        # New ones, however many come, do not keep all others from being seen.
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
    # The server counts its processor time finely, but two looks at once tell nothing.
    if at - last.at > 0.1:
        used = server.rusage_utime + server.rusage_stime - last.server.rusage_utime - last.server.rusage_stime
        cpu = max(0.0, used) / (at - last.at)
    return Survey(at, server, recent_rates(trail), trail, cpu, timeouts)
