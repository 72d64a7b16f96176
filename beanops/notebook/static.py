"""What stands in a notebook when no kernel runs: plain tables, cut and escaped. No widgets, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

#: Rows and characters that are kept of a table and of a cell.
MOST_ROWS = 50
MOST_CHARACTERS = 80


def _cut(value: Any) -> str:
    if value is None:
        return "–"
    text = f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _cells(rows: Iterable[Sequence[Any]]) -> tuple[list[list[str]], int]:
    all_rows = list(rows)
    return [[_cut(value) for value in row] for row in all_rows[:MOST_ROWS]], max(0, len(all_rows) - MOST_ROWS)


def html_table(title: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as HTML; every text in it is escaped."""
    kept, more = _cells(rows)
    head = "".join(f"<th>{escape(label)}</th>" for label in labels)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in kept)
    rest = f"<p>and {more:,} more</p>" if more else ""
    return f"<p><b>{escape(title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def text_table(title: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as text, in columns."""
    kept, more = _cells(rows)
    table = [list(labels), *kept]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([title, *lines, *([f"and {more:,} more"] if more else [])])
