"""The error in JSON of which the inner layers are not decoded: the usual body has none, and decoding is slow.

What comes of it is what comes of the decoded body, or else it is `UNSURE`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from beanops.jobs.bodies import decode, may_be_layer
from beanops.jobs.bodies.errors import DEEP, ITEMS, WIDE, ErrorText, error_of

#: Bytes of a body that is read so, and lists and objects in it: a larger one may be beyond a limit of decoding.
_SIZE, _CONTAINERS = 65_536, 64
#: How a layer that is text begins.
_TEXTS = ("{", "[", '"', "a:", "O:", "C:")
# Every key that tells of an error has one of these in it; escapes may hide one.
_TELLING = (
    "err", "exc", "fail", "fault", "trace", "death", "problem", "reason", "message", "msg", "detail", "desc", "title",
    "\\u00", "==",
)  # fmt: skip


class Outer(NamedTuple):
    """What the outer JSON of a body says.

    Attributes
    ----------
    data : Any
        The data, in which layers are still strings.
    error : ErrorText or None
        The error that it carries.
    has_layers : bool
        Whether one of the strings looked at is a layer.
    """

    data: Any
    error: ErrorText | None
    has_layers: bool


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
    has_layers = False
    level, seen = [data], 0
    for _ in range(DEEP):
        following: list[Any] = []
        for item in level:
            if type(item) is dict:
                values: Any = item.values()
                if (found := error_of(item)) is not None:
                    # A layer among the texts of the error says more than its text.
                    return None if any(map(_is_layer, values)) else Outer(data, found, True)
            else:
                values = item[:ITEMS] if type(item) is list else ()
            for value in values:
                kind = type(value)
                if kind is str:
                    if len(value) >= 8 and may_be_layer(value):
                        if not value.startswith(_TEXTS):
                            if _is_packed(value):
                                return None
                            continue
                        if _tells(value):
                            return None
                        has_layers = True
                elif kind is dict or kind is list:
                    following.append(value)
        seen += len(following)
        if not following or seen > WIDE:
            break
        level = following
    return Outer(data, None, has_layers)


def _is_layer(value: Any) -> bool:
    """Whether a value may be more than its text; one without a layer has to be looked at by itself."""
    if isinstance(value, str):
        return len(value) >= 8 and may_be_layer(value) and (value.startswith(_TEXTS) or _is_packed(value))
    return isinstance(value, dict | list) and bool(value) and any(map(_is_layer, _inner(value)))


def _inner(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value


def _tells(text: str) -> bool:
    low = text.lower()
    return any(word in low for word in _TELLING)


@lru_cache(maxsize=4096)
def _is_packed(text: str) -> bool:
    """Whether a text that could be base64 is data."""
    return isinstance(decode(text.encode()).data, dict | list)
