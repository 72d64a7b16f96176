"""The columns of jobs, with the names that frames and SQL predicates have for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.states import STATES
from beanops.ui.columns.column import Column, Unit, named

#: The columns that each face shows, in its order.
FACES = {
    "cli": "id tube state priority age delay ttr time_left reserves timeouts body",
    "tui": "state id priority age time_left reserves timeouts releases buries body",
    "notebook": "state id tube age time_left priority reserves buries kicks body",
}


class JobLine(Protocol):
    """A row of a table of jobs."""

    @property
    def id(self) -> int:
        """The job."""

    @property
    def stats(self) -> JobStats | None:
        """Its statistics; None for a job that is gone."""

    @property
    def state(self) -> str:
        """Its state, or what became of it."""

    @property
    def summary(self) -> str:
        """Its body in one safe line."""


class ShownJob(NamedTuple):
    """A job that exists, with the summary of its body."""

    stats: JobStats
    summary: str
    created: datetime | None = None
    instance: str = ""
    size: int | None = None

    @property
    def id(self) -> int:
        """The job."""
        return self.stats.id

    @property
    def state(self) -> str:
        """Its state."""
        return self.stats.state


def shown_job(job: FoundJob, summary: str) -> ShownJob:
    """Return a found job as a row, with the summary of its body."""
    created = None if job.created is None else datetime.fromtimestamp(job.created, UTC)
    return ShownJob(job.stats, summary, created, job.instance, job.size)


def state_tone(row: JobLine) -> str:
    """Return the tone of a job's state, ``"muted"`` for a job that is gone."""
    return row.state if row.state in STATES else "muted"


def job_columns(
    face: Literal["cli", "tui", "notebook"], also: str = "", *, bodies: bool = True
) -> tuple[Column[Any], ...]:
    """Return the columns of jobs that a face shows, for rows that are a `JobLine`.

    Parameters
    ----------
    face : str
        ``"cli"``, ``"tui"`` or ``"notebook"``.
    also : str
        The names of others, which blanks part; they are put before the body.
    bodies : bool
        Whether to show the body.

    Examples
    --------
    >>> [column.name for column in job_columns("notebook")][:3]
    ['state', 'id', 'tube']
    """
    names = FACES[face].split()
    names[names.index("body") : names.index("body")] = [name for name in also.split() if name not in names]
    if not bodies:
        names.remove("body")
    return named(_COLUMNS, " ".join(names))


def _stat(name: str, unit: Unit = "count", *, title: str = "", **how: Any) -> Column[JobLine]:
    def value(row: JobLine) -> Any:
        return getattr(row.stats, name) if row.stats else None

    return Column(name, title or name, value, unit, **how)


def _priority(row: JobLine, width: int) -> str:
    return str(row.stats.priority) if row.stats else ""


def _times(name: str, **how: Any) -> Column[JobLine]:
    return _stat(name, width=len(name) + 1, narrow=len(name), blank=True, **how)


_COLUMNS: list[Column[Any]] = [
    Column("state", "state", lambda row: row.state, "state", 13, 12, em=6, colour=state_tone),
    Column("id", "id", lambda row: row.id, "id", 11, 9, em=5, colour=lambda row: "strong"),
    _stat("tube", "text", width=20, em=8),
    # Whole: a rounded priority says nothing about the order of two jobs.
    _stat("priority", width=11, narrow=10, short="prio", optional=1, write=_priority),
    _stat("age", "seconds", width=7, narrow=6, em=6),
    _stat("delay", "seconds", width=7, narrow=6, em=6),
    _stat("ttr", "seconds", width=7, narrow=6, em=6),
    _stat("time_left", "seconds", title="left", width=7, narrow=6, em=6, blank=True),
    _times("reserves", optional=4),
    _times("timeouts", optional=5),
    _times("releases", optional=6),
    _times("buries", optional=3, em=6),
    _times("kicks", em=5),
    _stat("file", width=6),
    Column("created", "created", lambda row: row.created, "time", 19),
    Column("instance", "instance", lambda row: row.instance, "text", 16),
    Column("size", "size", lambda row: row.size),
    Column("body", "body", lambda row: row.summary, "text", 20, em=24, grows=True),
]
