"""The columns of problems."""

from __future__ import annotations

from collections.abc import Callable

from beanops.monitor.problems.problem import SEVERITIES, Problem
from beanops.session.watching.problems_now import DatedProblem
from beanops.text import span
from beanops.ui.columns.column import Column

#: Those of the command line, named as in `Session.problems`.
DATED_COLUMNS: tuple[Column[DatedProblem], ...] = (
    Column("severity", "severity", lambda row: row.problem.severity, "text"),
    Column("problem", "problem", lambda row: row.problem.name, "text"),
    Column("tube", "tube", lambda row: row.problem.tube, "text"),
    Column("reason", "reason", lambda row: row.problem.reason, "text"),
    Column("since", "since", lambda row: row.since, "time"),
    Column("look_at", "look at", lambda row: row.problem.look_at, "text"),
)


def problem_columns(clock: Callable[[], float]) -> tuple[Column[Problem], ...]:
    """Return the columns of problems in a live face.

    Parameters
    ----------
    clock : callable
        The clock of the survey.
    """
    return (
        Column(
            "severity", "severity", lambda row: SEVERITIES.index(row.severity), "text", 8, 4, "sev",
            write=lambda row, width: row.severity if width >= 8 else row.severity[:4],
            colour=lambda row: "buried" if row.severity == "critical" else "warn",
        ),
        Column("problem", "problem", lambda row: row.title, "text", 14, tone="strong"),
        Column("tube", "where", lambda row: row.place, "text", 20, 12),
        Column(
            "since", "since", lambda row: -row.since, "seconds", 6, 5,
            write=lambda row, width: span(max(0.0, clock() - row.since)),
        ),
        Column("reason", "reason", lambda row: row.reason, "text", 60, 24, grows=True),
    )  # fmt: skip
