"""`Splicer`: changes in bodies, through the layers around the values; what is not changed keeps its bytes."""

from __future__ import annotations

from collections.abc import Iterable

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.edits.cbor_splice import edit_cbor
from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset, tree_of
from beanops.jobs.bodies.edits.checks import check_decoded
from beanops.jobs.bodies.edits.guards import check_seals
from beanops.jobs.bodies.edits.json_splice import Deeper, JsonSplicer
from beanops.jobs.bodies.edits.msgpack_splice import edit_msgpack
from beanops.jobs.bodies.edits.php_splice import edit_php
from beanops.jobs.bodies.edits.quick import QuickSplicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.edits.wrappings import unwrap
from beanops.jobs.bodies.layers import decode
from beanops.jobs.bodies.paths import Steps, parse_path
from beanops.protocol.limits import check_body

_BOM = b"\xef\xbb\xbf"
_TEXTS = ("text", "latin-1", "cp1252")
#: What is never edited.
_REASONS = {"pickle": "a pickle, which is a program,"}
#: Encodings of JSON in the order in which they are tried when it is read.
_ENCODINGS = ("utf-8", "cp1252", "latin-1")


class Splicer:
    """Applies the same changes to any number of bodies.

    Parameters
    ----------
    changes : iterable of Change
        Their paths are in a body as it was before any of them, and none leads through another.

    Raises
    ------
    UsageError
        There is no change, or two are about the same value.

    Examples
    --------
    >>> splicer = Splicer([Change.set("$.customer", 7), Change.remove("$.token")])
    >>> splicer.edit(b'{"customer": 42, "token": "s3cret", "sum": 1.50}\\n')
    b'{"customer": 7, "sum": 1.50}\\n'
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = tuple(changes)
        self._tree = tree_of(self.changes)
        self._quick = None if isinstance(self._tree, Change) else QuickSplicer(self._tree)

    def edit(self, body: bytes) -> bytes:
        """Return a body with the changes applied: the same bytes if it has these values already.

        Raises
        ------
        EditRefused
            The body cannot be edited so without a risk to the rest of it.
        """
        quick = self._quick
        if quick is not None and not quick.layered and type(body) is bytes:
            edited = quick.edit(body)
            if edited is not None:
                return edited
        body = check_body(body)
        found = decode(body)
        if quick is not None and not found.inner:
            quick.layered = False
        new = _Envelope(found).edit(body, self._tree)
        if new != body:
            check_decoded(found, decode(new), self._tree)
        return new


def edit(body: bytes, changes: Iterable[Change]) -> bytes:
    """Return a job's body with some changes applied and everything else, to the byte, as it was.

    Values are replaced where they are, in the style of the JSON around them, and what is inside other layers is
    packed again in the same way. A result that would not read as the same data with these changes is refused.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    changes : iterable of Change
        Their paths are in the body as it was before any of them, and none leads through another.

    Returns
    -------
    bytes
        The same bytes if the body has these values already.

    Raises
    ------
    EditRefused
        The body cannot be edited so without a risk to the rest of it; the text is the reason.
    UsageError
        There is no change, or two are about the same value.

    Examples
    --------
    >>> edit(b'{"user":{"id":42,"tags":["a","b"]}}', [Change.set("$.user.id", 7), Change.remove("$.user.tags[0]")])
    b'{"user":{"id":7,"tags":["b"]}}'
    """
    return Splicer(changes).edit(body)


class _Envelope:
    """One body, with the decoders that read each of its layers."""

    def __init__(self, found: Decoded) -> None:
        self._found = found
        # The same path more than once is a layer in a layer: the innermost was found first.
        self._inner: dict[Steps, list[tuple[str, ...]]] = {}
        for path, chain in found.inner:
            self._inner.setdefault(parse_path(path), []).append(chain)

    def edit(self, body: bytes, tree: Tree | Change) -> bytes:
        found = self._found
        if reason := refusal_of(found):
            raise EditRefused(reason)
        check_seals(found.data, tree)
        self._check_texts(tree)
        return self._layer(body, found.chain, tree, ())

    def _check_texts(self, tree: Tree | Change) -> None:
        """Refuse an object in the place of a text that has one in it."""
        if not isinstance(tree, Change):
            for below in tree.values():
                self._check_texts(below)
        elif tree.path in self._inner and type(tree.value) in (dict, list):
            chain = ", ".join(self._inner[tree.path][-1])
            raise refused_at(tree.path, f"a text ({chain}), no object; change the values inside it")

    def _layer(self, raw: bytes, chain: tuple[str, ...], tree: Tree | Change, path: Steps) -> bytes:
        name = chain[0]
        if name == "json":
            return _edit_json(raw, tree, path, self._deeper)
        if name == "php":
            # A serialized text may be a layer of its own.
            return edit_php(raw, tree, path, self._next(chain[1:]) if len(chain) > 1 else self._deeper)
        if name == "msgpack":
            return edit_msgpack(raw, tree, path, self._deeper)
        if name == "cbor":
            return edit_cbor(raw, tree, path, self._deeper)
        if name in _TEXTS:
            return _edit_text(raw, name, tree, path)
        layer = unwrap(name, raw)
        if layer is None:
            raise EditRefused(f"{_REASONS.get(name, name)} cannot be edited")
        new = self._layer(layer.content, chain[1:], tree, path)
        return raw if new == layer.content else layer.pack(new)

    def _next(self, chain: tuple[str, ...]) -> Deeper:
        return lambda raw, tree, path: self._layer(raw, chain, tree, path)

    def _deeper(self, raw: bytes, tree: Tree, path: Steps) -> bytes:
        chains = self._inner.get(path)
        if chains:
            return self._layer(raw, chains.pop(), tree, path)
        if is_unset(tree):
            return raw
        raise refused_at(path, "a text, without parts")


def refusal_of(found: Decoded) -> str | None:
    """Return why nothing in a body can be edited; None if it may be."""
    refused = found.data.get("$refused") if type(found.data) is dict and not found.whole else None
    if refused is not None and len(found.data) == 1:
        return f"not decoded: {refused}"
    if found.chain[-1] == "hex":
        return "a binary body cannot be edited"
    if not found.whole and found.chain[-1] in _TEXTS:
        return "a body that is damaged or cut off cannot be edited"
    return None


def _edit_json(raw: bytes, tree: Tree | Change, path: Steps, deeper: Deeper) -> bytes:
    """Return JSON, with what is before and after it, with changes applied."""
    body = raw.removeprefix(_BOM).lstrip()
    head = raw[: len(raw) - len(body)]
    body = body.rstrip(b"\0\r\n\t ")
    tail = raw[len(head) + len(body) :]
    encoding, text = _decoded_text(body)
    splicer = JsonSplicer(text, deeper, ascii=encoding != "utf-8")
    new = splicer.apply(tree, path)
    if new is text:
        return raw
    return head + new.encode(encoding) + tail


def _edit_text(raw: bytes, encoding: str, tree: Tree | Change, path: Steps) -> bytes:
    """Return another text in the place of one."""
    if not isinstance(tree, Change):
        if is_unset(tree):
            return raw
        raise refused_at(path, "a text, without parts")
    if type(tree.value) is not str:
        raise refused_at(path, "a text, which only another text can replace")
    try:
        return tree.value.encode("utf-8" if encoding == "text" else encoding)
    except UnicodeEncodeError:
        raise refused_at(path, f"the text has characters that are not in {encoding}") from None


def _decoded_text(body: bytes) -> tuple[str, str]:
    for encoding in _ENCODINGS:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.encode(encoding) == body:
            return encoding, text
    raise AssertionError("each byte is a character of Latin-1")
