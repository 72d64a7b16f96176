"""The shape of a body without an error and without a class: its keys and types, or its format and size."""

from __future__ import annotations

import re
from typing import Any

from beanops.jobs.bodies import Decoded
from beanops.jobs.bodies.memo import Memo

#: How deep a shape is read, and how many keys of an object.
_DEEP, _KEYS = 3, 40
#: Characters of a key, and of a shape.
_LONGEST_KEY, _LONGEST = 40, 1000
_TYPES = {str: "text", int: "number", float: "number", bool: "flag", type(None): "null"}
# A key that is an id: of an object that maps ids to values the number of ids is no part of the shape.
_is_id = re.compile(r"-?\d+|(?=.*\d)[0-9a-fA-F-]{7,}|(?=.*\d)[\w-]{16,}", re.ASCII).fullmatch
_PLAIN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff{}\[\],:]")


class Shapes:
    """Returns the shapes of data, and remembers them by its keys and types.

    Parameters
    ----------
    most : int
        Shapes that are remembered.
    """

    def __init__(self, most: int = 1024) -> None:
        self._known: Memo[Any, str] = Memo(most)

    def of(self, data: Any, *, small: bool) -> str:
        """Return the shape of data; that of a small body is remembered."""
        if not small:
            return shape_of(data)
        signature = _signature(data, _DEEP)
        return self._known.get(signature) or self._known.keep(signature, shape_of(data))


def _signature(value: Any, deep: int) -> Any:
    """Return what the shape of a value is made of, in the order of its keys."""
    kind = type(value)
    if kind is dict:
        if not deep:
            return bool(value)
        kinds = tuple(map(type, value.values()))
        if dict in kinds or list in kinds:
            inner = [_signature(one, deep - 1) for one in value.values() if type(one) is dict or type(one) is list]
            return tuple(value), kinds, tuple(inner)
        return tuple(value), kinds
    if kind is list:
        return (_signature(value[0], deep - 1) if deep else list,) if value else ()
    return kind


def shape_of(data: Any) -> str:
    """Return the keys and types of data, the keys in order.

    Examples
    --------
    >>> shape_of({"user": 7, "items": [{"sku": "A"}, {"sku": "B"}], "paid": True})
    '{items:[{sku:text}],paid:flag,user:number}'
    >>> shape_of({"1041": 3, "1042": 4})
    '{<n>:number}'
    """
    return _shape(data, _DEEP)[:_LONGEST]


def _shape(value: Any, deep: int) -> str:
    kind = type(value)
    if kind is dict:
        if not value:
            return "{}"
        if deep == 0:
            return "{…}"
        parts = sorted({f"{_key(key)}:{_shape(item, deep - 1)}" for key, item in _first(value)})
        more = ",…" if len(value) > _KEYS else ""
        return f"{{{','.join(parts)}{more}}}"
    if kind is list:
        return f"[{_shape(value[0], deep - 1) if deep else '…'}]" if value else "[]"
    return _TYPES.get(kind, "text")


def _first(value: dict[str, Any]) -> list[tuple[str, Any]]:
    items = list(value.items())
    return items if len(items) <= _KEYS else sorted(items, key=lambda item: item[0])[:_KEYS]


def _key(key: str) -> str:
    return "<n>" if _is_id(key) else _PLAIN.sub("?", key[:_LONGEST_KEY])


def format_of(decoded: Decoded) -> str:
    """Return the format of a body that holds no object or list, and the class of its size.

    Examples
    --------
    >>> from beanops.jobs.bodies import decode
    >>> format_of(decode(b"hello"))
    'text, up to 16 bytes'
    """
    return f"{', '.join(decoded.chain) or 'not decoded'}, {_size_class(decoded.size)}"


def _size_class(size: int) -> str:
    if size == 0:
        return "empty"
    most = 16
    while most < size:
        most *= 4
    unit, factor = ("MB", 2**20) if most >= 2**20 else ("kB", 2**10) if most >= 2**10 else ("bytes", 1)
    return f"up to {most // factor} {unit}"
