"""Edits of bodies that are plain JSON, without decoding them whole: many times faster.

What is not certain here (layers, a key that may be written in another way, numbers that are rounded) is left to
`envelope`, which decodes the body before and after.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from beanops.jobs.bodies.edits.changes import Change, Tree
from beanops.jobs.bodies.edits.checks import with_effects
from beanops.jobs.bodies.edits.guards import check_seals
from beanops.jobs.bodies.edits.json_splice import JsonSplicer
from beanops.jobs.bodies.edits.json_style import plain_text
from beanops.jobs.bodies.layers import DEFAULT_LIMITS
from beanops.jobs.bodies.paths import Steps
from beanops.jobs.bodies.registry import reads_json_first

_OPENING = b"{["
#: Bytes up to which a body holds no more values than are decoded.
_LONGEST = 65_536
# A simple value behind its key, and the blanks around it.
_VALUE = re.compile(rb'[ \t\n\r]*:[ \t\n\r]*("(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*+|true|false|null)', re.DOTALL)
_AFTER = re.compile(rb"[ \t\n\r]*(?:,[ \t\n\r]*)?")
_is_simple = re.compile(r"[A-Za-z0-9_ .@$-]+\Z").match


class _Layered(Exception):
    """A change may be inside a layer."""


class _Key(NamedTuple):
    """A change of one of the outermost keys."""

    name: str
    quoted: bytes
    written: bytes
    change: Change


class QuickSplicer:
    """Applies changes to bodies that are plain JSON.

    Parameters
    ----------
    tree : Tree
        The changes.
    """

    def __init__(self, tree: Tree) -> None:
        import orjson

        self._loads, self._invalid = orjson.loads, orjson.JSONDecodeError
        self._tree = tree
        self._keys = _keys(tree)

    def edit(self, body: bytes) -> bytes | None:
        """Return a body with the changes applied; None for one that has to be decoded.

        Raises
        ------
        EditRefused
            They cannot be applied.
        """
        if not body or body[0] not in _OPENING or len(body) > _LONGEST or not reads_json_first():
            return None
        try:
            data = self._loads(body)
        except self._invalid:
            return None
        if body.count(b"[") + body.count(b"{") >= DEFAULT_LIMITS.depth and _is_deep(data):
            return None
        if self._keys and type(data) is dict and b"\\u00" not in body:
            new = self._with_keys(body, data)
            if new is not None:
                return new
        return self._walked(body, data)

    def _with_keys(self, body: bytes, data: dict[str, Any]) -> bytes | None:
        """Return a body of which the outermost keys change; None where it is not certain where they are."""
        if "mac" in data or "hash" in data or "body" in self._tree:
            return None
        splices: list[tuple[int, int, bytes]] = []
        for name, quoted, written, change in self._keys:
            if name not in data:
                if change.unset:
                    continue
                return None
            # In a string the quotes would be escaped.
            if body.count(quoted) != 1:
                return None
            start = body.find(quoted)
            value = _VALUE.match(body, start + len(quoted))
            if value is None:
                return None
            if not change.unset:
                old = data[name]
                if type(old) is not type(change.value) or old != change.value:
                    splices.append((*value.span(1), written))
                    data[name] = change.value
                continue
            end = value.end()
            before = body[:start].rstrip()
            if before.endswith(b",") and len(self._keys) == 1:
                splices.append((len(before[:-1].rstrip()), end, b""))
                del data[name]
            else:
                return None
        if not splices:
            return body
        new = _spliced(body, splices)
        try:
            return new if self._loads(new) == data else None
        except self._invalid:
            return None

    def _walked(self, body: bytes, data: Any) -> bytes | None:
        check_seals(data, self._tree)
        text = body.decode()
        splicer = JsonSplicer(text, _is_layered)
        try:
            new = splicer.apply(self._tree).encode()
        except _Layered:
            return None
        if not splicer.effects:
            return body
        try:
            same = self._loads(new) == with_effects(data, splicer.effects)
        except self._invalid:
            return None
        return new if same and not splicer.replaces_text else None


def _keys(tree: Tree) -> tuple[_Key, ...]:
    """Return the changes if all are of outermost keys that can be searched for; else none."""
    keys = []
    for name, change in tree.items():
        if not isinstance(change, Change) or type(name) is not str or not _is_simple(name):
            return ()
        written = plain_text(change.value)
        if written is None:
            return ()
        keys.append(_Key(name, f'"{name}"'.encode(), written.encode(), change))
    return tuple(keys)


def _spliced(body: bytes, splices: list[tuple[int, int, bytes]]) -> bytes:
    if len(splices) == 1:
        ((start, end, new),) = splices
        return body[:start] + new + body[end:]
    parts: list[bytes] = []
    done = 0
    for start, end, new in sorted(splices):
        parts += (body[done:start], new)
        done = end
    return b"".join((*parts, body[done:]))


def _is_layered(text: bytes, tree: Tree, path: Steps) -> bytes:
    raise _Layered


def _is_deep(data: Any) -> bool:
    """Whether data nests deeper than is decoded."""
    level = [data]
    for _ in range(DEFAULT_LIMITS.depth):
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            return False
    return True
