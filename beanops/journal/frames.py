"""Runs and actions as DataFrames. Importing this module imports pandas, which costs half a second.

Actions come in columns from the database: a record of each would take five times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from beanops.frames import STATES, TIME, Source, frame
from beanops.journal.filters import EVERYTHING, Filter
from beanops.journal.records import OUTCOMES, Action, Fate, RunCounts, RunRow
from beanops.journal.storage.columns import ActionPage, Numbers
from beanops.journal.storage.tables import microseconds
from beanops.shown_frame import ShownFrame

if TYPE_CHECKING:
    from beanops.journal.journal import Journal

_RUN_COLUMNS: dict[str, Source] = {
    name: ({"time": TIME, **dict.fromkeys(OUTCOMES, "int64")}.get(name, "str"), name) for name in RunCounts._fields
}
_of_run = attrgetter("id", "server", "actor", "source", "reason", "instance")
#: The columns of `_of_run` and of the kinds of a page, and those of its outcomes.
_KIND = ("run", "server", "actor", "source", "reason", "instance", "action", "tube", "state_before")
_FATE = Fate._fields
_SECOND = 1_000_000
_Array = np.ndarray[Any, np.dtype[Any]]


def runs_frame(rows: Iterable[RunCounts]) -> pd.DataFrame:
    """Return runs as a frame; see `Session.runs` for its columns."""
    return frame(list(rows), _RUN_COLUMNS)


def newest_frame(journal: Journal, which: Filter = EVERYTHING, limit: int | None = None) -> pd.DataFrame:
    """Return the actions of all runs that match, newest first, in the order of `Journal.actions`."""
    pages: list[tuple[RunRow, ActionPage]] = []
    times: list[_Array] = []
    for at, run in journal.by_last_action(which):
        last = microseconds(at)
        if limit is not None and sum(int(np.count_nonzero(of_page > last)) for of_page in times) >= limit:
            break  # all actions of this run and of the next ones are older
        for page in journal.pages(run, which, limit):
            pages.append(page)
            # Where a clock was set back, an action still comes after the later ones of its run.
            times.append(np.minimum(np.minimum.accumulate(page[1].time), last))
            last = int(times[-1][-1])
    order = np.argsort(-np.concatenate(times), kind="stable")[:limit] if times else slice(0)
    return actions_frame(pages, order)


def actions_frame(pages: Iterable[tuple[RunRow, ActionPage]], order: Any = slice(None)) -> pd.DataFrame:
    """Return actions as a frame; see `Session.actions` for its columns.

    Parameters
    ----------
    pages : iterable of (RunRow, ActionPage)
        Their pages, each with its run.
    order : slice or numpy.ndarray
        The wanted ones among the actions of all pages, in their order.
    """
    known = list(pages)
    found = [page for _, page in known]

    def joined(arrays: Iterable[_Array], dtype: Any = np.int64) -> Any:
        return np.concatenate([np.empty(0, dtype), *arrays])[order]

    def numbers(columns: Sequence[Numbers], dtype: Any = np.int64) -> Any:
        values, missing = joined(one.values for one in columns), joined((one.missing for one in columns), bool)
        return pd.arrays.IntegerArray(values.view(dtype), missing)

    def places(of_pages: Iterable[_Array], lists: Iterable[Sequence[Any]]) -> Any:
        """Return places in all the lists together, given those in the list of each page."""
        begins = accumulate(map(len, lists), initial=0)
        return joined(places + begin for places, begin in zip(of_pages, begins, strict=False))

    kind = places((page.kind for page in found), (page.kinds for page in found))
    fate = places((page.fate for page in found), (page.fates for page in found))
    kinds = [(*_of_run(run), *kind) for run, page in known for kind in page.kinds]
    fates = [fate for page in found for fate in page.fates]
    # The values of a column by its name, and the place of each action's among them.
    values = {name: ([row[at] for row in kinds], kind) for at, name in enumerate(_KIND)}
    values |= {name: ([row[at] for row in fates], fate) for at, name in enumerate(_FATE)}

    def column(name: str, dtype: Any = "str") -> Any:
        known, places = values[name]
        return pd.array(known, dtype=dtype).take(places)

    id, new_id = numbers([page.job_id for page in found], np.uint64), column("new_id", "UInt64")
    put = id.isna()
    id[put] = new_id[put]
    delay = numbers([page.delay for page in found]) * _SECOND
    columns = {
        "time": pd.to_datetime(joined(page.time for page in found), unit="us", utc=True).as_unit("us"),
        "id": id,
        "state_before": column("state_before", STATES),
        "priority": numbers([page.priority for page in found]),
        "delay": pd.to_timedelta(delay, unit="us").as_unit("us"),
        "new_id": new_id,
        "jobs": np.asarray(column("jobs", "int64")),
    }
    return ShownFrame({name: columns[name] if name in columns else column(name) for name in Action._fields})
