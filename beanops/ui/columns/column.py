"""`Column`: what a table shows of its rows, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from beanops.text import span
from beanops.ui.formatting import UNKNOWN, count, moment, rate

R = TypeVar("R")

Unit = Literal["text", "state", "time", "id", "count", "rate", "seconds"]

#: Columns of names, which differ at both ends: where there is no room they are cut in the middle.
_NAMES = frozenset({"tube", "server", "address", "rule"})
#: Units of what is written from the left; the others are numbers.
_TEXTS = ("text", "state", "time")
_WRITTEN: dict[str, Callable[[Any, int], str]] = {
    "time": moment,
    "count": count,
    "rate": rate,
    "seconds": lambda seconds, width: span(seconds),
}


class Column(NamedTuple, Generic[R]):
    """One column.

    Attributes
    ----------
    name : str
        Its name in commands and on the command line, as frames have it.
    title : str
        Its header.
    value : callable
        Returns its value for a row, by which rows are sorted. None is unknown.
    unit : str
        What the value is: ``"text"``, ``"state"``, ``"time"``, ``"id"``, ``"count"``, ``"rate"`` (per second) or
        ``"seconds"``.
    width : int
        Cells in a terminal.
    narrow : int
        Cells in a narrow terminal; 0 is the same as `width`.
    short : str
        Its header in a narrow terminal; empty for the same as `title`.
    em : float
        Width in a notebook, in em. With 0 it is not shown there: other columns or the order of the rows need it.
    tone : str
        The colour of its values, such as ``"buried"``: of numbers above zero, of all texts. Empty for none.
    blank : bool
        Whether a zero is left blank.
    optional : int
        The narrowest terminals leave it out, the highest number first; 0 always stays.
    grows : bool
        Whether it gets the width that is left over.
    write : callable or None
        Returns its text for a row in so many cells, where that does not follow from the unit.
    colour : callable or None
        Returns the tone for a row, where that does not follow from `tone`.
    drawn : str
        How a notebook draws the value: ``"bar"`` puts a bar behind the number, ``"spark"`` makes a small line of what
        `beanops.notebook.widgets.cells.spark` returns; empty for text alone.
    scale : str
        Columns with the same scale have bars of one scale; empty for a scale of its own.
    toned : str
        The column whose value is the tone of this one in a notebook; empty for `tone`.
    """

    name: str
    title: str
    value: Callable[[R], Any]
    unit: Unit = "count"
    width: int = 9
    narrow: int = 0
    short: str = ""
    em: float = 7
    tone: str = ""
    blank: bool = False
    optional: int = 0
    grows: bool = False
    write: Callable[[R, int], str] | None = None
    colour: Callable[[R], str] | None = None
    drawn: Literal["", "bar", "spark"] = ""
    scale: str = ""
    toned: str = ""

    @property
    def left(self) -> bool:
        """Whether its texts start at the left edge; numbers end at the right one."""
        return self.unit in _TEXTS

    @property
    def is_name(self) -> bool:
        """Whether it has names, which are cut in the middle and not at the end."""
        return self.name in _NAMES

    def text(self, row: R, width: int) -> str:
        """Return what it shows of a row in so many cells."""
        return self.written(self.value(row), width) if self.write is None else self.write(row, width)

    def written(self, value: Any, width: int = 19) -> str:
        """Return a value as text in so many cells."""
        if self.blank and not value:
            return ""
        if value is None:
            return UNKNOWN if self.unit in ("count", "rate") else ""
        return _WRITTEN[self.unit](value, width) if self.unit in _WRITTEN else str(value)

    def style(self, row: R) -> str:
        """Return the tone of a row's value, ``"muted"`` for a number that is zero or unknown."""
        if self.colour is not None:
            return self.colour(row)
        return self.tone if self.left or self.value(row) else "muted"


def named(columns: Iterable[Column[R]], names: str) -> tuple[Column[R], ...]:
    """Return the columns with these names, which blanks part, in this order."""
    known = {column.name: column for column in columns}
    return tuple(known[name] for name in names.split())
