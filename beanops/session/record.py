"""What was done: one row for each job or tube that was acted on, written before the command is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas

#: What can become of an action. Before its outcome is known it reads `unknown`, never `done`.
OUTCOMES = ("done", "skipped", "failed", "unknown")


class Action(NamedTuple):
    """One action on one job or tube.

    Attributes
    ----------
    time : datetime
        When it was intended, UTC.
    run : str
        Id of the run that it is part of.
    server : str
        Address of the server.
    actor : str
        User and host.
    source : str
        ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    action : str
        The verb.
    tube : str or None
        The tube; None when the job was already gone.
    job_id : int or None
        The job; None for an action on a tube.
    state_before : str or None
        The job's state before.
    priority : int or None
        The job's priority after.
    delay : int or None
        Seconds: of the job's delay, or of a pause.
    outcome : str
        One of `OUTCOMES`.
    error : str or None
        Why it was not done.
    """

    time: datetime
    run: str
    server: str
    actor: str
    source: str
    action: str
    tube: str | None = None
    job_id: int | None = None
    state_before: str | None = None
    priority: int | None = None
    delay: int | None = None
    outcome: str = "unknown"
    error: str | None = None


class Record:
    """The actions of a session, in memory, in the order in which they were intended."""

    def __init__(self) -> None:
        self._rows: list[Action] = []
        self._lock = threading.Lock()

    def intend(self, actions: list[Action]) -> range:
        """Write down what is about to be done; return the places of the rows, for `settle`."""
        with self._lock:
            start = len(self._rows)
            self._rows += actions
            return range(start, len(self._rows))

    def settle(self, place: int, outcome: str, error: str | None = None, job_id: int | None = None) -> Action:
        """Write down what became of it, and the id of a job that was put; return the settled row."""
        with self._lock:
            row = self._rows[place]
            row = row._replace(outcome=outcome, error=error, job_id=row.job_id if job_id is None else job_id)
            self._rows[place] = row
            return row

    def rows(self, run: str | None = None) -> list[Action]:
        """Return all actions, or those of one run."""
        with self._lock:
            return [row for row in self._rows if run is None or row.run == run]


def actions_frame(rows: Iterable[Action]) -> pandas.DataFrame:
    """Return actions as a frame; see `Session.actions` for its columns."""
    from beanops.session.frames import STATES, frame

    return frame(
        rows,
        Action,
        {
            "time": "datetime64[us, UTC]",
            "job_id": "UInt64",
            "state_before": STATES,
            "priority": "UInt32",
            "delay": "seconds",
        },
    )
