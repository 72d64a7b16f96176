"""The rows of found jobs with columns of paths into their bodies, and files of jobs for the user. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beanops.jobs.bins import JobBins
from beanops.jobs.bins.body_values import BodyValues, cell_text
from beanops.jobs.bodies import Decoded, Reader
from beanops.jobs.bodies.errors import error_line, find_error
from beanops.jobs.bodies.paths import parse_path
from beanops.jobs.bodies.summary import name_job
from beanops.jobs.read import FoundJob
from beanops.notebook import shown_rows
from beanops.notebook.widgets.table import Cells
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.files.jsonl import write_line
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.ui.columns.column import Column

#: Characters of an error.
_LONGEST = 200
#: The places of the error in a row, and of the body's summary, after which come the cells of paths.
_ERROR, _BODY = 4, len(shown_rows.JOBS)
#: The columns of the browser: those of other tables of jobs, with the error of the body before their numbers.
COLUMNS: tuple[Column[Any], ...] = (
    *shown_rows.JOBS[:_ERROR],
    Column("error", "error", lambda row: None, "text", em=30),
    *shown_rows.JOBS[_ERROR:],
)


def body_cells(decoded: Decoded) -> tuple[str, str]:
    """Return the error of a body, empty without one, and one line about the body besides."""
    data = decoded.data
    error = find_error(data) if isinstance(data, dict) else None
    if error is None:
        return "", decoded.summary
    return safe_text(error_line(error), limit=_LONGEST), name_job(data)


class PathCells:
    """Columns that a user added for paths into the bodies.

    Parameters
    ----------
    reader : Reader
        Says what may be shown of a body.

    Attributes
    ----------
    paths : list of str
        The paths, from left to right.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.paths: list[str] = []

    def add(self, path: str, bins: JobBins, keys: Iterable[str]) -> tuple[Column[Any], list[Any]]:
        """Add a path, and return its column with the cells of some jobs, which are among those of the bins.

        Raises
        ------
        UsageError
            It is no path, or there is a column of it.
        """
        steps = parse_path(path)
        if path in self.paths:
            raise UsageError(f"there is a column {path}")
        values = BodyValues(self._reader, [steps])
        found: dict[int, Any] = {}
        ids = iter(bins.ids)
        for bodies in bins.bodies.parts():
            found.update(zip(ids, values.of(bodies)[0], strict=False))
        whole = all(value is None or type(value) is int for value in found.values())
        cells = [found.get(int(key)) for key in keys]
        self.paths.append(path)
        column: Column[Any] = Column(
            path, safe_text(path, limit=60), lambda row: None, "count" if whole else "text", em=10
        )
        return column, cells if whole else [cell_text(cell) for cell in cells]

    def rows(self, session: Session, jobs: Sequence[FoundJob], kinds: Mapping[str, str]) -> dict[str, Cells]:
        """Return a row for each job, by its id as text.

        Parameters
        ----------
        session : Session
            Says what may be shown of bodies.
        jobs : sequence of FoundJob
            The jobs, with their bodies.
        kinds : mapping
            The unit of each column of a path.
        """
        rows = {}
        for job in jobs:
            error, body = body_cells(session._context.decode(job.body or b""))
            cells = shown_rows.job_row(job.stats, body)
            rows[str(job.id)] = (*cells[:_ERROR], error, *cells[_ERROR:])
        if not self.paths or not jobs:
            return rows
        columns = BodyValues(self._reader, list(map(parse_path, self.paths))).of([job.body for job in jobs])
        for path, column in zip(self.paths, columns, strict=True):
            whole = kinds.get(path) == "count"
            for job, value in zip(jobs, column, strict=True):
                cell = (value if type(value) is int else None) if whole else cell_text(value)
                rows[str(job.id)] = (*rows[str(job.id)], cell)
        return rows


def fresh_row(stats: JobStats, row: Cells) -> Cells:
    """Return the row of a job whose body is known, with other statistics."""
    cells = shown_rows.job_row(stats, row[_BODY])
    return (*cells[:_ERROR], row[_ERROR], *cells[_ERROR:], *row[_BODY + 1 :])


def saved_row(row: Cells, body: tuple[str, str]) -> Cells:
    """Return a row with other cells of its body, and without those of paths."""
    return (*row[:_ERROR], body[0], *row[_ERROR + 1 : _BODY], body[1])


def exported(session: Session, jobs: Sequence[FoundJob], form: str) -> bytes:
    """Return jobs with whole bodies, as they may be shown, as the content of a file.

    Parameters
    ----------
    session : Session
        Where they are.
    jobs : sequence of FoundJob
        The jobs.
    form : str
        ``"csv"``, or ``"jsonl"``, which `Session.import_jobs` reads.
    """
    if form == "jsonl":
        return b"".join(write_line(job, str(session.address), job.instance) for job in jobs)
    from beanops.jobs.frames import jobs_frame

    text: str = jobs_frame(list(jobs)).to_csv(index=False)
    return text.encode()
