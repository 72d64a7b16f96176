"""Replace, insert and remove values in formats without separators: PHP serialize, MessagePack and CBOR.

There a container is a head, which has the number of its elements, the elements one after the other, and an end. What
is written for a value, a key or a head is up to the format.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset
from beanops.jobs.bodies.edits.json_splice import Deeper
from beanops.jobs.bodies.edits.places import appended, only, places_of, value_to_add
from beanops.jobs.bodies.edits.refusals import refused_at
from beanops.jobs.bodies.paths import Steps


class Node(NamedTuple):
    """One value, by its place in the bytes.

    Attributes
    ----------
    start, end : int
        Where it begins and ends.
    kind : str
        ``list``, ``map``, ``text`` or ``other``.
    inside : tuple of int
        Where its elements begin and end, or the bytes of a text.
    children : tuple of Child
        Its elements.
    number : int
        How references name it.
    """

    start: int
    end: int
    kind: str = "other"
    inside: tuple[int, int] = (0, 0)
    children: tuple[Child, ...] = ()
    number: int = 0


class Child(NamedTuple):
    """An element of a container.

    Attributes
    ----------
    key : str or None
        What it is called in the decoded data; None in a list, and where it cannot be named.
    start : int
        Where it begins, with its key.
    node : Node
        The value.
    """

    key: str | None
    start: int
    node: Node


class NodeWriter(Protocol):
    """How a format is written."""

    def value(self, value: Any, path: Steps, old: bytes) -> bytes:
        """Return a value in the place of another one, if there is one; what the format cannot hold is refused."""

    def text(self, text: bytes, old: bytes) -> bytes:
        """Return a text that takes the place of another one."""

    def key(self, key: str | int, node: Node) -> bytes:
        """Return a key, or what is before an element of a list."""

    def head(self, node: Node, old: bytes, count: int) -> bytes:
        """Return the head of a container for another number of elements."""

    def check(self, node: Node, change: Change | Tree, path: Steps) -> None:
        """Refuse a change of a value that the format does not allow."""


class NodeSplicer:
    """The splices of one layer.

    Parameters
    ----------
    raw : bytes
        The layer.
    writer : NodeWriter
        How its format is written.
    deeper : callable
        Edits a text that is a layer.
    """

    def __init__(self, raw: bytes, writer: NodeWriter, deeper: Deeper) -> None:
        self._raw = raw
        self._writer = writer
        self._deeper = deeper

    def apply(self, node: Node, change: Tree | Change | None, path: Steps) -> bytes:
        """Return the bytes of a value with changes applied.

        Raises
        ------
        EditRefused
            They cannot be applied.
        """
        old = self._raw[node.start : node.end]
        if change is None:
            return old
        self._writer.check(node, change, path)
        if isinstance(change, Change):
            return self._writer.value(change.value, path, old)
        if node.kind == "text":
            text = self._raw[slice(*node.inside)]
            new = self._deeper(text, change, path)
            return old if new == text else self._writer.text(new, old)
        if node.kind == "map":
            return self._map(node, only(str, change, path, "an object, not a list"), path)
        if node.kind == "list":
            return self._list(node, only(int, change, path, "a list, not an object"), path)
        if is_unset(change):
            return old
        raise refused_at(path, "a value without parts")

    def _map(self, node: Node, tree: Tree, path: Steps) -> bytes:
        parts: list[bytes] = []
        count = 0
        seen: set[str | None] = set()
        for child in node.children:
            change = None if child.key is None else tree.get(child.key)
            if change is not None and child.key in seen:
                raise refused_at((*path, str(child.key)), "the object has two values under this key")
            seen.add(child.key)
            if isinstance(change, Change) and change.unset:
                self._writer.check(child.node, change, (*path, str(child.key)))
                continue
            count += 1
            parts += (self._key_of(child), self.apply(child.node, change, (*path, str(child.key))))
        for key, change in tree.items():
            if key not in seen and not is_unset(change):
                place = (*path, key)
                count += 1
                parts += (self._writer.key(key, node), self._writer.value(value_to_add(change, place), place, b""))
        return self._whole(node, parts, count)

    def _list(self, node: Node, tree: Tree, path: Steps) -> bytes:
        places = places_of(tree, path, len(node.children))
        parts: list[bytes] = []
        count = 0
        for number, child in enumerate(node.children):
            change = places.pop(number, None)
            if isinstance(change, Change) and change.unset:
                self._writer.check(child.node, change, (*path, number))
                continue
            key = self._key_of(child) if count == number else self._writer.key(count, node)
            count += 1
            parts += (key, self.apply(child.node, change, (*path, number)))
        for number, value in appended(places, path, len(node.children), shrinks=count < len(node.children)):
            parts += (self._writer.key(number, node), self._writer.value(value, (*path, number), b""))
            count += 1
        return self._whole(node, parts, count)

    def _key_of(self, child: Child) -> bytes:
        return self._raw[child.start : child.node.start]

    def _whole(self, node: Node, parts: list[bytes], count: int) -> bytes:
        start, end = node.inside
        head, tail = self._raw[node.start : start], self._raw[end : node.end]
        if count != len(node.children):
            head = self._writer.head(node, head, count)
        return b"".join((head, *parts, tail))
