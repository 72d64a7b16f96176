"""Read the outcomes of actions. Each row settles a range of positions in a run; a later row replaces an earlier one.

A row that says done without a new id keeps the last one of before: ids are recorded before what depends on them.

Each function is part of a transaction of its caller.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from beanops.journal.records import OUTCOMES, UNKNOWN, Fate
from beanops.journal.storage.tables import ACTIONS, FATES, RUNS, moment


def fates_of(connection: sa.Connection, run: str, start: int, stop: int) -> list[tuple[Fate, datetime | None]]:
    """Return the outcomes of the actions at positions of a run, and when each was recorded."""
    fates: list[tuple[Fate, datetime | None]] = [(UNKNOWN, None)] * (stop - start)
    ids: list[int | None] = [None] * (stop - start)
    within = (FATES.c.run == run, FATES.c.last_n >= start, FATES.c.first_n < stop)
    for row in connection.execute(sa.select(FATES).where(*within).order_by(FATES.c.seq)):
        fate = Fate(row.outcome, row.error, row.new_id, row.jobs)
        first, end = max(row.first_n, start), min(row.last_n + 1, stop)
        span, settled = slice(first - start, end - start), moment(row.time)
        if fate.new_id is not None:
            ids[span] = [fate.new_id] * (end - first)
        if fate.outcome == "done" and any(ids[span]):
            fates[span] = [(fate._replace(new_id=id), settled) for id in ids[span]]
        else:
            fates[span] = [(fate, settled)] * (end - first)
    return fates


def counts_of(connection: sa.Connection, runs: Sequence[str]) -> dict[str, Counter[str]]:
    """Return the number of actions with each outcome for each run; the database counts."""
    size = sa.select(sa.func.max(ACTIONS.c.n)).where(ACTIONS.c.run == RUNS.c.id).scalar_subquery()
    sizes = connection.execute(sa.select(RUNS.c.id, size).where(RUNS.c.id.in_(runs)))
    counts = {run: Counter({"unknown": 0 if last is None else last + 1}) for run, last in sizes}
    for run, outcome, places, jobs in connection.execute(_known(runs)):
        counts[run][outcome] += int(jobs)
        counts[run]["unknown"] -= int(places)
    return {run: +count for run, count in counts.items()}


def _known(runs: Sequence[str]) -> sa.Select[Any]:
    """Select the number of positions and of jobs by run and known outcome. An outcome recorded twice counts once."""
    first, last = FATES.c.first_n, FATES.c.last_n
    of_outcome = (FATES.c.run, FATES.c.outcome)
    before = sa.func.max(last).over(partition_by=of_outcome, order_by=(first, FATES.c.seq), rows=(None, -1))
    reached = sa.select(*of_outcome, first, last, FATES.c.jobs, sa.func.coalesce(before, -1).label("before"))
    row = reached.where(FATES.c.run.in_(runs), FATES.c.outcome != "unknown").subquery().c
    more = sa.case((row.before >= row.last_n, 0), (row.before >= row.first_n, row.last_n - row.before),
                   else_=row.last_n - row.first_n + 1)  # fmt: skip
    total = sa.select(row.run, row.outcome, sa.func.sum(more), sa.func.sum(more * row.jobs))
    return total.group_by(row.run, row.outcome)


def imported(connection: sa.Connection, run: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the outcome of each action of an import, in order."""
    of_run = sa.select(ACTIONS.c.target).where(ACTIONS.c.run == run).order_by(ACTIONS.c.n)
    lines = array("L", map(int, connection.scalars(of_run.execution_options(yield_per=10_000))))
    # A million lines may each have another outcome: keep a byte for each, not a `Fate`.
    outcomes = bytearray([OUTCOMES.index("unknown")]) * len(lines)
    columns = sa.select(FATES.c.first_n, FATES.c.last_n, FATES.c.outcome)
    settled = columns.where(FATES.c.run == run).order_by(FATES.c.seq)
    for first, last, outcome in connection.execute(settled.execution_options(yield_per=10_000)):
        outcomes[first : last + 1] = bytes([OUTCOMES.index(outcome)]) * (last + 1 - first)
    yield from ((line, OUTCOMES[code]) for line, code in zip(lines, outcomes, strict=True))


def reasons_of(connection: sa.Connection, run: str) -> list[tuple[str, int, int]]:
    """Return the reasons for outcomes of a run, each with the number of actions and the position of the first."""
    errors: dict[int, str] = {}
    rows = sa.select(FATES.c.first_n, FATES.c.last_n, FATES.c.error).where(FATES.c.run == run).order_by(FATES.c.seq)
    for first, last, error in connection.execute(rows.execution_options(yield_per=10_000)):
        if error is not None:
            errors |= dict.fromkeys(range(first, last + 1), error)
        elif errors:  # of a step before the last
            many = last - first > len(errors)
            for n in [n for n in errors if first <= n <= last] if many else range(first, last + 1):
                errors.pop(n, None)
    times = Counter(errors.values())
    firsts = {error: n for n, error in sorted(errors.items(), reverse=True)}
    return [(error, count, firsts[error]) for error, count in times.most_common()]
