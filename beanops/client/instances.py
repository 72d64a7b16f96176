"""Which server process answered: one name for all processes of a cluster, and names for processes that have none.

A process of beanstalkd has a random ``id`` since 1.9, and what is remembered of its jobs is keyed on it. Behind one
address there may be several processes that share their jobs; `unite` notes that, once it is proven, and from then on
they have one id in all statistics that clients return. Before 1.9 an id is made of the address, the process number and
the start.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple

from beanops.client.address import Address
from beanops.protocol import ServerStats
from beanops.protocol.records import NODE

#: Seconds by which two looks may differ on when a process started: uptimes are whole seconds, and answers take time.
_APART = 3
_MADE_UP = re.compile(r"(\d+)-(\d+)-([0-9a-f]{8})")
_lock = Lock()
#: The common id of each process that is known to share its jobs with others.
_common: dict[str, str] = {}


class _Sighting(NamedTuple):
    """What was seen of a process without an id: the id that it was given, its start, and counters that only grow."""

    id: str
    start: float
    counters: tuple[int, int]


_sightings: dict[tuple[str, int], _Sighting] = {}


def recogniser(address: Address) -> Callable[[ServerStats], ServerStats]:
    """Return what gives statistics from an address the id that their process is known by."""
    place = blake2b(str(address).encode(), digest_size=4).hexdigest()

    def recognise(stats: ServerStats) -> ServerStats:
        id = stats.id or _made_up(place, stats, time.time())
        common = _common.get(id, id)
        if common == stats.id:
            return stats
        return stats._replace(id=common, extra=stats.extra if common == id else {**stats.extra, NODE: id})

    return recognise


def _made_up(place: str, stats: ServerStats, now: float) -> str:
    """Return an id for a process without one; the same as long as the process can be the same."""
    start, counters = now - stats.uptime, (stats.total_connections, stats.cmd_stats)
    with _lock:
        known = _sightings.get((place, stats.pid))
        same = (
            known is not None
            and abs(known.start - start) <= _APART
            and all(before <= after for before, after in zip(known.counters, counters, strict=True))
        )
        id = known.id if known is not None and same else f"{stats.pid}-{round(start)}-{place}"
        _sightings[place, stats.pid] = _Sighting(id, start, counters)
    return id


def unite(one: str, other: str) -> None:
    """Note that two processes share their jobs: the second one gets the id of the first."""
    with _lock:
        common, gone = _common.get(one, one), _common.get(other, other)
        for id in [id for id, known in _common.items() if known == gone]:
            _common[id] = common
        _common.update({common: common, gone: common, one: common, other: common})


def is_shared(id: str) -> bool:
    """Whether a process is known to share its jobs with others."""
    return id in _common


def is_same(one: str | None, other: str | None) -> bool:
    """Whether two ids are of one process, or of two that share their jobs.

    Examples
    --------
    >>> is_same("71-1732790000-0a1b2c3d", "71-1732790001-0a1b2c3d"), is_same("5d0f1c2b3a495867", "97bb3ae15f5d0c3e")
    (True, False)
    """
    if one == other:
        return True
    if not one or not other:
        return False
    if _common.get(one, one) == _common.get(other, other):
        return True
    a, b = _MADE_UP.fullmatch(one), _MADE_UP.fullmatch(other)
    return a is not None and b is not None and a[3] == b[3] and may_be_same(one, other)


def may_be_same(one: str, other: str) -> bool:
    """Whether two ids can be of one process, also at two addresses where it has no id of its own.

    Examples
    --------
    >>> may_be_same("71-1732790000-0a1b2c3d", "71-1732790001-97bb3ae1")
    True
    """
    a, b = _MADE_UP.fullmatch(one), _MADE_UP.fullmatch(other)
    if a is None or b is None:
        return is_same(one, other)
    return a[1] == b[1] and abs(int(a[2]) - int(b[2])) <= _APART


def spellings(id: str) -> list[str]:
    """Return all ids that are known to be of the same server as one, for a search of what is remembered of it.

    Examples
    --------
    >>> spellings("5d0f1c2b3a495867")
    ['5d0f1c2b3a495867']
    """
    if made_up := _MADE_UP.fullmatch(id):
        pid, start, place = made_up.groups()
        return [f"{pid}-{int(start) + apart}-{place}" for apart in range(-_APART, _APART + 1)]
    with _lock:
        common = _common.get(id, id)
        return [id, *(one for one, known in _common.items() if known == common and one != id)]


def is_made_up(id: str) -> bool:
    """Whether an id is not the server's own."""
    return _MADE_UP.fullmatch(id) is not None
