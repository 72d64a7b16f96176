"""`JobLayout`: which columns a list of jobs shows: those that the user chose, else those that tell its jobs apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from beanops.tui.bodies.path import BodyPath, PathValue
from beanops.tui.widgets.job_rows import USUAL, JobRow, list_columns
from beanops.ui.columns.column import Column

#: Columns that are shown even if all jobs are alike in them.
_ALWAYS = ("id", "age", "body")
#: Rows that decide on the widths of columns, and on the header of the last.
_SAMPLE = 100


class JobLayout:
    """The columns of a list of jobs.

    Attributes
    ----------
    every : dict of str to Column
        All columns that are not of paths.
    chosen : tuple of str or None
        Names of those that the user chose; None shows those that differ from job to job.
    paths : tuple of BodyPath
        Paths into the bodies that have a column.
    one_state : bool
        Whether the list is of jobs in one state, which then needs no column.
    """

    def __init__(self) -> None:
        self.every = list_columns()
        self.chosen: tuple[str, ...] | None = None
        self.paths: tuple[BodyPath, ...] = ()
        self.one_state = False
        self._candidates = [self.every[name] for name in USUAL if name not in (*_ALWAYS, "state")]
        self._first: dict[str, Any] = {}
        self._differing: set[str] = set()

    def restart(self) -> None:
        """Forget the jobs seen so far."""
        self._first, self._differing = {}, set()

    def see(self, rows: Iterable[JobRow]) -> bool:
        """Look for columns in which jobs differ; return whether there are more of them."""
        before, here = len(self._differing), [row for row in rows if row.stats is not None]
        if not here:
            return False
        for column in self._candidates:
            name, value = column.name, column.value
            if name not in self._differing:
                first = self._first.setdefault(name, value(here[0]))
                if any(value(row) != first for row in here):
                    self._differing.add(name)
        return len(self._differing) > before

    def names(self, rows: Sequence[JobRow], sort: str | None) -> list[str]:
        """Return the names of the columns to show of these rows."""
        if self.chosen is not None:
            return [name for name in self.every if name in (*self.chosen, "id", "body")]
        shown = {*_ALWAYS, *self._differing, sort}
        if not (self.one_state and rows and rows[0].state != "reserved"):
            shown.add("state")
        if len(rows) == 1:
            shown |= {column.name for column in self._candidates if column.value(rows[0])}
        return [name for name in USUAL if name in shown]

    def columns(self, rows: Sequence[JobRow], sample: Sequence[JobRow], sort: str | None) -> dict[str, Column[JobRow]]:
        """Return the columns by name, those of paths before the body.

        Parameters
        ----------
        rows : sequence of JobRow
            The rows of the list.
        sample : sequence of JobRow
            Those that are in view.
        sort : str or None
            The sort column, which is always shown.
        """
        names = self.names(rows, sort)
        sample = [*rows[:_SAMPLE], *sample]
        columns = {name: self.every[name] for name in names if name != "body"}
        titles = Counter(path.title for path in self.paths)
        for path in self.paths:
            values: list[PathValue] = [value for row in sample if (value := row.value(path)) is not None]
            columns[path.text] = path.column(values, path.title if titles[path.title] == 1 else path.text)
        body = self.every["body"]
        # Most bodies carry no error: then the header says nothing of one.
        columns["body"] = body._replace(title="  error") if any(row.said.error for row in sample) else body
        return columns
