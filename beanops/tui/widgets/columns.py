"""`Column`: what a table shows of its rows, and where the columns stand in the width that there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from rich.cells import set_cell_size

R = TypeVar("R")

#: Cells between columns at least, and that a column may get beyond its width.
GAP, SLACK = 1, 4
#: Cells that the first column keeps before others are left out for it, and in which titles are the long ones.
FIRST_MIN, WIDE = 20, 104


class Column(NamedTuple, Generic[R]):
    """One column.

    Attributes
    ----------
    key : str
        Its name.
    title, short : str
        Its title, and the one for narrow terminals.
    width, narrow : int
        Cells, wide and narrow; the growing column takes what is left.
    text : callable
        What it shows of a row, in so many cells.
    value : callable
        What it is sorted by; None stands for unknown.
    style : callable
        Name of the style in which it shows a row, such as ``"buried"``; empty for none.
    left : bool
        Whether it is text, aligned to the left.
    spare : int
        Left out in narrow terminals, the highest first; 0 is never left out.
    grows : bool
        Whether it takes what width is left, before the gaps do.
    """

    key: str
    title: str
    short: str
    width: int
    narrow: int
    text: Callable[[R, int], str]
    value: Callable[[R], Any]
    style: Callable[[R], str] = lambda row: ""
    left: bool = False
    spare: int = 0
    grows: bool = False


class Placed(NamedTuple, Generic[R]):
    """A column where it stands: its first cell and its width."""

    column: Column[R]
    title: str
    left: int
    width: int


def place(columns: Sequence[Column[R]], rows: Sequence[R], width: int) -> list[Placed[R]]:
    """Return the columns that fit, in their order, with what is left spread between them.

    Parameters
    ----------
    columns : sequence of Column
        One of them grows.
    rows : sequence
        The longest text of the growing column decides how much it can use, where others follow it.
    width : int
        Cells.
    """
    wide = width >= WIDE
    kept = list(columns)
    growing = next(column for column in columns if column.grows)
    room = width - 2  # the cursor's mark, and air at the right

    def left_for_growing() -> int:
        others = [column.width if wide else column.narrow for column in kept if column is not growing]
        return room - sum(others) - GAP * len(others)

    while left_for_growing() < FIRST_MIN and any(column.spare for column in kept):
        kept.remove(max(kept, key=lambda column: column.spare))
    left = max(4, left_for_growing())
    if growing is kept[-1]:
        # Text that changes with every look must not push the others about.
        extra = 1 if left - FIRST_MIN >= len(kept) - 1 else 0
        wanted = left - extra * (len(kept) - 1)
    else:
        longest = max((len(growing.text(row, left)) for row in rows), default=0)
        wanted = min(left, max(longest, len(growing.title) + 2, FIRST_MIN))
        extra = min(SLACK, (left - wanted) // max(1, len(kept) - 1))
    placed, at = [], 1
    for column in kept:
        size = wanted if column is growing else column.width if wide else column.narrow
        gap = GAP + (extra if column is not kept[0] else -GAP)
        placed.append(Placed(column, column.title if wide else column.short, at + gap, size))
        at += gap + size
    return placed


def fitted(text: str, width: int, left: bool) -> str:
    """Return a text in so many cells; one that is too long ends in an ellipsis."""
    if text.isascii() and len(text) <= width:
        return text.ljust(width) if left else text.rjust(width)
    cut = set_cell_size(text, width)
    if cut.rstrip() != text.rstrip() and width > 1:
        return set_cell_size(text, width - 1) + "…"
    return cut if left else set_cell_size(" " * (width - len(cut.rstrip())) + cut.rstrip(), width)
