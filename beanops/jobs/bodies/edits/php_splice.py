"""PHP serialize for edits: where its values are, and how new ones are written.

A text is counted in bytes, a container in elements, and a reference names a value by its number.
"""

from __future__ import annotations

import re
from typing import Any

from beanops.jobs.bodies.edits.changes import Change, Tree
from beanops.jobs.bodies.edits.json_splice import Deeper
from beanops.jobs.bodies.edits.nodes import Child, Node, NodeSplicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.paths import Steps

_SCALAR = re.compile(rb"i:([-+]?\d{1,20});|d:[-+.0-9eEINFA]{1,64};|b:[01];|N;|([rR]):(\d{1,10});")
_TEXT = re.compile(rb'([sSE]):(\d{1,10}):"')
_CONTAINER = re.compile(rb'(?:a|O:\d{1,4}:"[^"]{1,1001}"):(\d{1,10}):\{')
_COUNT = re.compile(rb"\d+(?=:\{\Z)")
_SLASHED = re.compile(rb"\\(.)", re.DOTALL)
_TO_SLASH = re.compile(rb"""['"\\]""")
#: A text that PHP takes for a number where it is a key.
_is_number = re.compile(r"(?:0|-?[1-9]\d{0,17})\Z").match


def edit_php(raw: bytes, tree: Tree | Change, path: Steps, deeper: Deeper) -> bytes:
    """Return serialized PHP with changes applied.

    Raises
    ------
    EditRefused
        They cannot be applied.
    """
    try:
        return _edited(raw, tree, path, deeper)
    except (ValueError, IndexError):
        plain = _unslashed(raw)
        if b'\\"' not in raw or _slashed(plain) != raw:
            raise EditRefused("PHP data that cannot be written again as it is") from None
    try:
        return _slashed(_edited(plain, tree, path, deeper))
    except (ValueError, IndexError):
        raise EditRefused("PHP data that cannot be read again") from None


def _edited(raw: bytes, tree: Tree | Change, path: Steps, deeper: Deeper) -> bytes:
    parser = _Parser(raw)
    node = parser.whole()
    return NodeSplicer(raw, _PhpWriter(parser.referred), deeper).apply(node, tree, path)


def _unslashed(raw: bytes) -> bytes:
    return _SLASHED.sub(lambda match: b"\0" if match[1] == b"0" else match[1], raw)


def _slashed(plain: bytes) -> bytes:
    """Return what PHP's ``addslashes`` makes of data, which is how Symfony Messenger sends it."""
    return _TO_SLASH.sub(rb"\\\g<0>", plain).replace(b"\0", b"\\0")


class _Parser:
    """Finds where the values are; `beanops.jobs.bodies.php` has read them before."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._number = 0
        #: Numbers of values that references name.
        self.referred: set[int] = set()

    def whole(self) -> Node:
        node = self._value(0)
        if node.end != len(self._raw):
            raise ValueError("something follows the value")
        return node

    def _value(self, at: int) -> Node:
        raw = self._raw
        self._number += 1
        number = self._number
        if match := _TEXT.match(raw, at):
            start, end = self._text(match)
            kind = "text" if match[1] == b"s" else "other"
            return Node(at, end + 2, kind, (start, end), number=number)
        if match := _SCALAR.match(raw, at):
            if match[2]:
                self.referred.add(int(match[3]))
                # R is another name of a value, r a value that is the same object.
                self._number -= match[2] == b"R"
            return Node(at, match.end(), number=number)
        match = _CONTAINER.match(raw, at)
        if match is None:
            raise ValueError("no value")
        is_object = raw[at] == ord("O")
        start = end = match.end()
        names = {"$class"} if is_object else set()
        children: list[Child] = []
        keys: list[int | bytes] = []
        for _ in range(int(match[1])):
            key, value_at = self._key(end)
            keys.append(key)
            node = self._value(value_at)
            children.append(Child(_name(key, names, is_object=is_object), end, node))
            end = node.end
        if raw[end : end + 1] != b"}":
            raise ValueError("no end")
        is_list = not is_object and keys == list(range(len(keys)))
        return Node(at, end + 1, "list" if is_list else "map", (start, end), tuple(children), number)

    def _text(self, match: re.Match[bytes]) -> tuple[int, int]:
        start = match.end()
        end = self._raw.index(b'"', start) if match[1] == b"S" else start + int(match[2])
        if self._raw[end : end + 2] != b'";':
            raise ValueError("no end of a text")
        return start, end

    def _key(self, at: int) -> tuple[int | bytes, int]:
        if match := _TEXT.match(self._raw, at):
            start, end = self._text(match)
            return self._raw[start:end], end + 2
        match = _SCALAR.match(self._raw, at)
        if match is None or match[1] is None:
            raise ValueError("a key that is neither a number nor a text")
        return int(match[1]), match.end()


def _name(key: int | bytes, names: set[str], *, is_object: bool) -> str:
    """Return what a key is called in the decoded data, and add it to the names."""
    full = str(key) if isinstance(key, int) else key.decode("utf-8", "backslashreplace")
    short = full.rpartition("\0")[2] if is_object else full
    name = short if short not in names else full.strip("\0").replace("\0", "::")
    names.add(name)
    return name


class _PhpWriter:
    def __init__(self, referred: set[int]) -> None:
        self._referred = referred

    def check(self, node: Node, change: Change | Tree, path: Steps) -> None:
        if not isinstance(change, Change):
            if node.kind == "map" and "$class" in change:
                raise refused_at((*path, "$class"), "the class of a PHP object stays")
            return
        containers = node.kind in ("list", "map") or type(change.value) in (dict, list)
        if self._referred and (change.unset or containers or node.number in self._referred):
            raise refused_at(path, "in PHP data with references, whose numbers would change")

    def value(self, value: Any, path: Steps, old: bytes) -> bytes:
        match value:
            case None:
                return b"N;"
            case bool():
                return b"b:%d;" % value
            case int():
                if not -(2**63) <= value < 2**63:
                    raise refused_at(path, "a number beyond 64 bits, which PHP does not have")
                return b"i:%d;" % value
            case float():
                return f"d:{_float(value)};".encode()
            case str():
                return self.text(value.encode(), b"")
            case list():
                pairs = [(number, item) for number, item in enumerate(value)]
            case _:
                pairs = list(value.items())
                if [str(key) for key, _ in pairs] == [str(number) for number in range(len(pairs))]:
                    raise refused_at(path, "an object that PHP would take for a list")
        parts = [self.key(key, None) + self.value(item, path, b"") for key, item in pairs]
        return b"a:%d:{%b}" % (len(parts), b"".join(parts))

    def text(self, text: bytes, old: bytes) -> bytes:
        return b's:%d:"%b";' % (len(text), text)

    def key(self, key: str | int, node: Node | None) -> bytes:
        if isinstance(key, int) or _is_number(key):
            return b"i:%d;" % int(key)
        return self.text(key.encode(), b"")

    def head(self, node: Node, old: bytes, count: int) -> bytes:
        if self._referred:
            raise EditRefused("PHP data with references, whose numbers would change")
        return _COUNT.sub(b"%d" % count, old)


def _float(value: float) -> str:
    """Return a float as PHP writes it: 0.5, 2.0 as 2, 1.0E+25."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value)) if value or str(value) == "0.0" else "-0"
    mantissa, e, exponent = repr(value).partition("e")
    if not e:
        return mantissa
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}E{exponent}"
