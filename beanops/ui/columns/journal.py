"""The columns of runs and of actions, with the names that frames have for them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from beanops.journal.records import OUTCOMES, Action, RunRow
from beanops.ui.columns.column import Column, Unit, named
from beanops.ui.palette import OUTCOMES as TONES

#: The columns of actions that each face shows, in its order.
FACES = {
    "cli": "time run action tube id state_before outcome jobs new_id actor reason error",
    "tui": "time action outcome id state_before tube error",
    "notebook": "number time source action tube id state_before outcome error",
}
#: Those of one job's actions, on the command line.
OF_ONE_JOB = "time run action state_before outcome actor reason error"


class DoneRun(NamedTuple):
    """One run, how many of its actions ended in which outcome, and why it cannot be undone, None where it can."""

    run: RunRow
    counts: dict[str, int]
    lasting: str | None = None

    @property
    def about(self) -> str:
        """What was asked for, in words."""
        return self.run.about


class DoneAction(NamedTuple):
    """One action, and its place among those that are shown with it."""

    number: int
    action: Action


def action_columns(face: Literal["cli", "tui", "notebook"]) -> tuple[Column[DoneAction], ...]:
    """Return the columns of actions that a face shows.

    Examples
    --------
    >>> [column.name for column in action_columns("tui")][:3]
    ['time', 'action', 'outcome']
    """
    return named(ACTION_COLUMNS, FACES[face])


def _count(name: str, short: str) -> Column[DoneRun]:
    return Column(
        name, name, lambda row: row.counts.get(name, 0), width=8, narrow=6, short=short, tone=TONES[name], blank=True
    )


#: The columns of runs.
RUN_COLUMNS: tuple[Column[DoneRun], ...] = (
    Column("time", "time (UTC)", lambda row: row.run.time, "time", 19, 14, "UTC", colour=lambda row: "muted"),
    Column("action", "action", lambda row: row.run.action, "text", 9, 8, tone="strong"),
    *(_count(name, {"skipped": "skip", "failed": "fail", "unknown": "unkn"}.get(name, name)) for name in OUTCOMES),
    Column("actor", "by", lambda row: f"{row.run.actor}, {row.run.source}", "text", 30, 12, optional=1),
    Column("request", "what", lambda row: row.about, "text", 20, 14, grows=True),
)


def _fact(name: str, title: str = "", unit: Unit = "text", width: int = 9, narrow: int = 0, **how: Any) -> Column[Any]:
    return Column(name, title or name, lambda row: getattr(row.action, name), unit, width, narrow, **how)


#: The columns of actions.
ACTION_COLUMNS: tuple[Column[DoneAction], ...] = (
    Column("number", "#", lambda row: row.number, "id", 6, em=4),
    _fact("time", "time (UTC)", "time", 10, 8, short="UTC", em=7.5, colour=lambda row: "muted", write=None),
    _fact("run", width=24),
    _fact("source", "by", em=5),
    _fact("actor", "by", width=30),
    _fact("action", width=9, narrow=8, em=6, tone="strong"),
    _fact("outcome", unit="state", width=9, narrow=7, colour=lambda row: TONES[row.action.outcome]),
    _fact("id", "job", "id", 10, 8, em=5),
    _fact("state_before", "was", "state", 10, 9, em=5),
    _fact("tube", width=24, narrow=14, em=8),
    _fact("jobs", unit="count"),
    _fact("new_id", "new id", "id", 10),
    _fact("reason", width=20),
    _fact("error", "why", "text", 20, em=20, tone="muted", grows=True),
)
