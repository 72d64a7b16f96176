"""The rows of found jobs with columns of paths into their bodies, and files of jobs for the user. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from beanops.jobs.bins import JobBins
from beanops.jobs.bins.body_values import BodyValues, cell_text
from beanops.jobs.bodies import Reader
from beanops.jobs.bodies.paths import parse_path
from beanops.jobs.read import FoundJob
from beanops.notebook import shown_rows
from beanops.notebook.widgets.table import Cells
from beanops.protocol import JobStats
from beanops.protocol.errors import UsageError
from beanops.session.files.jsonl import write_line
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.ui.columns.column import Column

#: The place of the body's summary in a row; the cells of paths follow.
_BODY = len(shown_rows.JOBS) - 1


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
        rows = shown_rows.job_rows(session, jobs)
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
    return (*shown_rows.job_row(stats, row[_BODY]), *row[_BODY + 1 :])


def saved_row(row: Cells, body: str) -> Cells:
    """Return a row with another summary of its body, and without the cells of paths."""
    return shown_rows.with_body(row[: _BODY + 1], body)


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
