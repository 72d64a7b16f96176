"""Bodies that are plain JSON, read for a predicate without decoding them whole: several times faster.

A predicate that reads ``data`` by paths alone gets the values at these paths, exactly as `beanops.jobs.bodies.decode`
has them. Uncertain cases (a key that may occur twice, a rounded number, a layer at such a path) are left to it. A
layer elsewhere is not decoded: whether it can be is to be seen where the predicate is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from beanops.jobs.bodies import DEFAULT_LIMITS, may_hold_layers
from beanops.jobs.sql.parse_tree import Path

#: Bytes up to which a body holds no more values than are decoded, and no more layers.
_LONGEST, _LONG = 65_536, 8 * DEFAULT_LIMITS.texts
#: Bytes that data takes which nests deeper than is decoded.
_DEEP = 2 * DEFAULT_LIMITS.depth
_OPENING = b"{["
_ESCAPED = b"\\u003"
#: What is kept at one position of the data: all of it, or the values of some keys.
Kept = dict[str, Any] | None


def quick_reader(reach: Iterable[Path]) -> Callable[[bytes | None], str | None]:
    """Return what makes JSON of a body for a predicate, or None of one that must be decoded.

    Parameters
    ----------
    reach : iterable of tuple
        The paths that the predicate reads.
    """
    import orjson

    loads, dumps, invalid = orjson.loads, orjson.dumps, orjson.JSONDecodeError
    kept = _kept(reach)
    flat = kept is not None and not any(kept.values())
    keys = tuple(kept or ())

    def read(body: bytes | None) -> str | None:
        if not body or body[0] not in _OPENING or len(body) > _LONGEST:
            return None
        try:
            data = loads(body)
        except invalid:
            return None
        colons = body.count(b":")
        if len(body) > _DEEP and _may_be_large(body, colons) and not _is_sound(body, data):
            return None
        # Each colon may follow one of the outermost keys. Else, where a key occurs twice, one is lost, and its
        # colon with it; an escaped colon in a string might take its place.
        mapping = type(data) is dict
        if not (mapping and len(data) == colons) and (dumps(data).count(b":") != colons or _ESCAPED in body):
            return None
        # The usual predicate reads keys of the outermost object.
        taken = {key: data[key] for key in keys if key in data} if flat and mapping else _taken(data, kept)
        text = dumps(taken).decode()
        # An object with no more quotes than those of its keys holds no string.
        scalars = mapping and text.count('"') == 2 * len(taken)
        # A float may have been an integer beyond 64 bits.
        return None if "e+" in text or (not scalars and may_hold_layers(text)) else text

    return read


def _may_be_large(body: bytes, colons: int) -> bool:
    """Whether a body may nest too deep, or have too many layers.

    Each level but the innermost has a bracket or a colon, also those of a layer.
    """
    return len(body) > _LONG or body.count(b"[") + colons >= DEFAULT_LIMITS.depth


def _is_sound(body: bytes, data: Any) -> bool:
    """Whether all of a large body is decoded: it nests no deeper than it may, and no layer in it can."""
    containers, level = 1, [data]
    for _ in range(DEFAULT_LIMITS.depth):
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            break
        containers += len(level)
    else:
        return False
    # No layer nests where no string has a bracket.
    if len(body) <= _LONG and body.count(b"{") + body.count(b"[") == containers:
        return True
    return not may_hold_layers(body.decode())


def _kept(reach: Iterable[Path]) -> Kept:
    """Return paths as a tree."""
    tree: dict[str, Any] = {}
    for path in reach:
        if not path or not isinstance(path[0], str):
            return None
        tree.setdefault(path[0], []).append(path[1:])
    return {key: _kept(paths) for key, paths in tree.items()}


def _taken(data: Any, kept: Kept) -> Any:
    """Return the kept part of data; anything but an object is kept whole, as no path leads into it."""
    if kept is None or type(data) is not dict:
        return data
    return {key: _taken(data[key], below) for key, below in kept.items() if key in data}
