"""Edits of bodies that are plain JSON, without decoding them whole: many times faster.

What is not certain here (layers, a key that may be written in another way, numbers that are rounded) is left to
`envelope`, which decodes the body before and after.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from beanops.jobs.bodies.edits.changes import Change, Tree, leaves
from beanops.jobs.bodies.edits.checks import with_effects
from beanops.jobs.bodies.edits.guards import check_seals
from beanops.jobs.bodies.edits.json_splice import JsonSplicer
from beanops.jobs.bodies.edits.json_style import plain_text, style_of
from beanops.jobs.bodies.layers import DEFAULT_LIMITS
from beanops.jobs.bodies.paths import Steps
from beanops.jobs.bodies.registry import reads_json_first

_OPENING = b"{["
#: Bytes up to which a body holds no more values than are decoded.
_LONGEST = 65_536
# A simple value behind its key, and the blanks around it.
_VALUE = re.compile(rb'[ \t\n\r]*:[ \t\n\r]*("(?:[^"\\]|\\.)*+"|-?[0-9][0-9.eE+-]*+|true|false|null)', re.DOTALL)
_COLON = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"{}[]")
# An escape of a character that a key can have.
_is_spelt_out = re.compile(rb"\\u00[2-7]").search
_is_simple = re.compile(r"[A-Za-z0-9_ .@$-]+\Z").match


class _Layered(Exception):
    """A change may be inside a layer."""


class _Place(NamedTuple):
    """A change of a value that is searched for by its key.

    Attributes
    ----------
    quoted : tuple of bytes
        The keys on the path as JSON has them, the last one last.
    written : bytes or None
        The new value, if it is the same in every style.
    change : Change
        The change.
    """

    quoted: tuple[bytes, ...]
    written: bytes | None
    change: Change


class QuickSplicer:
    """Applies changes to bodies that are plain JSON.

    Parameters
    ----------
    tree : Tree
        The changes.

    Attributes
    ----------
    layered : bool
        Whether the last body had a change inside a layer: the next one is most likely of the same kind.
    """

    def __init__(self, tree: Tree) -> None:
        import orjson

        self._loads, self._invalid = orjson.loads, orjson.JSONDecodeError
        self._tree = tree
        self.layered = False
        self._places = _places(tree)

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
        if body.count(b"[") + body.count(b"{") >= DEFAULT_LIMITS.depth and _is_deep(body):
            return None
        check_seals(data, self._tree)
        if self._places and (b"\\u00" not in body or not _is_spelt_out(body)):
            new = self._searched(body, data)
            if new is not None:
                return new
            # The search may have changed the data.
            data = self._loads(body)
        return self._walked(body, data)

    def _searched(self, body: bytes, data: Any) -> bytes | None:
        """Return a body with the changes applied; None where it is not certain where the values are."""
        splices: list[tuple[int, int, bytes]] = []
        for quoted, written, change in self._places:
            at = _holder(data, change.path)
            if at is None:
                return None
            key: Any = change.path[-1]
            if key not in at:
                if change.unset:
                    continue
                # Keys of the outermost object are added at its end.
                splice = _added(body, at, quoted[-1], written) if at is data else None
            else:
                for name in quoted:
                    # In a string the quotes would be escaped, so that this is the only place of the key.
                    if body.count(name) != 1:
                        return None
                start = body.find(quoted[-1])
                value = _VALUE.match(body, start + len(quoted[-1]))
                if value is None:
                    return None
                if change.unset:
                    splice = _removed(body, start, value.end()) if len(self._places) == 1 else None
                elif type(at[key]) is type(change.value) and at[key] == change.value:
                    continue
                else:
                    splice = (*value.span(1), written or _in_style(body, change.value))
            if splice is None or (splices and splice[0] == splices[-1][0]):
                return None
            splices.append(splice)
            if change.unset:
                del at[key]
            else:
                at[key] = change.value
        if not splices:
            return body
        new = _spliced(body, splices)
        try:
            return new if self._loads(new) == data else None
        except self._invalid:
            return None

    def _walked(self, body: bytes, data: Any) -> bytes | None:
        text = body.decode()
        splicer = JsonSplicer(text, _is_layered)
        try:
            new = splicer.apply(self._tree).encode()
        except _Layered:
            self.layered = True
            return None
        if not splicer.effects:
            return body
        try:
            same = self._loads(new) == with_effects(data, splicer.effects)
        except self._invalid:
            return None
        return new if same and not splicer.replaces_text else None


def _places(tree: Tree) -> list[_Place]:
    """Return the changes if all are of values that can be searched for; else none."""
    places: list[_Place] = []
    for change in leaves(tree):
        names = [step for step in change.path if isinstance(step, str)]
        if type(change.path[-1]) is not str or not all(map(_is_simple, names)) or type(change.value) in (dict, list):
            return []
        written = plain_text(change.value)
        quoted = tuple(f'"{name}"'.encode() for name in names)
        places.append(_Place(quoted, None if written is None else written.encode(), change))
    return places


def _holder(data: Any, path: Steps) -> dict[str, Any] | None:
    """Return the object whose key is the last of a path; None where there is none."""
    for step in path[:-1]:
        if type(data) is dict:
            data = data.get(step)
        elif type(data) is list and isinstance(step, int) and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return data if type(data) is dict else None


def _added(body: bytes, data: dict[str, Any], quoted: bytes, written: bytes | None) -> tuple[int, int, bytes] | None:
    """Return the splice that adds a key to the outermost object, in the style of its last one."""
    last = next(reversed(data), None)
    if written is None or len(data) < 2 or last is None or not _is_simple(last):
        return None
    name = f'"{last}"'.encode()
    if body.count(name) != 1:
        return None
    start = body.find(name)
    before = body[:start].rstrip()
    colon = _COLON.match(body, start + len(name))
    if colon is None or not before.endswith(b","):
        return None
    comma = body[len(before[:-1].rstrip()) : start]
    end = len(body.rstrip()[:-1].rstrip())
    return end, end, comma + quoted + colon.group() + written


def _removed(body: bytes, start: int, end: int) -> tuple[int, int, bytes] | None:
    """Return the splice that removes a key that is not the first one, with the comma before it."""
    before = body[:start].rstrip()
    return (len(before[:-1].rstrip()), end, b"") if before.endswith(b",") else None


def _in_style(body: bytes, value: Any) -> bytes:
    text = body.decode()
    return style_of(text).write(value).encode()


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


def _is_deep(body: bytes) -> bool:
    """Whether JSON nests deeper than is decoded."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    for _ in range(DEFAULT_LIMITS.depth):
        # Each round takes away the innermost.
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            return False
    return True
