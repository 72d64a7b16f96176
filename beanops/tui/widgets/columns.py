"""`place`: the position and width of each column in the width that a terminal has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size

from beanops.ui.columns.column import Column

R = TypeVar("R")

#: Cells between columns at least, and cells that a gap may get beyond that.
GAP, SLACK = 1, 4
#: Cells that the growing column usually keeps before optional ones are left out, and cells from which a terminal is
#: wide.
FIRST_MIN, WIDE = 20, 104
#: Rows from which a terminal is tall.
TALL = 36


class Placed(NamedTuple, Generic[R]):
    """A column with its header, its first cell and its width."""

    column: Column[R]
    title: str
    left: int
    width: int


def place(columns: Sequence[Column[R]], rows: Sequence[R], width: int, least: int = FIRST_MIN) -> list[Placed[R]]:
    """Return the columns that fit, in their order, with the width that is left over spread between them.

    Parameters
    ----------
    columns : sequence of Column
        One of them grows.
    rows : sequence
        Where other columns follow the growing one, its longest text limits its width.
    width : int
        Cells.
    least : int
        Cells that the growing column keeps before optional ones are left out.
    """
    wide = width >= WIDE
    kept = list(columns)
    growing = next(column for column in columns if column.grows)
    room = width - 2  # the cursor's mark, and air at the right

    def cells(column: Column[R]) -> int:
        return column.width if wide or not column.narrow else column.narrow

    def left_for_growing() -> int:
        others = [cells(column) for column in kept if column is not growing]
        return room - sum(others) - GAP * len(others)

    while left_for_growing() < least and any(column.optional for column in kept):
        kept.remove(max(kept, key=lambda column: column.optional))
    left = max(4, left_for_growing())
    if growing is kept[-1]:
        # The last column must not move the others when its texts change.
        extra = 1 if left - FIRST_MIN >= len(kept) - 1 else 0
        wanted = left - extra * (len(kept) - 1)
    else:
        longest = max((len(growing.text(row, left)) for row in rows), default=0)
        wanted = min(left, max(longest, len(growing.title) + 2, FIRST_MIN))
        extra = min(SLACK, (left - wanted) // max(1, len(kept) - 1))
    placed, at = [], 1
    for column in kept:
        size = wanted if column is growing else cells(column)
        gap = GAP + (extra if column is not kept[0] else -GAP)
        placed.append(Placed(column, column.title if wide else column.short or column.title, at + gap, size))
        at += gap + size
    return placed


def shortened(text: str, width: int) -> str:
    """Return a name in at most `width` cells, without its middle if it is too long.

    Examples
    --------
    >>> shortened("shop.eu-west.mail-out", 11), shortened("sms", 11)
    ('shop.…l-out', 'sms')
    """
    if cell_len(text) <= width:
        return text
    if width < 3:
        return set_cell_size(text, width)
    end = ""
    for character in reversed(text):
        if cell_len(character + end) > (width - 1) // 2:
            break
        end = character + end
    return set_cell_size(text, width - 1 - cell_len(end)).rstrip() + "…" + end


def fitted(text: str, width: int, left: bool, *, is_name: bool = False) -> str:
    """Return a text in exactly `width` cells; one that is too long ends in an ellipsis, a name has it in its middle."""
    if is_name:
        text = shortened(text, width)
    if text.isascii() and len(text) <= width:
        return text.ljust(width) if left else text.rjust(width)
    cut = set_cell_size(text, width)
    if cut.rstrip() != text.rstrip() and width > 1:
        return set_cell_size(text, width - 1) + "…"
    return cut if left else set_cell_size(" " * (width - len(cut.rstrip())) + cut.rstrip(), width)
