"""CBOR, read to plain data by cbor2; no object is ever made of a tag.

Other formats are in `formats`.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from beanops.jobs.bodies.budget import Budget, TooMuch

_SELF_DESCRIBED = b"\xd9\xd9\xf7"
_MAPS, _ARRAYS = b"\xa1\xbf", b"\x81\x9f"
# Bytes that begin a list or an object, and that no text of one byte a letter has.
_NOT_CONTAINERS = bytes(code for code in range(256) if not 0x80 <= code <= 0xBF)
_PRINTABLE = bytes(range(0x20, 0x7F))


def read_cbor(body: bytes, budget: Budget) -> Any:
    """CBOR objects whose keys are names, and lists, that end where the body ends; lone values stay text."""
    start = body[3:4] if body.startswith(_SELF_DESCRIBED) else body[:1]
    is_map = _MAPS[:1] <= start <= _MAPS[1:]
    if not is_map and not _ARRAYS[:1] <= start <= _ARRAYS[1:]:
        return None
    if len(body.translate(None, _NOT_CONTAINERS)) > budget.values:
        raise TooMuch("more values than are allowed")
    data = _decoded(body, budget)
    if is_map:
        return data if isinstance(data, dict) and data and all(map(_is_name, data)) else None
    # A quotation mark and some letters can be a list of small numbers by chance.
    telling = isinstance(data, list) and any(isinstance(item, str | bytes | list | dict) for item in data)
    return data if telling or body[1:].translate(None, _PRINTABLE) else None


def _decoded(body: bytes, budget: Budget) -> Any:
    import cbor2

    for twice in (False, True):
        stream = BytesIO(body)
        # A key that occurs twice is an error at first, so that it is noticed.
        decoder = cbor2.CBORDecoder(
            stream,
            semantic_decoders=_Tags(),
            object_hook=lambda items, _: dict(items),
            max_depth=min(budget.depth + 2, 400),
            allow_duplicate_keys=twice,
        )
        try:
            data = decoder.decode()
        except cbor2.CBORDecodeError as error:
            if "depth" in str(error):
                raise TooMuch("nested too deep") from None
            if twice or "Duplicate" not in str(error):
                return None
        except (ValueError, TypeError, OverflowError):
            return None
        else:
            budget.whole = budget.whole and not twice
            return data if stream.tell() == len(body) else None
    return None


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isprintable() and key != ""


class _Tags(dict[int, Callable[[Any, bool], Any]]):
    """Return the replacement for a tagged value, also for tags that the library would turn into objects."""

    def __missing__(self, tag: int) -> Callable[[Any, bool], Any]:
        match tag:
            case 0 | 1 | 55799:  # a time, and CBOR itself
                return lambda value, _: value
            case 2 | 3:
                return lambda value, _: _big(value, negative=tag == 3)
            case 25 | 29:
                return lambda value, _: {"$ref": value}
        return lambda value, _: {"$tag": tag, "value": value}

    def get(self, tag: int, default: Any = None) -> Any:
        return self[tag]


def _big(value: Any, *, negative: bool) -> Any:
    if not isinstance(value, bytes):
        return value
    number = int.from_bytes(value)
    return -1 - number if negative else number
