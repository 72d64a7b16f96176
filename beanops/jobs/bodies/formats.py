"""The built-in decoders: how each format is told from the others, and read.

A decoder takes bytes and returns data, bytes for the next decoder, or None when the body is not in its
format. What comes of the data, and of a body in layers, is decided in `decoding`.
"""

from __future__ import annotations

import binascii
import json
import math
import re
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from beanops.jobs.bodies.budget import Budget, Refused
from beanops.jobs.bodies.cbor import read_cbor
from beanops.jobs.bodies.pickles import Pairs

_TOO_DEEP = "nested too deep"


class Ready(NamedTuple):
    """Data known to be as JSON can hold it, without a layer in any of its strings."""

    data: Any


def plain_integer(number: int) -> int | str:
    """Return `number`, or its digits: JSON readers turn what is beyond 64 bits into a rounded float."""
    if -(2**63) <= number < 2**64:
        return number
    return str(number) if number.bit_length() < 10_000 else f"a number of {number.bit_length():,} bits"


def plain_float(number: float) -> float | str:
    """Return `number`, or the name of what JSON has no number for."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


class _Twice(Exception):
    """An object has two values under one key."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise _Twice
    return data


def _json_with(hook: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> Callable[[str], Any]:
    return json.JSONDecoder(
        object_pairs_hook=hook,
        # int() refuses more than 4,300 digits.
        parse_int=lambda digits: plain_integer(int(digits)) if len(digits) < 100 else digits,
        parse_float=lambda digits: plain_float(float(digits)),
        parse_constant=str,
    ).decode


_read_json, _read_last = _json_with(_object), _json_with(dict)
# Where a string starts that may be a layer of its own; PHP writes a slash of base64 as \/.
_layer_in = re.compile(
    r'"(?:[{\[]|\\+"|[aOC]:\d|(?![0-9a-f]+")[A-Za-z0-9+/\\]{16,}={0,2}"|(?=e[A-Pw-z\d]|W[w-z\d]|H4sI)[\w-]{16,}={0,2}")'
).search


def read_json(body: bytes, budget: Budget) -> Any:
    """JSON objects, arrays and strings, also with a NUL at the end, as C writes them.

    A bare number or word is text: ``007`` and ``1e5`` stay what they are.
    """
    if body[:1] not in (b"{", b"[", b'"'):
        body = body.removeprefix(b"\xef\xbb\xbf").lstrip()
        if body[:1] not in (b"{", b"[", b'"'):
            return None
    if body[-1] == 0:
        body = body.rstrip(b"\0")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    try:
        try:
            data = _read_json(text)
        except _Twice:
            data = _read_last(text)
            budget.whole = False
    except json.JSONDecodeError:
        return None
    except RecursionError:
        raise Refused(_TOO_DEEP) from None
    # Looking at the text is cheaper than at every value, and the usual body has nothing to look for.
    if "\\ud" in text or "\\uD" in text or len(text) > budget.values or _layer_in(text):
        return data
    return Ready(data) if text.count("{") + text.count("[") <= budget.depth else data


_MAX_MEMBERS = 64


def read_gzip(body: bytes, budget: Budget) -> bytes | None:
    """Gzip, also of several members; damaged or cut data is not taken."""
    if body[:3] != b"\x1f\x8b\x08":
        return None
    parts: list[bytes] = []
    size = 0
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(body, budget.size - size + 1))
        except zlib.error:
            return None
        size += len(parts[-1])
        if size > budget.size:
            break
        if not member.eof:
            return None
        body = member.unused_data
        if not body:
            break
    else:
        raise Refused(f"more than {_MAX_MEMBERS} members")
    return b"".join(parts)


def read_zlib(body: bytes, budget: Budget) -> bytes | None:
    """Zlib with its header and checksum."""
    if len(body) < 8 or body[0] != 0x78 or (body[0] << 8 | body[1]) % 31:
        return None
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(body, budget.size + 1)
    except zlib.error:
        return None
    if len(unpacked) <= budget.size and (not stream.eof or stream.unused_data):
        return None
    return unpacked


_BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,}+={0,2}")
MIN_BASE64 = 8


def read_base64(body: bytes, _: Budget) -> bytes | None:
    """Base64 in the standard alphabet, also in lines; whether it is meant so, shows what is inside."""
    if len(body) < MIN_BASE64:
        return None
    if not _BASE64.fullmatch(body):
        body = body.translate(None, b"\r\n")
        if not _BASE64.fullmatch(body):
            return None
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        return None


_BASE64URL = re.compile(rb"[A-Za-z0-9_-]{8,}={0,2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def read_base64url(body: bytes, _: Budget) -> bytes | None:
    """Base64 in the alphabet of URLs, with or without its padding; what is inside shows whether it is meant so."""
    if not _BASE64URL.fullmatch(body):
        return None
    body = body.rstrip(b"=").translate(_STANDARD)
    return None if len(body) % 4 == 1 else binascii.a2b_base64(body + b"=" * (-len(body) % 4))


def read_msgpack(body: bytes, budget: Budget) -> Any:
    """MessagePack maps and arrays that end where the body ends; lone scalars look like text and stay text."""
    if not body or not (0x81 <= body[0] <= 0x8F or 0x91 <= body[0] <= 0x9F or 0xDC <= body[0] <= 0xDF):
        return None
    import msgpack  # type: ignore[import-untyped]

    containers = 0

    def count(container: list[Any]) -> list[Any]:
        nonlocal containers
        containers += 1
        if containers > budget.values:
            raise Refused("more values than are allowed")
        return container

    # Lists are allocated by the length that the body claims.
    longest = min(len(body), budget.values)
    try:
        data = msgpack.unpackb(
            body,
            raw=True,
            strict_map_key=False,
            timestamp=3,
            list_hook=count,
            object_pairs_hook=lambda pairs: Pairs(count(pairs)),
            ext_hook=lambda code, data: {"$ext": code, "data": data},
            max_array_len=longest,
            max_map_len=longest,
        )
    except msgpack.StackError:
        raise Refused(_TOO_DEEP) from None
    except (ValueError, OverflowError, TypeError, msgpack.UnpackException):
        return None
    if type(data) is Pairs and not any(isinstance(key, bytes) for key, _ in data):
        # A list of words in CBOR is an object of numbers here.
        return None if read_cbor(body, budget) is not None else data
    return data


#: Control characters that are in no text.
CONTROLS = bytes(code for code in range(32) if code not in b"\a\b\t\n\v\f\r\x1b") + b"\x7f"
_NO_CONTROLS = bytes(code for code in range(256) if code not in CONTROLS)


def text_of(body: bytes) -> str | None:
    """Return the UTF-8 in which at most a tenth is control characters other than blanks and terminal codes."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if not text.isprintable() and 10 * len(body.translate(None, _NO_CONTROLS)) > len(body):
        return None
    return text


def read_text(body: bytes, _: Budget) -> Ready | None:
    """UTF-8."""
    text = text_of(body)
    return None if text is None else Ready(text)


#: Bytes of a binary value that are shown; the job's body has them all.
SHOWN_BYTES = 1024


def mark_bytes(value: bytes) -> dict[str, Any]:
    """Return what stands for a binary value in data: its first bytes in hex and its size."""
    return {"$bytes": value[:SHOWN_BYTES].hex(), "$size": len(value)}


def read_hex(body: bytes, _: Budget) -> dict[str, Any]:
    """Anything, as hex."""
    return mark_bytes(body)
