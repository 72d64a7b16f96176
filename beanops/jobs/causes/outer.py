"""The error in JSON of which the inner layers are not decoded: the usual body has none, and decoding is slow.

What comes of it is what comes of the decoded body, or else it is `UNSURE`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from beanops.jobs.bodies import decode, may_be_layer
from beanops.jobs.bodies.errors import DEEP, ITEMS, WIDE, ErrorText, error_of
from beanops.jobs.bodies.errors.keys import roles_of
from beanops.jobs.bodies.layers import SHORTEST_LAYER, layer_at
from beanops.jobs.bodies.memo import Memo

#: Bytes of a body that is read so, and lists and objects in it: a larger one may be beyond a limit of decoding.
_SIZE, _CONTAINERS = 65_536, 64
#: A float from here on may be an integer that was rounded.
_ROUNDED = 2.0**63
#: How a layer that is text begins.
_TEXTS = ("{", "[", '"', "a:", "O:", "C:")
#: Their first characters, and the least characters of a word that is base64.
_FIRSTS, _WORD = '{["aOC', 16
#: Characters of a text of which it is remembered whether it is packed data.
_LONGEST = 512


#: Keys of values in which the job's class may be.
_NAMED_IN = ("data", "headers", "body", "message", "args", "payload", "job", "handler")


class Outer(NamedTuple):
    """What the outer JSON of a body says.

    Attributes
    ----------
    data : Any
        The data, in which layers are still strings.
    error : ErrorText or None
        The error that it carries.
    named : bool
        Whether no layer has to be decoded for the class of the job, and for the shape.
    alike : bool
        Whether a body that differs in digits alone says the same: nothing was looked at of which the digits matter.
    """

    data: Any
    error: ErrorText | None
    named: bool
    alike: bool


def read_outer(body: bytes) -> Outer | None:
    """Return what the outer JSON says; None where the body has to be decoded."""
    if body[:1] not in (b"{", b"[") or len(body) > _SIZE or body.count(b"{") + body.count(b"[") > _CONTAINERS:
        return None
    loads, invalid = _json()
    try:
        data = loads(body)
    except invalid:
        return None
    return _search(data)


@lru_cache(maxsize=1)
def _json() -> tuple[Any, Any]:
    # Not every command reads bodies.
    import orjson

    return orjson.loads, orjson.JSONDecodeError


def _search(data: Any) -> Outer | None:
    """Search for an error as `find_error` does."""
    # None is better than the first name of all, so that a layer may have any other.
    named = type(data) is dict and isinstance(data.get("displayName"), str)
    has_layers, alike = False, True
    level, seen = [data], 0
    for _ in range(DEEP):
        following: list[Any] = []
        for item in level:
            values: Any
            if type(item) is dict:
                values = item.values()
                roles = roles_of(tuple(item))
                if roles.tells:
                    # A layer in a text of the error may say more than the text.
                    packed = [item[key] for key in roles.read if _looks_packed(item[key])]
                    if any(map(_has_layer, packed)):
                        return None
                    alike = alike and not packed and not (roles.title and roles.status)
                    if (found := error_of(item, roles)) is not None:
                        return _beside(data, found, named, alike)
            else:
                values = item[:ITEMS]
            for value in values:
                kind = type(value)
                if kind is str:
                    if len(value) < SHORTEST_LAYER:
                        continue
                    # Cheaper than to look at each for a layer: one is packed in a long word, or begins like a text.
                    if value[0] not in _FIRSTS and (len(value) < _WORD or " " in value[:_WORD]):
                        continue
                    if layer_at(value) is not None:
                        if _is_sentence(value):
                            continue
                        if value.startswith(_TEXTS):
                            if _may_tell(value.lower()):
                                return None
                            has_layers = True
                        elif _is_packed(value):
                            return None
                        else:
                            alike = False
                elif kind is dict or kind is list:
                    following.append(value)
                elif kind is float and not -_ROUNDED < value < _ROUNDED:
                    return None
        seen += len(following)
        if not following or seen > WIDE:
            break
        level = following
    return Outer(data, None, named or not has_layers, alike)


def _beside(data: Any, found: ErrorText, named: bool, alike: bool) -> Outer:
    """Return what a body with an error says: whether a layer has to be decoded for the class of its job."""
    if not named and type(data) is dict:
        packed = [data[key] for key in _NAMED_IN if key in data and _looks_packed(data[key])]
        alike = alike and not packed
        named = not any(map(_has_layer, packed))
    return Outer(data, found, named or type(data) is not dict, alike)


def _looks_packed(value: Any) -> bool:
    """Whether a text in a value looks like a layer, or a number was rounded."""
    kind = type(value)
    if kind is str:
        return len(value) >= SHORTEST_LAYER and layer_at(value) is not None and not _is_sentence(value)
    if kind is dict:
        return any(map(_looks_packed, value.values()))
    if kind is float:
        return not -_ROUNDED < value < _ROUNDED
    return kind is list and any(map(_looks_packed, value))


def _is_sentence(text: str) -> bool:
    """Whether a text that begins like JSON or PHP does not end so: "[queue] is full"."""
    return text[:1] in "[{" and text.rstrip("\0\r\n\t ")[-1:] not in ("]", "}")


def _has_layer(value: Any) -> bool:
    """Whether a value that looks so says more than its text, or is another number."""
    if isinstance(value, float):
        return not -_ROUNDED < value < _ROUNDED
    if isinstance(value, str):
        return may_be_layer(value) and (value.startswith(_TEXTS) or _is_packed(value))
    if isinstance(value, dict):
        return any(map(_has_layer, value.values()))
    return isinstance(value, list) and any(map(_has_layer, value))


def _may_tell(low: str) -> bool:
    """Whether a layer, in lower case, may tell of an error: its keys or values have one of these in them.

    An escape may hide a letter.
    """
    return (
        "err" in low
        or "exc" in low
        or "fail" in low
        or "fault" in low
        or "trace" in low
        or "stack" in low
        or "death" in low
        or "title" in low
        or "message" in low
        or "reason" in low
        or "msg" in low
        or "detail" in low
        or "description" in low
        or "\\u00" in low
        or "==" in low
    )


_PACKED: Memo[str, bool] = Memo(4096)


def _is_packed(text: str) -> bool:
    """Whether a text that could be base64 is data."""
    known = _PACKED.get(text)
    if known is None:
        known = isinstance(decode(text.encode()).data, dict | list)
        if len(text) <= _LONGEST:
            _PACKED.keep(text, known)
    return known
