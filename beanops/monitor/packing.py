"""Rows of whole numbers, compressed column by column; `Rows` appends them at one end and drops them at the other."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

#: Rows that are compressed together.
CHUNK = 60
#: Types of a column, from one byte a number to eight.
_TYPES = "bhiq"

Row = tuple[int, ...]


class Rows:
    """Rows of one width, in the order of their first number.

    Parameters
    ----------
    width : int
        Numbers in a row, each of 64 bits.
    first : int
        Rows in the first chunk: where it differs between many of them, they are not all compressed at the same time.
    """

    __slots__ = ("_chunks", "_open", "_room", "_starts", "_width")

    def __init__(self, width: int, first: int = CHUNK) -> None:
        self._width = width
        self._room = first
        self._open = array("q")
        self._chunks: list[bytes] = []
        #: The first number of each chunk.
        self._starts = array("q")

    def append(self, row: Sequence[int]) -> bool:
        """Add a row at the end, and return whether the rows before it were compressed."""
        full = len(self._open) >= self._room * self._width
        if full:
            self._starts.append(self._open[0])
            self._chunks.append(packed(self._open, self._width))
            self._open, self._room = array("q"), CHUNK
        self._open.extend(row)
        return full

    @property
    def last(self) -> Row | None:
        """The last row; None if there is none or it is compressed."""
        return tuple(self._open[-self._width :]) if self._open else None

    def replace_last(self, row: Sequence[int]) -> None:
        """Replace the last row, which `last` returned."""
        self._open[-self._width :] = array("q", row)

    def since(self, first: int) -> Iterator[Row]:
        """Yield the rows whose first number is at least `first`, and some before them."""
        begin = max(0, bisect_right(self._starts, first) - 1)
        for chunk in self._chunks[begin:]:
            yield from unpacked(chunk, self._width)
        yield from zip(*[iter(self._open)] * self._width, strict=True)

    def drop(self, before: int) -> None:
        """Forget the chunks all of whose rows are before `before`, but the last."""
        self._forget(max(0, bisect_right(self._starts, before) - 1))

    def drop_oldest(self) -> None:
        """Forget the oldest chunk."""
        self._forget(1)

    def _forget(self, chunks: int) -> None:
        del self._chunks[:chunks], self._starts[:chunks]

    @property
    def size(self) -> int:
        """Bytes of the chunks."""
        return sum(map(len, self._chunks))


def packed(rows: array[int], width: int) -> bytes:
    """Return rows column by column, each as its first number and differences in the smallest type that holds them."""
    parts = [len(rows).to_bytes(4, "little")]
    for place in range(width):
        column = rows[place::width]
        steps = [after - before for before, after in pairwise(column)]
        for kind in _TYPES:
            try:
                parts += [column[:1].tobytes(), kind.encode(), array(kind, steps).tobytes()]
                break
            except OverflowError:
                continue
    return zlib.compress(b"".join(parts), 6)


def unpacked(chunk: bytes, width: int) -> Iterator[Row]:
    """Return the rows that were packed."""
    return zip(*_columns(chunk, width), strict=True)


def columns(chunk: bytes, width: int) -> list[array[int]]:
    """Return the columns of the rows that were packed."""
    return [array("q", column) for column in _columns(chunk, width)]


def _columns(chunk: bytes, width: int) -> list[Iterator[int]]:
    data = zlib.decompress(chunk)
    length = int.from_bytes(data[:4], "little") // width
    found: list[Iterator[int]] = []
    place = 4
    for _ in range(width):
        first = array("q", data[place : place + 8])
        steps = array(data[place + 8 : place + 9].decode())
        end = place + 9 + (length - 1) * steps.itemsize
        steps.frombytes(data[place + 9 : end])
        found.append(accumulate(steps, initial=first[0]))
        place = end
    return found
