"""The tubes of a dashboard: which of them it shows, and the rows of its table. No widgets."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import translate
from types import MappingProxyType
from typing import Any, NamedTuple

from beanops.jobs.tube_names import NoTube
from beanops.monitor.problems.problem import summary
from beanops.monitor.survey import Seen, Survey
from beanops.notebook.page_values import cells_of, page_value
from beanops.notebook.static import StaticTable
from beanops.notebook.tube_trends import TubeTrends
from beanops.notebook.widgets.cells import Fold
from beanops.notebook.widgets.table import Cells
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import is_glob
from beanops.text import span
from beanops.ui.columns.column import Column
from beanops.ui.columns.tubes import trend_field, tube_columns
from beanops.ui.columns.why import badness, is_idle, tone, why
from beanops.ui.idle import Use, folded, use_of

#: The tones of a page for those of a terminal.
_TONES = {"warn": "buried", "muted": "zero"}
#: The width of columns in em where they share what is left.
_WIDTHS = {"problem": 14}


def _shown(column: Column[Any]) -> Column[Any]:
    """Return a column of tubes as this table has it."""
    column = column._replace(em=_WIDTHS.get(column.name, column.em))
    if column.name == "problem":
        # As of the look: a row that was not asked for again does not change.
        return column._replace(value=lambda row: why(row, row.at), toned="problem_tone", write=None)
    if column.name == "trend":
        return column._replace(value=lambda row: "", drawn="spark", toned="trend_tone", write=None)
    if column.unit == "rate":
        return column._replace(title=column.short)
    return column._replace(drawn="bar") if column.name in ("ready", "buried") else column


def _order(row: Seen) -> float:
    """Return the place of a tube in the order of problems, the worst the least."""
    worst, jobs = badness(row)
    return worst + jobs / 100


#: What is sent beside the columns that are shown: their tones, the order of the rows, and whether a row is folded.
_HELPERS: list[Column[Any]] = [
    Column("problem_tone", "", lambda row: _TONES.get(name := tone(row), name), "text", em=0),
    Column("trend_tone", "", trend_field, "text", em=0),
    Column("worst", "", _order, em=0),
    Column("idle", "", is_idle, em=0),
]
#: The columns of the table; a cell of `trend` is that of `TubeTrends`, and `idle` is known of all tubes together.
COLUMNS: tuple[Column[Any], ...] = (*map(_shown, tube_columns("notebook")), *_HELPERS)
#: The order of the rows at first: problems first.
ORDER = ("worst", False)
#: What is not shown at first: that a tube has no workers, or is paused, is among its problems.
HIDDEN = ("watching", "pause_left")
FOLD = Fold("idle", "idle tube", "without workers")

_TREND, _WORST = map([column.name for column in COLUMNS].index, ("trend", "worst"))
#: The places of the counts of jobs that can be the next of their tube.
WAITING = [[column.name for column in COLUMNS].index(state) for state in ("ready", "delayed", "buried")]
_VALUES = [page_value(column) for column in COLUMNS[:-1]]
#: The columns that a notebook without a kernel shows.
_STATIC = [place for place, column in enumerate(COLUMNS) if column.em and column.drawn != "spark"]


class _SeenTube(NamedTuple):
    """What was made of a tube at one look."""

    seen: Seen
    use: Use
    cells: Cells = ()


class TubeRows:
    """The rows of the tubes of one server, from look to look."""

    def __init__(self) -> None:
        self._trends = TubeTrends()
        # A tube that was not asked for in a look has the row of the look before.
        self._known: dict[str, _SeenTube] = {}

    def of(self, survey: Survey, selected: Collection[str] = ()) -> dict[str, Cells]:
        """Return a row for each tube, by its name; a selected one is never folded."""
        tubes = survey.tubes
        self._trends.look(list(tubes))
        known = self._known
        self._known = {
            name: row if (row := known.get(name)) is not None and row.seen is seen else _SeenTube(seen, use_of(seen))
            for name, seen in tubes.items()
        }
        idle = {seen.name for seen in folded(tubes.values(), selected, use=lambda seen: self._known[seen.name].use)}
        return {name: self._cells(row, name in idle) for name, row in self._known.items()}

    def _cells(self, row: _SeenTube, idle: bool) -> Cells:
        cells = row.cells
        if cells and cells[-1] == idle:
            return cells
        if cells:
            cells = (*cells[:-1], idle)
        else:
            cells = cells_of(row.seen, _VALUES)
            cells = (*cells[:_TREND], self._trends.cell(row.seen), *cells[_TREND + 1 :], idle)
        self._known[row.seen.name] = row._replace(cells=cells)
        return cells


def worst_first(rows: Mapping[str, Cells]) -> dict[str, Cells]:
    """Return the rows in the order of problems, as the page shows them."""
    return dict(sorted(rows.items(), key=lambda row: row[1][_WORST]))


def static_table(title: str, rows: Iterable[Cells], total: int) -> StaticTable:
    """Return the table of a notebook without a kernel: what can be written of these rows, of so many."""
    kept = [[cells[place] for place in _STATIC] for cells in rows]
    return StaticTable(title, [COLUMNS[place] for place in _STATIC], kept, total)


def freshness(survey: Survey) -> str:
    """Return the age of the oldest row of the tubes; empty while each look asks for all of them."""
    if survey.full:
        return ""
    oldest = survey.at - min((seen.at for seen in survey.tubes.values()), default=survey.at)
    return f"{len(survey.tubes):,} tubes are refreshed in turn: rows that are not selected are up to {span(oldest)} old"


class TubeFilter:
    """The tubes that a dashboard shows.

    Parameters
    ----------
    pattern : str or None
        A name, or a glob such as ``"mail-*"``; None is all tubes.

    Examples
    --------
    >>> TubeFilter("mail-*").chosen(["*-out"], ["mail-in", "mail-out"])
    ['mail-out']
    """

    def __init__(self, pattern: str | None = None) -> None:
        self.pattern = pattern
        self._matches = None if pattern is None else re.compile(translate(pattern)).match

    def narrowed(self, survey: Survey) -> Survey:
        """Return a survey with these tubes alone, and their problems."""
        if self._matches is None:
            return survey
        tubes = {name: seen for name, seen in survey.tubes.items() if name == self.pattern or self._matches(name)}
        found = summary(problem for seen in tubes.values() for problem in seen.problems)
        return survey._replace(tubes=MappingProxyType(tubes), problems=found)

    @property
    def nothing(self) -> str:
        """What a table without rows says."""
        if self.pattern is None:
            return ""
        return f"no tube {'matches' if is_glob(self.pattern) else 'is called'} {self.pattern}"

    def chosen(self, wanted: Iterable[str], names: Collection[str]) -> list[str]:
        """Return the tubes that some names and globs match, in their order.

        Raises
        ------
        ArgumentError
            One of them is no text.
        NotFound
            One of them matches none of these names.
        UsageError
            The same, of a dashboard that does not show all tubes.
        """
        found: dict[str, None] = {}
        for name in wanted:
            if not isinstance(name, str):
                raise ArgumentError("tube", name, "the name of a tube or a glob such as 'mail-*'")
            matches = re.compile(translate(name)).match
            some = [name] if name in names else [each for each in names if is_glob(name) and matches(each)]
            if not some:
                if self.pattern is None:
                    raise NoTube(name, names)
                raise UsageError(f"no tube {name!r} in this dashboard, which shows {self.pattern}")
            found.update(dict.fromkeys(some))
        return list(found)
