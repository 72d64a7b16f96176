"""`JobRow`: one job of a list, and how its columns show it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from beanops.jobs.bodies.errors import error_line, find_error
from beanops.jobs.bodies.summary import name_job
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.bodies.path import BodyPath, PathValue
from beanops.ui.columns.column import Column
from beanops.ui.columns.jobs import job_columns

#: Bytes up to which a row keeps its job's body.
KEPT = 2048
_PLACES = {"ready": "next ready", "delayed": "next delayed", "buried": "next buried", "held": "held by you"}


class Said(NamedTuple):
    """What a body says, each in one safe line.

    Attributes
    ----------
    summary : str
        The class of the job and its error, or the beginning of the body.
    error : str
        The error, whole; empty where there is none.
    name : str
        The rest: the class of the job, or the beginning of the body.
    """

    summary: str
    error: str
    name: str

    @property
    def line(self) -> str:
        """The error first, then the class."""
        return f"{self.error} · {self.name}" if self.error else self.summary


class Summaries:
    """Summaries of bodies, and values in them, with a cache.

    Parameters
    ----------
    session : Session
        Decodes and redacts the bodies.
    """

    def __init__(self, session: Session) -> None:
        self._decode = session._context.decode
        self.said = lru_cache(maxsize=16_384)(self._read)
        self.value = lru_cache(maxsize=16_384)(self._value)
        #: Paths whose values are kept of bodies that are too large for their row.
        self.paths: tuple[BodyPath, ...] = ()

    def _read(self, body: bytes) -> Said:
        decoded = self._decode(body)
        data = decoded.data
        error = find_error(data) if isinstance(data, dict | list) else None
        if error is None:
            return Said(decoded.summary, "", "")
        return Said(decoded.summary, safe_text(error_line(error)), name_job(data) if isinstance(data, dict) else "")

    def _value(self, body: bytes, path: BodyPath) -> PathValue | None:
        return path.value(self._decode(body).data)


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
    length : int
        Size of the body on the server in bytes.
    """

    __slots__ = ("_reader", "_said", "_values", "body", "found", "id", "length", "place", "size", "stats")

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
        self.length = job.size
        # Decoding takes longer than finding a job: it waits until the row is shown.
        self._said = None if kept else reader._read(body)
        # Here in the thread of the search: a sort must not wait for it.
        self._values = {path: reader.value(body, path) for path in reader.paths} if reader.paths else None

    @property
    def state(self) -> str:
        """The job's state, ``"gone"`` if it no longer exists."""
        return self.stats.state if self.stats else "gone"

    @property
    def said(self) -> Said:
        """What the body says."""
        return self._said or self._reader.said(self.body or b"")

    @property
    def summary(self) -> str:
        """The body in one safe line."""
        return self.said.summary

    def knows(self, paths: Iterable[BodyPath]) -> bool:
        """Whether the values at these paths are known, or can be read."""
        return self.body is not None or {*paths} <= {*(self._values or ())}

    def value(self, path: BodyPath) -> PathValue | None:
        """Return the value at a path of the body, None where there is none."""
        if self._values is not None and path in self._values:
            return self._values[path]
        return None if self.body is None else self._reader.value(self.body, path)

    def read_values(self, paths: Iterable[BodyPath]) -> None:
        """Read the values at these paths now, and keep them."""
        if self.body is not None:
            self._values = {path: self.value(path) for path in paths}

    def contains(self, text: str) -> bool:
        """Whether id, state or body contain a text in lower case."""
        if text in str(self.id) or text in self.state:
            return True
        if self.body is None:
            return text in f"{self.said.summary}\n{self.said.line}".lower()
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
        return column._replace(title="  body", write=lambda row, width: f"  {row.said.line}")
    return column


#: The columns that a list shows by itself, as far as they tell its jobs apart, and those that can be chosen besides.
USUAL = tuple(column.name for column in job_columns("tui"))
MORE = ("delay", "ttr", "kicks", "size")


def list_columns() -> dict[str, Column[JobRow]]:
    """Return all columns of a list of jobs but those of paths, by name and in their order."""
    every = {column.name: column for column in job_columns("tui", " ".join(MORE))}
    size = every["size"]._replace(value=lambda row: row.length)
    return {name: _listed(column) for name, column in {**every, "size": size}.items()}
