"""The newest rows of a recording, which are not in chunks yet: of all tubes or of all servers in one part."""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby

from beanops.monitor.packing import Row, columns
from beanops.recording.looks import AT, KNOWN


class TailPart:
    """What one transaction has added. It is unpacked when somebody asks for a row.

    Parameters
    ----------
    id, era, began, first, last, width : int
        As in the table.
    data : bytes
        The packed rows, each after the number of its series.
    """

    def __init__(self, id: int, era: int, began: int, first: int, last: int, width: int, data: bytes) -> None:
        self.id = id
        self.era = era
        self.began = began
        self._range = range(first, last + 1)
        self.width = width
        self._data = data

    @cached_property
    def _columns(self) -> list[array[int]]:
        return columns(self._data, self.width + 1)

    @cached_property
    def _places(self) -> dict[int, slice]:
        found: dict[int, slice] = {}
        place = 0
        for series, group in groupby(self._columns[0]):
            end = place + sum(1 for _ in group)
            found[series] = slice(place, end)
            place = end
        return found

    @property
    def series(self) -> Iterable[int]:
        """The series that it has rows of."""
        return self._places

    def rows(self, series: int, since: int = 0) -> Iterator[Row]:
        """Return the rows of a series that end from some moment on."""
        places = self._places.get(series) if series in self._range else None
        if places is None:
            return iter(())
        numbers = self._columns[1:]
        start = bisect_left(numbers[AT], since, places.start, places.stop)
        return zip(*(column[start : places.stop] for column in numbers), strict=True)


def tail_parts(database: sqlite3.Connection, since: int = 0) -> list[TailPart]:
    """Return the parts of the tail after one, in their order."""
    rows = database.execute(
        "SELECT id, era, began, first, last, width, rows FROM tail WHERE id > ? ORDER BY id", (since,)
    )
    return [TailPart(*row) for row in rows.fetchall()]


def tail_rows(parts: Iterable[TailPart]) -> dict[tuple[int, int], tuple[int, list[Row]]]:
    """Return the width of the rows and the rows of each series and era."""
    found: dict[tuple[int, int], tuple[int, list[Row]]] = {}
    for part in parts:
        for series in part.series:
            rows = found.setdefault((series, part.era), (part.width, []))[1]
            for row in part.rows(series):
                append(rows, row)
    return found


def append(rows: list[Row], row: Row) -> None:
    """Append a row of the tail; one that begins where the last one does takes its place."""
    if rows and row[KNOWN] and rows[-1][KNOWN] and row[AT] - row[KNOWN] == rows[-1][AT] - rows[-1][KNOWN]:
        rows[-1] = row
    else:
        rows.append(row)
