"""`Splicer`: changes in bodies, through the layers around the values; what is not changed keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from beanops.jobs.bodies.decoded import Decoded
from beanops.jobs.bodies.edits.changes import Change, Tree, is_unset, tree_of
from beanops.jobs.bodies.edits.checks import check_decoded, check_raw
from beanops.jobs.bodies.edits.json_splice import JsonSplicer
from beanops.jobs.bodies.edits.refusals import EditRefused, refused_at
from beanops.jobs.bodies.layers import decode
from beanops.jobs.bodies.paths import Steps, parse_path
from beanops.protocol.limits import check_body

_BOM = b"\xef\xbb\xbf"
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

    def edit(self, body: bytes) -> bytes:
        """Return a body with the changes applied: the same bytes if it has these values already.

        Raises
        ------
        EditRefused
            The body cannot be edited so without a risk to the rest of it.
        """
        body = check_body(body)
        found = decode(body)
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
        if not found.chain or (type(found.data) is dict and found.data.keys() == {"$refused"}):
            raise EditRefused(f"not decoded: {_reason(found)}")
        if not found.whole and found.chain != ("json",):
            raise EditRefused(f"not decoded whole ({', '.join(found.chain)})")
        return self._layer(body, found.chain, tree, ())

    def _layer(self, raw: bytes, chain: tuple[str, ...], tree: Tree | Change, path: Steps) -> bytes:
        if chain[0] == "json":
            return _edit_json(raw, tree, path, self._deeper)
        raise EditRefused(f"{chain[0]} cannot be edited")

    def _deeper(self, raw: bytes, tree: Tree, path: Steps) -> bytes:
        chains = self._inner.get(path)
        if chains:
            return self._layer(raw, chains.pop(), tree, path)
        if is_unset(tree):
            return raw
        raise refused_at(path, "a text, without parts")


def _reason(found: Decoded) -> str:
    return str(found.data["$refused"]) if type(found.data) is dict and "$refused" in found.data else "too large"


def _edit_json(raw: bytes, tree: Tree | Change, path: Steps, deeper: Callable[[bytes, Tree, Steps], bytes]) -> bytes:
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
    check_raw(text, new, splicer.effects, len(path))
    return head + new.encode(encoding) + tail


def _decoded_text(body: bytes) -> tuple[str, str]:
    for encoding in _ENCODINGS:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.encode(encoding) == body:
            return encoding, text
    raise AssertionError("each byte is a character of Latin-1")
