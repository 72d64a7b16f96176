"""Bodies that are plain JSON, read for a predicate without decoding them whole: several times faster.

A predicate that reads ``data`` by paths alone gets the values at these paths, exactly as `beanops.jobs.bodies.decode`
has them. Uncertain cases (a key that may occur twice, a rounded number, a layer at such a path) are left to it. A
layer elsewhere is not decoded: whether it can be is to be seen where the predicate is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from beanops.jobs.bodies import json_reader, may_hold_layers
from beanops.jobs.sql.parse_tree import Path

#: What is kept at one position of the data: all of it, or the values of some keys.
Kept = dict[str, Any] | None


def quick_reader(reach: Iterable[Path]) -> Callable[[bytes | None], str | None]:
    """Return what makes JSON of a body for a predicate, or None of one that must be decoded.

    Parameters
    ----------
    reach : iterable of tuple
        The paths that the predicate reads.
    """
    from orjson import dumps

    read_json = json_reader()
    kept = _kept(reach)
    flat = kept is not None and not any(kept.values())
    keys = tuple(kept or ())

    def read(body: bytes | None) -> str | None:
        data = read_json(body)
        if data is None:
            return None
        mapping = type(data) is dict
        # The usual predicate reads keys of the outermost object.
        taken = {key: data[key] for key in keys if key in data} if flat and mapping else _taken(data, kept)
        text = dumps(taken).decode()
        # An object with no more quotes than those of its keys holds no string.
        scalars = mapping and text.count('"') == 2 * len(taken)
        # A float may have been an integer beyond 64 bits.
        return None if "e+" in text or (not scalars and may_hold_layers(text)) else text

    return read


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
