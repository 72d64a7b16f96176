"""The columns of a table on one server, for rows of several: each row comes with the name of its server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from beanops.ui.columns.column import Column


class OnServer(NamedTuple):
    """A row of a table, and the server that it is of."""

    server: str
    row: Any


def with_server(columns: Iterable[Column[Any]]) -> tuple[Column[OnServer], ...]:
    """Return the columns of rows with their servers: the server first.

    Examples
    --------
    >>> from beanops.ui.columns.tubes import tube_columns
    >>> [column.name for column in with_server(tube_columns("cli"))][:3]
    ['server', 'tube', 'ready']
    """
    first: Column[OnServer] = Column("server", "server", lambda row: row.server, "text", 16, 10)
    return (first, *map(_of_the_row, columns))


def _of_the_row(column: Column[Any]) -> Column[OnServer]:
    write, colour = column.write, column.colour
    return column._replace(
        value=lambda row: column.value(row.row),
        write=None if write is None else lambda row, width: write(row.row, width),
        colour=None if colour is None else lambda row: colour(row.row),
    )
