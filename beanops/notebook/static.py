"""The tables of a saved notebook, shown when no kernel runs: cut and escaped. No widgets, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from beanops.ui.columns.column import Column
from beanops.ui.formatting import UNKNOWN

#: Rows of a table and characters of a cell to keep.
MOST_ROWS = 50
MOST_CHARACTERS = 80


def _shown(value: Any, column: Column[Any]) -> str:
    if value is None:
        return UNKNOWN
    text = column.written(value) if column.unit in ("count", "rate", "seconds") else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


class StaticTable(NamedTuple):
    """A table as a notebook file keeps it.

    Attributes
    ----------
    title : str
        The line above it.
    columns : sequence of Column
        One for each cell of a row.
    rows : sequence of tuple
        The first of them are kept.
    total : int
        Number of rows.
    """

    title: str
    columns: Sequence[Column[Any]]
    rows: Sequence[Sequence[Any]]
    total: int

    @property
    def html(self) -> str:
        """The table as HTML; every text in it is escaped."""
        columns, rows = self._kept
        styles = [' style="text-align: left"' if one.unit in ("text", "state") else "" for one in columns]
        titles = [column.title for column in columns]
        head = "".join(f"<th{style}>{escape(title)}</th>" for style, title in zip(styles, titles, strict=True))
        body = "".join(
            f"<tr>{''.join(f'<td{style}>{escape(cell)}</td>' for style, cell in zip(styles, row, strict=True))}</tr>"
            for row in rows
        )
        rest = f"<p>{self._more}</p>" if self._more else ""
        title = f"<p><b>{escape(self.title)}</b></p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"

    @property
    def text(self) -> str:
        """The table as text, in columns."""
        columns, rows = self._kept
        table = [[column.title for column in columns], *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([self.title, *lines, *([self._more] if self._more else [])])

    @property
    def _kept(self) -> tuple[list[Column[Any]], list[list[str]]]:
        """The columns in which a row has something, and the rows."""
        rows = self.rows[:MOST_ROWS]
        full = [i for i in range(len(self.columns)) if not rows or any(row[i] not in (None, "") for row in rows)]
        columns = [self.columns[i] for i in full]
        return columns, [[_shown(row[i], self.columns[i]) for i in full] for row in rows]

    @property
    def _more(self) -> str:
        more = self.total - min(len(self.rows), MOST_ROWS)
        return f"and {more:,} more" if more else ""
