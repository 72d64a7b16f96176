"""The selection of a table as a synced trait has it: small however many rows are selected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Most keys in a list; more of them are a text if they are numbers. ``page/view/selection.js`` has the same number.
MOST_KEYS = 1000


def packed(keys: Sequence[str], focus: str | None) -> dict[str, Any]:
    """Return a selection as JSON.

    Many numbers become runs of a gap and a length, in ascending order.

    Examples
    --------
    >>> packed(["mail", "sms"], "sms")
    {'keys': ['mail', 'sms'], 'focus': 'sms'}
    >>> packed([str(id) for id in (*range(1, 1001), 1003)], None)
    {'ids': '2:1000 3', 'focus': None}
    """
    if len(keys) <= MOST_KEYS or not all(_is_number(key) for key in keys):
        return {"keys": list(keys), "focus": focus}
    runs: list[list[int]] = []
    end = -1
    for id in sorted(map(int, keys)):
        if runs and id == end + 1:
            runs[-1][1] += 1
        else:
            runs.append([id - end, 1])
        end = id
    return {"ids": " ".join(f"{gap}" if length == 1 else f"{gap}:{length}" for gap, length in runs), "focus": focus}


def unpacked(selection: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """Return the keys of a selection, and the focused one.

    Examples
    --------
    >>> unpacked({"ids": "2:3 4", "focus": "3"})
    (('1', '2', '3', '7'), '3')
    """
    if "ids" in selection:
        return tuple(map(str, _numbers(selection["ids"]))), selection.get("focus")
    return tuple(selection.get("keys", ())), selection.get("focus")


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0")


def _numbers(runs: str) -> Iterator[int]:
    end = -1
    for run in runs.split():
        gap, _, length = run.partition(":")
        yield from range(end + int(gap), end + int(gap) + int(length or 1))
        end += int(gap) + int(length or 1) - 1
