"""Find the highest id of a server that continued from an unknown id, as after a restart from its binlog.

`climb` looks where ids may be; `prove` counts jobs to make sure that no job is above.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from beanops.client.sync import Client
from beanops.jobs.search.completeness import Account
from beanops.jobs.search.id_map import IdMap
from beanops.jobs.select import Selection
from beanops.protocol import JobStats, commands
from beanops.protocol.limits import U64_MAX

#: Number of missing ids in a row above the highest known id that count as the end.
_CLIMB = 2048
#: How often the distance doubles, up to 2**32 ids, and at how many ids in each such stretch to look: in a row at its
#: beginning, and all over it.
_LEAPS, _ROW, _PLACES = 21, 32, 96
#: Ids per pipeline.
_STEP = 256
#: Maximum number of ids for a proof; more would delay a page.
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
    """Look above the highest known id as long as there are jobs; yield the number of ids asked for, again and again.

    It looks in stretches that double, far ones first: the known heads may be the oldest of a million jobs, and gaps
    between jobs may have any size.
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
    """Return ids of one stretch: some in a row, others at equal distances."""
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
    """Find all selected jobs if few ids are possible, which proves that none is above; yield as `climb` does.

    Parameters
    ----------
    client : Client
        A client that never reserves.
    idmap : IdMap
        The map of the server process.
    selection : Selection
        Which jobs.
    found : Account
        A new account.
    most_above : int
        Number of ids to look at above the highest known id while jobs are missing.

    Returns
    -------
    bool or None
        Whether as many selected jobs were found as the server counts; None if that is open, because there are too
        many ids or because jobs move.
    """
    below = _few(idmap, selection)
    if below is None or found.expected is None:
        return None
    for start in range(0, len(below), _STEP):
        if not found.short:
            break
        yield _find(client, idmap, selection, found, below[start : start + _STEP])
    if found.holds(client):
        return True
    above = idmap.top + 1
    for start in range(above, above + most_above, _STEP):
        if not found.short:
            return found.holds(client) or None
        yield _find(client, idmap, selection, found, range(start, min(start + _STEP, above + most_above)))
    return found.holds(client)


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
