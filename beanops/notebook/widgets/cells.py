"""Columns and cells as a page needs them. The page side is ``page/table/cells.js``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from beanops.ui.columns.column import Column

#: The digits of a spark, from the smallest value to the largest.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Fold(NamedTuple):
    """Rows that are folded into one at the end of the table.

    Attributes
    ----------
    column : str
        The column that is true for them; usually a helper.
    noun : str
        Noun for one of them, such as ``"idle tube"``.
    rest : str
        What follows the noun, such as ``"without workers"``.
    """

    column: str
    noun: str
    rest: str = ""


def described(column: Column[Any]) -> dict[str, Any]:
    """Return a column as the page needs it. Times are texts there: the page may be in another time zone."""
    return {
        "name": column.name,
        "label": column.title,
        "kind": "text" if column.unit == "time" else column.unit,
        "width": column.em,
        "tone": column.tone,
        "drawn": column.drawn,
        "scale": column.scale or column.name,
        "toned": column.toned,
        "helper": not column.em,
    }


def spark(values: Sequence[float | None], words: str = "", *, top: float | None = None, filled: bool = True) -> str:
    """Return the cell of a column that is drawn as a spark.

    Parameters
    ----------
    values : sequence of float or None
        From the oldest on; None is unknown and leaves a gap.
    words : str
        What a tooltip says.
    top : float or None
        Value at the upper edge; None is the largest value.
    filled : bool
        Whether the area below the line is filled. Leave it out where the lower edge is not zero.

    Examples
    --------
    >>> spark([0, 5, None, 10], "0 to 10 ready jobs")
    '0h.z 0 to 10 ready jobs'
    """
    most = top or max((value for value in values if value is not None), default=0) or 1
    last = len(_DIGITS) - 1
    drawn = "".join("." if value is None else _DIGITS[max(0, int(value * last / most))] for value in values)
    drawn = drawn if filled else f"-{drawn}"
    return f"{drawn} {words}" if words else drawn
