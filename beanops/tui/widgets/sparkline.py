"""Numbers as a line of blocks, for a table's cell or a header."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None]) -> str:
    """Return one block a value, the largest full; a blank is unknown, and only a zero is the lowest.

    Examples
    --------
    >>> spark([None, 0, 1, 5, 10])
    ' ▁▂▅█'
    """
    most = max((value for value in values if value is not None), default=0)
    steps = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[0 if value <= 0 else max(1, round(value / most * steps))] for value in values
    )
