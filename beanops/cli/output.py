"""How results are printed: tables for people, JSON and CSV for programs. Untrusted text passes `safe_text` here.

JSON is exact: a body that is not UTF-8 is written as base64. Tables and CSV show such bytes as escapes.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from beanops.cli.spreadsheet import defused
from beanops.cli.streams import on_terminal
from beanops.text import safe_text
from beanops.ui.columns.column import Column
from beanops.ui.formatting import moment

#: What a column is cut to on a narrow terminal, at least.
_NARROWEST = 8


def as_dict(record: Any) -> dict[str, Any]:
    """Return a record of statistics as a dict, with the fields that this version does not know."""
    fields = record._asdict()
    unknown = fields.pop("extra")
    return {**fields, **unknown}


def print_json(value: Any) -> None:
    """Print a value as JSON, in ASCII: nothing in it can be a terminal's command."""
    click.echo(json.dumps(value, indent=2, default=str).replace("\x7f", "\\u007f"))


def print_jsonl(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print each row as it comes, as JSON in one line."""
    for row in rows:
        click.echo(_json_line(row))


def print_json_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as they come, as one JSON array with a line for each."""
    start = "["
    for row in rows:
        click.echo(f"{start}\n{_json_line(row)}", nl=False)
        start = ","
    click.echo("[]" if start == "[" else "\n]")


def _json_line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str).replace("\x7f", "\\u007f")


def print_csv(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, heading: bool = True) -> None:
    """Print rows as CSV, with a heading also when there are none, or without one below rows that have it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(columns)
    if heading:
        writer.writerow([defused(name, name) for name in names])
    writer.writerows([defused(value, _cell(value)) for value in map(row.get, names)] for row in rows)
    click.echo(text.getvalue(), nl=False)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, err: bool = False) -> None:
    """Print rows in columns, numbers to the right; on a terminal the widest text is cut to what fits."""
    click.echo("\n".join(table_lines(headings, rows)), err=err)


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines that `print_table` prints: the headings, and one for each row."""
    values = [tuple(row) for row in rows]
    texts = [tuple(_cell(value) for value in row) for row in values]
    columns = list(zip(headings, *texts, strict=True))
    widths = [max(map(text_width, column)) for column in columns]
    numbers = int | float | None
    right = [bool(values) and all(isinstance(row[i], numbers) for row in values) for i in range(len(headings))]
    if on_terminal("stdout"):
        _narrow(widths, right, shutil.get_terminal_size().columns)
    lines = []
    for row in (tuple(headings), *texts):
        cells = [_fit(*cell) for cell in zip(row, widths, right, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def print_columns(columns: Sequence[Column[Any]], rows: Iterable[Any]) -> None:
    """Print rows in these columns under the names that options and frames have for them; numbers are not rounded."""
    print_table([column.name for column in columns], [[_value(column, row) for column in columns] for row in rows])


def _value(column: Column[Any], row: Any) -> Any:
    value = column.value(row)
    return moment(value) if isinstance(value, datetime) else value


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print one record, a field a line."""
    width = max(map(len, fields))
    click.echo("\n".join(f"{safe_text(name):<{width}}  {_cell(value)}".rstrip() for name, value in fields.items()))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe_text(str(value))


def text_width(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def _narrow(widths: list[int], right: list[bool], available: int) -> None:
    """Take what is too much from the widest column of text."""
    texts = [i for i, number in enumerate(right) if not number]
    if texts:
        widest = max(texts, key=lambda i: widths[i])
        excess = sum(widths) + 2 * (len(widths) - 1) - available
        widths[widest] = min(widths[widest], max(_NARROWEST, widths[widest] - excess))


def shortened(text: str, width: int) -> str:
    """Return a text cut to so many columns."""
    if text_width(text) > width:
        while text and text_width(text) >= width:
            text = text[: len(text) - max(1, (text_width(text) - width) // 2)]
        text += "…"
    return text


def _fit(text: str, width: int, right: bool) -> str:
    text = shortened(text, width)
    space = " " * (width - text_width(text))
    return space + text if right else text + space
