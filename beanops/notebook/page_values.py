"""How the values of columns travel to a page: as JSON, safe to show, and no more precise than they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from beanops.notebook.widgets.table import Cells
from beanops.text import safe_text
from beanops.ui.columns.column import Column
from beanops.ui.formatting import moment, rounded

#: Returns the value of a column for a page from a row.
PageValue = Callable[[Any], Any]


def page_value(column: Column[Any]) -> PageValue:
    """Return what gets the value of a column for a page from a row."""
    value = column.value
    # A page cannot hold 64 bits in a number, so ids are texts there.
    if column.unit == "id":
        return lambda row: "" if (id := value(row)) is None else str(id)
    if column.unit == "text":
        return lambda row: safe_text(value(row) or "")
    if column.unit == "time":
        return lambda row: moment(value(row), 8)
    if column.unit == "rate":
        return lambda row: None if (per_second := value(row)) is None else rounded(per_second)
    if column.unit == "seconds" and column.blank:
        return lambda row: value(row) or None
    return value


def cells_of(row: Any, values: Sequence[PageValue]) -> Cells:
    """Return the cells of a row."""
    return tuple([value(row) for value in values])
