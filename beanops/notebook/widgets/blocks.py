"""Rows as a page gets them: column by column, in buffers where that is smaller.

The page side is ``page/table/store.js``.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

#: Most rows whose values are sent as they are.
PLAIN = 500
#: Most different values that are sent once each, and by number in the rows.
MOST_DIFFERENT = 65_536
#: The types of numbers: how the page calls one, its code in `array`, and the first number that is too large for it.
_TYPES = (("u1", "B", 2**8), ("u2", "H", 2**16), ("u4", "I", 2**32))
#: Numbers from here on are not exact as a float, so the page gets them as texts.
_EXACT = 2**53


def packed(values: Sequence[Any], buffers: list[bytes], keys: Sequence[str] = ()) -> dict[str, Any]:
    """Return one column for a message, and append what is binary to `buffers`.

    Parameters
    ----------
    values : sequence
        One for each row: numbers, or texts without newlines; None is unknown.
    buffers : list of bytes
        The buffers of the message.
    keys : sequence of str
        The keys of the rows: a column of them is not sent twice.

    Examples
    --------
    >>> packed(["ready", "buried"], [])
    {'list': ['ready', 'buried']}
    >>> packed(["mail"] * 1000, [])
    {'same': 'mail'}
    """
    if keys and values == keys:
        return {"keys": True}
    if len(values) <= PLAIN:
        return {"list": values}
    if isinstance(values[0], str) and len(set(values[:PLAIN])) > PLAIN // 2:
        return _texts(values, buffers)
    different = set(values)
    if len(different) == 1:
        return {"same": values[0]}
    # A set has 1 and True as one value; no column has both.
    if all(isinstance(value, int | float) or value is None for value in different):
        return _numbers(values, different, buffers)
    if len(different) <= min(MOST_DIFFERENT, len(values) // 2):
        return _codes(values, different, buffers)
    return _texts(values, buffers)


def _add(buffers: list[bytes], data: bytes) -> int:
    buffers.append(data)
    return len(buffers) - 1


def _smallest(limit: int) -> tuple[str, str]:
    """Return the smallest type of unsigned numbers below `limit`."""
    return next((name, code) for name, code, end in _TYPES if limit <= end)


def _numbers(values: Sequence[Any], different: set[Any], buffers: list[bytes]) -> dict[str, Any]:
    name, code = "f8", "d"
    whole = all(isinstance(value, int) for value in different)
    if whole and min(different) >= 0 and max(different) < 2**32:
        name, code = _smallest(max(different) + 1)
    elif None in different:
        values = [float("nan") if value is None else value for value in values]
    return {"numbers": _add(buffers, array(code, values).tobytes()), "type": name}


def _codes(values: Sequence[Any], different: set[Any], buffers: list[bytes]) -> dict[str, Any]:
    known = list(different)
    number = {value: place for place, value in enumerate(known)}
    name, code = _smallest(len(known))
    coded = array(code, map(number.__getitem__, values))
    return {"of": known, "codes": _add(buffers, coded.tobytes()), "type": name}


def _texts(values: Sequence[Any], buffers: list[bytes]) -> dict[str, Any]:
    text = "\n".join([value or "" for value in values])
    if text.count("\n") != len(values) - 1:
        return {"list": values}
    return {"texts": _add(buffers, text.encode())}


def packed_keys(keys: Sequence[str], buffers: list[bytes]) -> dict[str, Any]:
    """Return the keys of rows for a message, as numbers where all of them are exact ones."""
    if len(keys) > PLAIN and all(map(str.isdecimal, keys)):
        ids = list(map(int, keys))
        if max(ids) < _EXACT and all(map(str.__eq__, map(str, ids), keys)):
            return _numbers(ids, {max(ids), min(ids)}, buffers)
    return {"list": keys} if len(keys) <= PLAIN else _texts(keys, buffers)
