"""JSON: read, and whether one of its objects has two values under one key, of which only the last is in the data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from beanops.jobs.bodies.budget import Budget, Limits, TooMuch
from beanops.jobs.bodies.formats import TOO_DEEP, Ready, plain_float, plain_integer


class _Twice(Exception):
    """An object has two values under one key."""


#: Bytes at the end of a body where C writes a NUL, and others a line end behind it.
_ENDING = 3


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise _Twice
    return data


_READING: dict[str, Any] = {
    # int() refuses more than 4,300 digits.
    "parse_int": lambda digits: plain_integer(int(digits)) if len(digits) < 100 else digits,
    "parse_float": lambda digits: plain_float(float(digits)),
    "parse_constant": str,
}
_read = json.JSONDecoder(**_READING).decode
_read_strictly = json.JSONDecoder(object_pairs_hook=_object, **_READING).decode
# Where a string starts that may be a layer of its own; PHP writes a slash of base64 as \/.
_layer_in = re.compile(
    r'"(?:[{\[]|[aOC]:\d|[A-Za-z0-9+/\\]{16,}={0,2}"|\\+"|(?:e[A-Pw-z\d]|W[w-z\d]|H4sI)(?![0-9a-f-]+")[\w-]{12,}={0,2}")'
).search


def read_json(body: bytes, budget: Budget) -> Any:
    """JSON objects, arrays and strings, also with a NUL at the end, as C writes them.

    A bare number or word is text: ``007`` and ``1e5`` stay what they are.
    """
    if body[:1] not in (b"{", b"[", b'"'):
        body = body.removeprefix(b"\xef\xbb\xbf").lstrip()
        if body[:1] not in (b"{", b"[", b'"'):
            return None
    if 0 in body[-_ENDING:]:
        body = body.rstrip(b"\0\r\n\t ")
    text = _text_of(body)
    try:
        data = _read(text)
        if _may_repeat(text, data) and _repeats(text):
            budget.whole = False
    except json.JSONDecodeError:
        return None
    except RecursionError:
        raise TooMuch(TOO_DEEP) from None
    # Looking at the text is cheaper than at every value, and the usual body has nothing to look for.
    if "\\ud" in text or "\\uD" in text or len(text) > budget.values or may_hold_layers(text):
        return data
    return Ready(data) if text.count("{") + text.count("[") <= budget.depth else data


def _text_of(body: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def may_hold_layers(text: str) -> bool:
    """Whether a string in a text of JSON may be a layer of its own."""
    return _layer_in(text) is not None


def _may_repeat(text: str, data: Any) -> bool:
    """Whether a key may occur twice in an object: the text has more keys than the data, or strings that look like keys.

    Counting is several times cheaper than reading the text again, which would be certain.
    """
    keys = text.count('":')
    known, level = 0, [data]
    # The outermost objects have most of the keys, and when all are found it need not be looked deeper.
    while level and known < keys:
        known += sum([len(item) for item in level if type(item) is dict])
        if known < keys:
            level = [
                value
                for item in level
                for value in (item.values() if type(item) is dict else item if type(item) is list else ())
                if type(value) is dict or type(value) is list
            ]
    # Blanks between a key and its colon.
    return known != keys or '" ' in text or '"\t' in text or '"\n' in text or '"\r' in text


def _repeats(text: str) -> bool:
    try:
        _read_strictly(text)
    except _Twice:
        return True
    return False


_LIMITS = Limits()
#: Bytes up to which a body holds no more values than are decoded, and no more layers.
_LONGEST, _LONG = 65_536, 8 * _LIMITS.texts
#: Bytes that data takes which nests deeper than is decoded.
_DEEP = 2 * _LIMITS.depth
_OPENING = b"{["
_ESCAPED = b"\\u003"


def json_reader() -> Callable[[bytes | None], Any]:
    """Return what reads the list or object of a body of plain JSON, several times faster than it is decoded.

    It returns None where that might differ from what is decoded, and of any other body. What remains to be seen are
    layers in its strings, and floats, which may have been integers beyond 64 bits.
    """
    import orjson

    loads, dumps, invalid = orjson.loads, orjson.dumps, orjson.JSONDecodeError

    def read(body: bytes | None) -> Any:
        if not body or body[0] not in _OPENING or len(body) > _LONGEST:
            return None
        try:
            data = loads(body)
        except invalid:
            return None
        colons = body.count(b":")
        if len(body) > _DEEP and _may_be_large(body, colons) and not _is_sound(body, data):
            return None
        # Each colon may follow one of the outermost keys. Else, where a key occurs twice, one is lost, and its colon
        # with it; an escaped colon in a string might take its place.
        plain = type(data) is dict and len(data) == colons
        return data if plain or (dumps(data).count(b":") == colons and _ESCAPED not in body) else None

    return read


def _may_be_large(body: bytes, colons: int) -> bool:
    """Whether a body may nest too deep, or have too many layers.

    Each level but the innermost has a bracket or a colon, also those of a layer.
    """
    return len(body) > _LONG or body.count(b"[") + colons >= _LIMITS.depth


def _is_sound(body: bytes, data: Any) -> bool:
    """Whether all of a large body is decoded: it nests no deeper than it may, and no layer in it can."""
    containers, level = 1, [data]
    for _ in range(_LIMITS.depth):
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
