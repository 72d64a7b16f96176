"""Finding the highest id of a server that went on from an unknown one, as after a restart from its binlog.

`climb` looks where ids may be; `prove` makes sure, by counting, that no job is above.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from beanops.client.sync import Client
from beanops.jobs.search.completeness import Account
from beanops.jobs.search.id_map import IdMap
from beanops.jobs.select import Selection
from beanops.protocol import JobStats, commands
from beanops.protocol.limits import U64_MAX

#: How many ids in a row must be missing above the highest known one before it is taken for the end.
_CLIMB = 2048
#: How often the distance doubles, up to 2**32 ids, and at how many ids in each such stretch to look: in a row at its
#: beginning, and all over it.
_LEAPS, _ROW, _PLACES = 21, 32, 96
#: Ids asked for in one go.
_STEP = 256
#: Ids to look at for a proof; more would keep a page waiting.
_FEW = 8192


def look_above(
    client: Client, idmap: IdMap, selection: Selection, proving: Callable[[], Account] | None, most_above: int
) -> Generator[int, None, tuple[bool | None, int]]:
    """Look for the highest id; yield the number of ids asked for, again and again.

    Parameters
    ----------
    client, idmap, selection, most_above
        As in `prove`.
    proving : callable or None
        Returns an `Account` for the proof that no selected job is above; None for no proof.

    Returns
    -------
    (bool or None, int)
        The result of `prove`, and the highest id before the proof.
    """
    yield from climb(client, idmap)
    highest = idmap.top
    if proving is None:
        return None, highest
    return (yield from prove(client, idmap, selection, proving(), most_above)), highest


def climb(client: Client, idmap: IdMap) -> Iterator[int]:
    """Look above the highest known id as long as there are jobs; yield how many ids were asked for, again and again.

    In stretches that double, far ones first: the heads that were known may be the oldest of a million jobs, and
    between the jobs there may be gaps of any size.
    """
    leapt_from, above = -_CLIMB, 0
    while True:
        if idmap.top - leapt_from >= _CLIMB:
            leapt_from = idmap.top
            for power in range(_LEAPS - 1, -1, -2):
                near = _places(leapt_from, power - 1) if power else []
                yield _learn(client, idmap, [*_places(leapt_from, power), *near])
                if idmap.top > leapt_from:
                    break
            if idmap.top > leapt_from:
                continue
        above, end = max(above, idmap.top + 1), idmap.top + 1 + _CLIMB
        if above == end:
            return
        for start in range(above, end, _STEP):
            yield _learn(client, idmap, range(start, min(start + _STEP, end)))
        above = end


def _places(top: int, power: int) -> list[int]:
    """Return ids in one stretch: some in a row, and others at equal distances."""
    start, step = top + (_CLIMB << power), (_CLIMB << power) // _PLACES | 1  # odd: every other job may be gone
    places = range(start + step, start + step * (_PLACES + 1), step)
    return [id for id in (*range(start, start + _ROW), *places) if id <= U64_MAX]


def _learn(client: Client, idmap: IdMap, ids: Sequence[int]) -> int:
    for stats in client.pipeline(map(commands.stats_job, ids)):
        if isinstance(stats, JobStats):
            idmap.learn(stats.id, stats.tube)
    return len(ids)


def prove(
    client: Client, idmap: IdMap, selection: Selection, found: Account, most_above: int
) -> Generator[int, None, bool | None]:
    """Find all selected jobs where few ids are to be looked at, so that none can be above; yield as `climb` does.

    Parameters
    ----------
    client : Client
        One that never reserves.
    idmap : IdMap
        What is known of the ids.
    selection : Selection
        Which jobs.
    found : Account
        An account of its own, in which nothing is found yet.
    most_above : int
        How far to look above the highest known id while jobs are missing.

    Returns
    -------
    bool or None
        Whether as many selected jobs were found as the server counts, however far up; None when that was not seen,
        because there are too many ids to look at, or because jobs move.
    """
    below = _few(idmap, selection)
    if below is None or found.expected is None:
        return None
    for start in range(0, len(below), _STEP):
        if not found.short:
            break
        yield _find(client, idmap, selection, found, below[start : start + _STEP])
    if found.stands(client):
        return True
    above = idmap.top + 1
    for start in range(above, above + most_above, _STEP):
        if not found.short:
            return found.stands(client) or None
        yield _find(client, idmap, selection, found, range(start, min(start + _STEP, above + most_above)))
    return found.stands(client)


def _few(idmap: IdMap, selection: Selection) -> list[int] | None:
    """Return the ids that may have a selected job, from the highest known one down; None if they are many."""
    ids: list[int] = []
    for start in range(idmap.top, 0, -_FEW):
        ids += idmap.candidates(range(start, max(start - _FEW, 0), -1), selection.in_tube)
        if len(ids) > _FEW:
            return None
    return ids


def _find(client: Client, idmap: IdMap, selection: Selection, found: Account, ids: Iterable[int]) -> int:
    gone, top, asked = [], idmap.top, list(ids)
    for id, stats in zip(asked, client.pipeline(map(commands.stats_job, asked)), strict=True):
        if isinstance(stats, JobStats):
            idmap.learn(id, stats.tube)
            if selection.takes(stats):
                found.found.append(id)
        else:
            gone.append(id)
    idmap.forget(gone, top)
    return len(asked)
