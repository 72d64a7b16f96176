"""Read actions in columns, for frames: the database joins the values of a column, and numpy reads them at once.

A Python object for each value would take four times as long. Importing this module imports numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from beanops.journal.records import UNKNOWN
from beanops.journal.storage.tables import ACTIONS, FATES

#: Databases that join any number of values; others give a row for each action.
JOINING = frozenset({"sqlite", "postgresql"})
#: The columns of numbers; those but the first may have no value.
_NUMBERS = ("n", "job_id", "priority", "delay")
#: What the actions of a batch have in common, mostly.
_COMMON = ("time", "action", "tube", "state_before")


class Numbers(NamedTuple):
    """A column of signed 64-bit numbers, and where it has none."""

    values: np.ndarray[Any, np.dtype[np.int64]]
    missing: np.ndarray[Any, np.dtype[np.bool_]]


class ActionPage(NamedTuple):
    """Actions of one run in columns, newest first.

    Attributes
    ----------
    n, time : numpy.ndarray
        Positions in the run, and microseconds since 1970.
    job_id, priority, delay : Numbers
        As in the table of actions.
    kinds : list of (str, str or None, str or None)
        The different verbs with tube and state.
    kind : numpy.ndarray
        The place of each action's in `kinds`.
    fates : list
        Outcomes: columns ``outcome``, ``error``, ``new_id`` and ``jobs``.
    fate : numpy.ndarray
        The place of each action's in `fates`.
    """

    n: np.ndarray[Any, np.dtype[np.int64]]
    time: np.ndarray[Any, np.dtype[np.int64]]
    job_id: Numbers
    priority: Numbers
    delay: Numbers
    kinds: list[tuple[str, str | None, str | None]]
    kind: np.ndarray[Any, np.dtype[np.intp]]
    fates: list[Any]
    fate: np.ndarray[Any, np.dtype[np.intp]]


def read_page(
    connection: sa.Connection, run: str, conditions: Sequence[sa.ColumnElement[bool]], stop: int | None, most: int
) -> ActionPage | None:
    """Return the last actions of a run that meet conditions, None where there are none.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    run : str
        Its id.
    conditions : sequence
        Conditions on actions.
    stop : int or None
        Only actions before this position.
    most : int
        Maximum number of actions.
    """
    page = sa.select(*(ACTIONS.c[name] for name in (*_NUMBERS, *_COMMON)))
    page = page.where(ACTIONS.c.run == run, *conditions).order_by(ACTIONS.c.n.desc()).limit(most)
    if stop is not None:
        page = page.where(ACTIONS.c.n < stop)
    groups = connection.execute(_in_groups(page, connection.dialect.name)).all()
    if not groups:
        return None
    count, *texts = zip(*groups, strict=True)
    numbers, absent, common = texts[:4], texts[4:7], texts[7:]
    n = _numbers(numbers[0])
    order = np.argsort(n)[::-1]
    group = np.repeat(np.arange(len(groups)), count)[order]
    n = n[order]
    job_id, priority, delay = (
        Numbers(_numbers(values)[order], np.isin(n, _numbers(missing)))
        for values, missing in zip(numbers[1:], absent, strict=True)
    )
    time, *kinds = common
    fates, fate = _fates(connection, run, n)
    of_group = list(zip(*kinds, strict=True))
    return ActionPage(n, np.array(time)[group], job_id, priority, delay, of_group, group, fates, fate)


def _in_groups(page: sa.Select[Any], dialect: str) -> sa.Select[*tuple[Any, ...]]:
    """Select for each group: its size, its numbers as texts, the positions without a number, and what is common."""
    one = page.subquery().c
    numbers = [one.n, *(sa.func.coalesce(one[name], 0) for name in _NUMBERS[1:])]
    absent = [sa.case((one[name].is_(None), one.n)) for name in _NUMBERS[1:]]
    texts: list[sa.ColumnElement[Any]] = [sa.cast(number, sa.Text) for number in (*numbers, *absent)]
    common = [one[name] for name in _COMMON]
    if dialect not in JOINING:
        return sa.select(sa.literal(1), *texts, *common)
    joined = (sa.func.aggregate_strings(text, ",") for text in texts)
    return sa.select(sa.func.count(), *joined, *common).group_by(*common)


def _numbers(texts: Iterable[str | None]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Read numbers from texts with commas."""
    return np.fromstring(",".join(filter(None, texts)), dtype=np.int64, sep=",")


def _fates(
    connection: sa.Connection, run: str, n: np.ndarray[Any, np.dtype[np.int64]]
) -> tuple[list[Any], np.ndarray[Any, np.dtype[np.intp]]]:
    """Return the outcomes of actions of a run, and which is that of each: the latest, or the last, `UNKNOWN`."""
    start, stop = int(n[-1]), int(n[0]) + 1
    columns = (FATES.c[name] for name in ("first_n", "last_n", "outcome", "error", "new_id", "jobs"))
    within = (FATES.c.run == run, FATES.c.last_n >= start, FATES.c.first_n < stop)
    rows = connection.execute(sa.select(*columns).where(*within).order_by(FATES.c.seq)).all()
    firsts = np.array([max(row.first_n, start) for row in rows], dtype=np.intp)
    sizes = np.array([min(row.last_n + 1, stop) for row in rows], dtype=np.intp) - firsts
    row = np.repeat(np.arange(len(rows)), sizes)
    places = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes - firsts, sizes)
    latest = np.full(stop - start, len(rows), dtype=np.intp)
    latest[places - start] = row  # of a place that comes twice the last one counts
    fates: list[Any] = [*(row[2:] for row in rows), UNKNOWN]
    # Done without a new id keeps the last one of before, as in `outcomes`.
    has_id = np.array([row.new_id is not None for row in rows], dtype=bool)
    keeps = np.array([row.outcome == "done" and row.new_id is None for row in rows] + [False], dtype=bool)
    if has_id.any() and keeps.any():
        made = np.full(stop - start, -1, dtype=np.intp)
        made[places[has_id[row]] - start] = row[has_id[row]]
        of = np.flatnonzero(keeps[latest] & (made >= 0))
        pairs, which = np.unique(np.stack([latest[of], made[of]]), axis=1, return_inverse=True)
        latest[of] = len(fates) + which
        fates += [(*fates[done][:2], fates[with_id][2], fates[done][3]) for done, with_id in pairs.T.tolist()]
    return fates, latest[n - start]
