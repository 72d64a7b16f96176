"""The last minute of a tube or a server: its counts over time, and its rates, trend and forecast."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from beanops.protocol import ServerStats, TubeStats

#: Seconds over which all faces take rates, so that a tube has the same rate in each of them.
RATE_WINDOW = 10.0
#: Seconds that a trail reaches back, and points that it has at most.
REACH, MOST = 60.0, 120
#: Seconds between two looks that are too close to give a rate, such as one that follows an action at once.
SHORTEST_GAP = 0.5


class Rates(NamedTuple):
    """Jobs per second through a tube or a server. None is unknown, not zero.

    Attributes
    ----------
    puts : float or None
        Jobs put.
    deletes : float or None
        Jobs deleted; a worker deletes each job that it has finished.
    """

    puts: float | None
    deletes: float | None

    @property
    def growth(self) -> float | None:
        """Jobs that it gains, less than 0 where it loses some; None is unknown."""
        return None if self.puts is None or self.deletes is None else self.puts - self.deletes


UNKNOWN = Rates(None, None)
#: Instead of a counter that a server does not have: 1.4 does not count the deletes of a tube.
UNCOUNTED = -1


class Point(NamedTuple):
    """The counts of a tube or a server at one moment.

    Attributes
    ----------
    at : float
        Monotonic seconds.
    ready, reserved, delayed, buried : int
        Jobs in each state.
    puts, deletes : int
        Counters; `UNCOUNTED` where the server does not say.
    """

    at: float
    ready: int
    reserved: int
    delayed: int
    buried: int
    puts: int
    deletes: int


_PUTS, _DELETES = Point._fields.index("puts"), Point._fields.index("deletes")
#: The points of the last minute, in the order of time.
Trail = tuple[Point, ...]


def point(at: float, stats: TubeStats | ServerStats) -> Point:
    """Return the counts of statistics that were read at a moment."""
    return Point(
        at,
        stats.current_jobs_ready,
        stats.current_jobs_reserved,
        stats.current_jobs_delayed,
        stats.current_jobs_buried,
        stats.total_jobs,
        UNCOUNTED if stats.cmd_delete is None else stats.cmd_delete,
    )


def grown(trail: Trail, new: Point, most: int = MOST) -> Trail:
    """Return a trail with one more point, without those that are older than a minute, and at most `most` points.

    A tube at rest has two points: the last one moves on as long as no count changes.
    """
    if trail and new.at - trail[-1].at < SHORTEST_GAP:
        return trail
    if trail and (new.puts < trail[-1].puts or new.deletes < trail[-1].deletes):
        return (new,)  # another tube of the same name, or the server was restarted
    if len(trail) > 1 and trail[-1][1:] == trail[-2][1:] == new[1:]:
        return (*trail[:-1], new)
    first = max(0, len(trail) - most + 1)
    # One point from before the minute tells how it began.
    while first + 1 < len(trail) and trail[first + 1].at <= new.at - REACH:
        first += 1
    return (*trail[first:], new)


def rates_between(before: Point, after: Point) -> Rates:
    """Return the rates between two points of a trail."""
    seconds = after.at - before.at
    deletes = None if after.deletes == UNCOUNTED else (after.deletes - before.deletes) / seconds
    return Rates((after.puts - before.puts) / seconds, deletes)


def since(trail: Trail, seconds: float) -> Point | None:
    """Return the counts of `seconds` ago, or the oldest known ones; None for an empty trail.

    Where the counts changed in between, the earlier point counts, so that no rate is taken over too short a time.
    """
    if not trail:
        return None
    limit = trail[-1].at - seconds
    after = trail[-1]
    for one in reversed(trail):
        if one.at <= limit:
            # A tube at rest has two points however long it rests: it had these counts at every moment between them.
            return one._replace(at=limit) if one[1:] == after[1:] else one
        after = one
    return trail[0]


def recent_rates(trail: Trail, seconds: float = RATE_WINDOW) -> Rates:
    """Return the rates of the last `seconds`, or since the first point of a shorter trail.

    They are taken from one job to another, so that a job every 3 seconds is a rate of 0.33 whenever one looks, and
    not 0.3 or 0.4 as the window happens to hold three or four of them. The last two jobs of a slow tube, which may be
    a minute apart, give its rate.

    Examples
    --------
    >>> recent_rates((Point(0, 0, 0, 0, 0, 0, 0), Point(5, 0, 0, 0, 0, 20, 10)))
    Rates(puts=4.0, deletes=2.0)
    """
    if len(trail) < 2:
        return UNKNOWN
    deletes = None if trail[-1].deletes == UNCOUNTED else _rate(trail, _DELETES, seconds)
    return Rates(_rate(trail, _PUTS, seconds), deletes)


def _rate(trail: Trail, counter: int, seconds: float) -> float:
    """Return the rate of one counter, given its place in a point."""
    now, total = trail[-1].at, trail[-1][counter]
    if trail[0][counter] == total:
        return 0.0
    last = _last_change(trail, counter, len(trail) - 1)
    assert last is not None
    start = next((at for at in range(len(trail) - 1, -1, -1) if trail[at].at <= now - seconds), 0)
    first = _last_change(trail, counter, start)
    if first == last:  # none within the window
        first = _last_change(trail, counter, last - 1)
        if first is None:
            return 0.0
        apart = (trail[last].at - trail[first].at) / (total - trail[first][counter])
        idle = now - trail[last].at
        return 1 / max(apart, idle) if idle <= 2 * apart else 0.0
    since = start if first is None else first
    begun = trail[since].at
    following = next(at for at in range(since + 1, len(trail)) if trail[at][counter] != trail[since][counter])
    # Where it rested until within the window, the window counts and not the rest.
    if first is None:
        rested = following > since + 1
    else:
        rested = trail[following].at - begun > 2 * (trail[last].at - begun) / (total - trail[since][counter])
    if rested:
        begun = max(begun, now - seconds)
    jobs = total - trail[since][counter]
    known = trail[last].at - begun
    # The next one is late: the pace is no longer what it was.
    return jobs / max(known, now - begun - known / jobs)


def _last_change(trail: Trail, counter: int, place: int) -> int | None:
    """Return the last place up to `place` at which a counter had grown; None if it had not."""
    while place > 0:
        if trail[place][counter] != trail[place - 1][counter]:
            return place
        place -= 1
    return None


def time_to_drain(trail: Trail, window: float = 30.0) -> float | None:
    """Return the seconds until no job is ready at the pace of the last `window` seconds; None if they do not decrease.

    Examples
    --------
    >>> time_to_drain((Point(0, 100, 0, 0, 0, 0, 0), Point(10, 80, 0, 0, 0, 0, 20)))
    40.0
    """
    before = since(trail, window)
    if before is None or not trail[-1].ready or trail[-1].ready >= before.ready:
        return None
    return trail[-1].ready * (trail[-1].at - before.at) / (before.ready - trail[-1].ready)


def course(trail: Trail, field: str, now: float, step: float, cells: int) -> list[int | None]:
    """Return a count at the last `cells` moments, `step` seconds apart; None before the trail begins."""
    values: list[int | None] = []
    place = len(trail) - 1
    for cell in range(cells):
        moment = now - cell * step
        while place >= 0 and trail[place].at > moment:
            place -= 1
        if place < 0:
            # The first point counts for the cell that it falls into.
            first = trail[0] if trail and trail[0].at < moment + step else None
            values.append(getattr(first, field) if first else None)
        else:
            values.append(getattr(trail[place], field))
    return values[::-1]


def flow(trail: Trail, cells: int) -> list[Rates]:
    """Return the rates between each two of the last `cells` + 1 points; unknown where the trail is shorter."""
    recent = trail[-cells - 1 :]
    known = [rates_between(one, two) for one, two in pairwise(recent)]
    return [UNKNOWN] * (cells - len(known)) + known
