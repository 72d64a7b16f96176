"""Runs and actions as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from beanops.jobs.frames import STATES, frame
from beanops.journal.records import OUTCOMES, Action, RunCounts

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


def actions_frame(rows: Iterable[Action]) -> pd.DataFrame:
    """Return actions as a frame; see `Session.actions` for its columns."""
    dtypes = {
        "time": "datetime64[us, UTC]",
        "job_id": "UInt64",
        "state_before": STATES,
        "priority": "UInt32",
        "delay": "seconds",
        "new_id": "UInt64",
        "jobs": "uint64",
    }
    return frame(rows, Action, dtypes)


def runs_frame(journal: Journal, server: str) -> pd.DataFrame:
    """Return the runs on a server as a frame; see `Session.runs` for its columns."""
    runs = journal.runs(server)[::-1]
    counts = journal.counts(run.id for run in runs)
    rows = []
    for run in runs:
        facts = (run.server, run.instance, run.actor, run.source, run.action, run.reason, run.undoes)
        rows.append((run.time, run.id, *facts, *(counts[run.id][outcome] for outcome in OUTCOMES)))
    return frame(rows, RunCounts, {"time": "datetime64[us, UTC]", **dict.fromkeys(OUTCOMES, "uint64")})
