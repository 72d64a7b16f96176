"""What stands in a notebook when no kernel runs: plain tables, cut and escaped. No widgets, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from beanops.notebook.widgets.table import Column

#: Rows and characters that are kept of a table and of a cell.
MOST_ROWS = 50
MOST_CHARACTERS = 80


def _shown(value: Any, column: Column) -> str:
    if value is None:
        return "–"
    if column.kind == "seconds":
        return f"{value:,} s"
    text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


class Table(NamedTuple):
    """A table as it is kept in a notebook file.

    Attributes
    ----------
    title : str
        What stands above it.
    columns : sequence of Column
        What the cells of each row are.
    rows : sequence of tuple
        The first ones are kept.
    total : int
        How many rows there are.
    """

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    total: int

    @property
    def html(self) -> str:
        """The table as HTML; every text in it is escaped."""
        head = "".join(f"<th>{escape(column.label)}</th>" for column in self.columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in self._kept)
        rest = f"<p>{self._more}</p>" if self._more else ""
        title = f"<p><b>{escape(self.title)}</b></p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"

    @property
    def text(self) -> str:
        """The table as text, in columns."""
        table = [[column.label for column in self.columns], *self._kept]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join([self.title, *lines, *([self._more] if self._more else [])])

    @property
    def _kept(self) -> list[list[str]]:
        return [
            [_shown(value, column) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows[:MOST_ROWS]
        ]

    @property
    def _more(self) -> str:
        more = self.total - min(len(self.rows), MOST_ROWS)
        return f"and {more:,} more" if more else ""
