"""`JobRow`: one job of a list, and how its columns show it."""

from __future__ import annotations

from functools import lru_cache

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.session.session import Session
from beanops.ui.columns.column import Column
from beanops.ui.columns.jobs import job_columns

#: Bytes up to which a row keeps its job's body.
KEPT = 2048
_PLACES = {"ready": "next ready", "delayed": "next delayed", "buried": "next buried", "held": "held by you"}


class Summaries:
    """Summaries of bodies in one safe line, with a cache.

    Parameters
    ----------
    session : Session
        Decodes and redacts the bodies.
    """

    def __init__(self, session: Session) -> None:
        self.summary = lru_cache(maxsize=16_384)(lambda body: session._context.decode(body).summary)


class JobRow:
    """One job as last seen. It is updated in place, because a list may have a hundred thousand.

    Attributes
    ----------
    id : int
        The job's id.
    stats : JobStats or None
        None if the job no longer exists.
    body : bytes or None
        None where it is too large to keep in each row.
    size : int or None
        Size of the body on the server in bytes, where it was redacted.
    place : str
        Why it is at the top of the list: ``"ready"``, ``"delayed"`` or ``"buried"`` for the next job of that state,
        ``"held"`` for one that this session has reserved, ``"seen"`` for one under the cursor that was one of these.
        Empty for all others.
    found : bool
        Whether a search found it; else it is in the list only while it is at the top.
    """

    __slots__ = ("_reader", "_said", "body", "found", "id", "place", "size", "stats")

    def __init__(self, job: FoundJob, reader: Summaries) -> None:
        body = job.body or b""
        kept = len(body) <= KEPT
        self.id = job.stats.id
        self.stats: JobStats | None = job.stats
        self.body = body if kept else None
        self.size = job.size if job.original else None
        self.place = ""
        self.found = False
        self._reader = reader
        # Decoding takes longer than finding a job: it waits until the row is shown.
        self._said = "" if kept else reader.summary(body)

    @property
    def state(self) -> str:
        """The job's state, ``"gone"`` if it no longer exists."""
        return self.stats.state if self.stats else "gone"

    @property
    def summary(self) -> str:
        """The body in one safe line."""
        return self._said if self.body is None else self._reader.summary(self.body)

    def contains(self, text: str) -> bool:
        """Whether id, state or body contain a text in lower case."""
        if text in str(self.id) or text in self.state:
            return True
        if self.body is None:
            return text in self._said.lower()
        plain = self.body.decode("utf-8", "replace").lower()
        # JSON contains its text literally; other bodies may be compressed.
        return text in plain or (not plain.startswith(("{", "[")) and text in self.summary.lower())


def _place(row: JobRow) -> str:
    return _PLACES.get(row.place) or (f"now {row.state}" if row.place else row.state)


def _listed(column: Column[JobRow]) -> Column[JobRow]:
    """Return a column as a list of jobs shows it: with the reason why a job is at the top, and space before bodies."""
    if column.name == "state":
        return column._replace(write=lambda row, width: _place(row))
    if column.name == "body":
        return column._replace(title="  body", write=lambda row, width: f"  {row.summary}")
    return column


JOBS: list[Column[JobRow]] = [_listed(column) for column in job_columns("tui")]
