"""The last minute of a tube or a server: its counts over time, and its rates, trend and forecast."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from beanops.protocol import ServerStats, TubeStats

#: Seconds over which all faces take rates, so that a tube has the same rate in each of them.
RATE_WINDOW = 10.0
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


UNKNOWN = Rates(None, None)


class Point(NamedTuple):
    """The counts of a tube or a server at one moment.

    Attributes
    ----------
    at : float
        Monotonic seconds.
    ready, reserved, delayed, buried : int
        Jobs in each state.
    puts, deletes : int
        Counters.
    """

    at: float
    ready: int
    reserved: int
    delayed: int
    buried: int
    puts: int
    deletes: int


#: Points in the order of time.
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
        stats.cmd_delete,
    )


def grown(trail: Trail, new: Point, most: int) -> Trail:
    """Return a trail with one more point, and at most `most` points.

    A tube at rest has two points: the last one moves on as long as no count changes. A full trail drops every second
    point of its older half, so it still reaches back to its beginning, with more detail for the recent past.
    """
    if trail and new.at - trail[-1].at < SHORTEST_GAP:
        return trail
    if trail and (new.puts < trail[-1].puts or new.deletes < trail[-1].deletes):
        return (new,)  # another tube of the same name, or the server was restarted
    if len(trail) > 1 and trail[-1][1:] == trail[-2][1:] == new[1:]:
        return (*trail[:-1], new)
    if len(trail) >= most:
        half = len(trail) // 2
        trail = trail[:half:2] + trail[half:]
    return (*trail, new)


def rates_between(before: Point, after: Point) -> Rates:
    """Return the rates between two points of a trail."""
    seconds = after.at - before.at
    return Rates((after.puts - before.puts) / seconds, (after.deletes - before.deletes) / seconds)


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

    Examples
    --------
    >>> recent_rates((Point(0, 0, 0, 0, 0, 0, 0), Point(5, 0, 0, 0, 0, 20, 10)))
    Rates(puts=4.0, deletes=2.0)
    """
    before = since(trail, seconds)
    return UNKNOWN if before is None or before is trail[-1] else rates_between(before, trail[-1])


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
