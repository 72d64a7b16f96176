"""MessagePack for edits: where its values are, and how new ones are written."""

from __future__ import annotations

import struct
from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree
from beanops.jobs.bodies.edits.json_splice import Deeper
from beanops.jobs.bodies.edits.nodes import Child, Node, NodeSplicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.paths import Steps

#: Bytes of a value behind its first one: numbers, and what is fixed.
_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2} | {
    0xD2: 4,
    0xD3: 8,
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,
}
#: Bytes of a length behind the first byte; for extensions one more byte is their type.
_TEXTS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_LISTS, _MAPS = {0xDC: 2, 0xDD: 4}, {0xDE: 2, 0xDF: 4}
_BINARY = (0xC4, 0xC5, 0xC6)
_FLOAT32 = 0xCA


def edit_msgpack(raw: bytes, tree: Tree | Change, path: Steps, deeper: Deeper) -> bytes:
    """Return MessagePack with changes applied.

    Raises
    ------
    EditRefused
        They cannot be applied.
    """
    try:
        node = _node(raw, 0)
    except (IndexError, struct.error):
        raise EditRefused("MessagePack that cannot be read again") from None
    return NodeSplicer(raw, _MsgpackWriter(), deeper).apply(node, tree, path)


def _number(raw: bytes, at: int, size: int) -> int:
    if at + size > len(raw):
        raise IndexError("a number beyond the end")
    return int.from_bytes(raw[at : at + size])


def _node(raw: bytes, at: int) -> Node:
    first = raw[at]
    if first < 0x80 or first >= 0xE0:
        return Node(at, at + 1)
    if first in _FIXED:
        return Node(at, at + 1 + _FIXED[first])
    if first in _EXTENSIONS:
        size = _EXTENSIONS[first]
        return Node(at, at + 2 + size + _number(raw, at + 1, size))
    if first in _TEXTS or 0xA0 <= first <= 0xBF:
        size = _TEXTS.get(first, 0)
        start = at + 1 + size
        end = start + (_number(raw, at + 1, size) if size else first & 0x1F)
        return Node(at, end, "text", (start, end))
    is_map = first in _MAPS or first <= 0x8F
    size = (_MAPS if is_map else _LISTS).get(first, 0)
    count = _number(raw, at + 1, size) if size else first & 0x0F
    start = end = at + 1 + size
    children: list[Child] = []
    for _ in range(count):
        key = None
        begin = end
        if is_map:
            name = _node(raw, end)
            key, end = _name(raw, name), name.end
        value = _node(raw, end)
        children.append(Child(key, begin, value))
        end = value.end
    return Node(at, end, "map" if is_map else "list", (start, end), tuple(children))


def _name(raw: bytes, node: Node) -> str | None:
    """Return what a key is called in the decoded data."""
    import msgpack  # type: ignore[import-untyped]

    if node.kind == "text":
        return raw[slice(*node.inside)].decode("utf-8", "backslashreplace")
    key = msgpack.unpackb(raw[node.start : node.end]) if node.kind == "other" and raw[node.start] < 0xC0 else None
    return str(key) if type(key) is int else None


class _MsgpackWriter:
    def check(self, node: Node, change: Change | Tree, path: Steps) -> None:
        pass

    def value(self, value: Any, path: Steps, old: bytes) -> bytes:
        import msgpack

        if type(value) is str and old[:1] and old[0] in _BINARY:
            return self.text(value.encode(), old)
        if type(value) is float and old[:1] and old[0] == _FLOAT32:
            short = struct.pack(">Bf", _FLOAT32, value) if abs(value) < 3e38 else b""
            if short and struct.unpack(">Bf", short)[1] == value:
                return short
        try:
            return bytes(msgpack.packb(value, use_bin_type=True))
        except (OverflowError, ValueError):
            raise refused_at(path, "a number beyond 64 bits, which MessagePack does not have") from None

    def text(self, text: bytes, old: bytes) -> bytes:
        import msgpack

        return bytes(msgpack.packb(text if old[0] in _BINARY else text.decode(), use_bin_type=True))

    def key(self, key: str | int, node: Node) -> bytes:
        return self.text(key.encode(), b"\xa0") if isinstance(key, str) else b""

    def head(self, node: Node, old: bytes, count: int) -> bytes:
        short, heads = (0x80, _MAPS) if node.kind == "map" else (0x90, _LISTS)
        if old[0] not in heads and count < 16:
            return bytes([short | count])
        first = next(first for first, size in heads.items() if first >= old[0] and count < 256**size)
        return bytes([first]) + count.to_bytes(heads[first])
