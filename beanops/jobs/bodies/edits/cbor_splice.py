"""CBOR for edits: where its values are, and how new ones are written."""

from __future__ import annotations

import struct
from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree
from beanops.jobs.bodies.edits.json_splice import Deeper
from beanops.jobs.bodies.edits.nodes import Child, Node, NodeSplicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.paths import Steps

_BYTES, _TEXT, _LIST, _MAP, _TAG = 2, 3, 4, 5, 6
_BREAK = 0xFF
#: Tags that say nothing, and those of times as text and as a number.
_SELF_DESCRIBED, _TIMES = 55799, (0, 1)
#: Values that are elsewhere, by their number.
_REFERENCES = frozenset((25, 28, 29, 256))
#: How a float is packed, by its first byte.
_FLOATS = {0xF9: ">e", 0xFA: ">f"}


def edit_cbor(raw: bytes, tree: Tree | Change, path: Steps, deeper: Deeper) -> bytes:
    """Return CBOR with changes applied.

    Raises
    ------
    EditRefused
        They cannot be applied.
    """
    try:
        node = _node(raw, 0)
    except (IndexError, ValueError):
        raise EditRefused("CBOR that cannot be read again") from None
    return raw[: node.start] + NodeSplicer(raw, _CborWriter(), deeper).apply(node, tree, path)


def _head(raw: bytes, at: int) -> tuple[int, int | None, int]:
    """Return the major type, the number (None for an indefinite length), and where the head ends."""
    first = raw[at]
    major, short = first >> 5, first & 0x1F
    if short < 24:
        return major, short, at + 1
    if short == 31:
        return major, None, at + 1
    if short > 27:
        raise ValueError("a reserved length")
    size = 1 << (short - 24)
    if at + 1 + size > len(raw):
        raise IndexError("a number beyond the end")
    return major, int.from_bytes(raw[at + 1 : at + 1 + size]), at + 1 + size


def _node(raw: bytes, at: int) -> Node:
    """Return the value at a position; its tags that say nothing are before it."""
    major, number, end = _head(raw, at)
    if major == _TAG:
        if number in _REFERENCES:
            raise EditRefused("CBOR with references cannot be edited")
        inner = _node(raw, end)
        if number == _SELF_DESCRIBED:
            return inner
        if number in _TIMES and not inner.children:
            return inner._replace(kind="time", number=number)
        return Node(at, inner.end, "tagged")
    if major in (_BYTES, _TEXT):
        if number is not None:
            return Node(at, end + number, "text", (end, end + number))
        while raw[end] != _BREAK:
            end = _node(raw, end).end
        return Node(at, end + 1)
    if major not in (_LIST, _MAP):
        return Node(at, end)
    start = end
    children: list[Child] = []
    while raw[end] != _BREAK if number is None else len(children) < number:
        key = None
        begin = end
        if major == _MAP:
            name = _node(raw, end)
            key, end = _name(raw, name), name.end
        value = _node(raw, end)
        children.append(Child(key, begin, value))
        end = value.end
    kind = "map" if major == _MAP else "list"
    return Node(at, end + (number is None), kind, (start, end), tuple(children))


def _name(raw: bytes, node: Node) -> str | None:
    """Return what a key is called in the decoded data."""
    if node.kind == "text":
        return raw[slice(*node.inside)].decode("utf-8", "backslashreplace")
    major, number, _ = _head(raw, node.start)
    if number is None or major > 1:
        return None
    return str(-1 - number if major else number)


class _CborWriter:
    def check(self, node: Node, change: Change | Tree, path: Steps) -> None:
        if not isinstance(change, Change) or change.unset:
            return
        if node.kind == "tagged":
            raise refused_at(path, "a value with a tag, which says what it is")
        if node.kind == "time" and type(change.value) not in ((str,), (int, float))[node.number]:
            raise refused_at(path, f"a time, which is {'a number' if node.number else 'a text'} here")

    def value(self, value: Any, path: Steps, old: bytes) -> bytes:
        import cbor2

        if type(value) is str and old[:1] and old[0] >> 5 == _BYTES:
            return self.text(value.encode(), old)
        if type(value) is float and old[:1] and old[0] in _FLOATS:
            try:
                short = struct.pack(_FLOATS[old[0]], value)
            except OverflowError:
                short = b""
            if short and struct.unpack(_FLOATS[old[0]], short)[0] == value:
                return old[:1] + short
        return cbor2.dumps(value)

    def text(self, text: bytes, old: bytes) -> bytes:
        return _written_head(old[0] >> 5, len(text)) + text

    def key(self, key: str | int, node: Node) -> bytes:
        return _written_head(_TEXT, len(key.encode())) + key.encode() if isinstance(key, str) else b""

    def head(self, node: Node, old: bytes, count: int) -> bytes:
        # An indefinite length ends where it ends.
        return old if old[0] & 0x1F == 31 else _written_head(old[0] >> 5, count)


def _written_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    short = next(short for short in range(24, 28) if number < 256 ** (1 << (short - 24)))
    return bytes([major << 5 | short]) + number.to_bytes(1 << (short - 24))
