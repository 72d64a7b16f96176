"""Runs and actions as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from beanops.frames import STATES, TIME, Source, frame
from beanops.journal.records import OUTCOMES, Action, RunCounts

_NUMBERS = {
    "time": TIME,
    "id": "UInt64",
    "new_id": "UInt64",
    "state_before": STATES,
    "priority": "Int64",
    "delay": "seconds",
    "jobs": "int64",
    **dict.fromkeys(OUTCOMES, "int64"),
}


def _columns(record: type[Action] | type[RunCounts]) -> dict[str, Source]:
    """Return a column for each field; those that are not numbers or times hold text."""
    return {field: (_NUMBERS.get(field, "str"), field) for field in record._fields}


def actions_frame(rows: Iterable[Action]) -> pd.DataFrame:
    """Return actions as a frame; see `Session.actions` for its columns."""
    return frame(list(rows), _columns(Action))


def runs_frame(rows: Iterable[RunCounts]) -> pd.DataFrame:
    """Return runs as a frame; see `Session.runs` for its columns."""
    return frame(list(rows), _columns(RunCounts))
