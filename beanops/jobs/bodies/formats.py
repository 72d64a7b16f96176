"""The built-in decoders: how each format is recognised and read.

A decoder takes bytes and returns data, bytes for the next decoder, or None when the body is not in its
format. What comes of the data, and of a body in layers, is decided in `layers`.
"""

from __future__ import annotations

import binascii
import math
import re
import zlib
from typing import Any, NamedTuple

from beanops.jobs.bodies.budget import Budget, TooMuch
from beanops.jobs.bodies.cbor import read_cbor
from beanops.jobs.bodies.pickles import Pairs

#: Why a body or a layer is not decoded.
TOO_DEEP = "nested too deep"


class Ready(NamedTuple):
    """Data that JSON can represent, without a layer in any of its strings."""

    data: Any


def plain_integer(number: int) -> int | str:
    """Return `number`, or its digits: JSON readers turn what is beyond 64 bits into a rounded float."""
    if -(2**63) <= number < 2**64:
        return number
    return str(number) if number.bit_length() < 10_000 else f"a number of {number.bit_length():,} bits"


def plain_float(number: float) -> float | str:
    """Return `number`, or its name if JSON cannot represent it."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


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
        raise TooMuch(f"more than {_MAX_MEMBERS} members")
    return b"".join(parts)


def read_zlib(body: bytes, budget: Budget) -> bytes | None:
    """Zlib with its header and checksum."""
    if len(body) < 8 or body[0] & 0x0F != 8 or (body[0] << 8 | body[1]) % 31:
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
    """Base64 in the standard alphabet, also in lines; the content shows whether it is really base64."""
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
    """Base64 in the alphabet of URLs, with or without its padding; the content shows whether it is really base64."""
    if not _BASE64URL.fullmatch(body):
        body = body.translate(None, b"\r\n")
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
            raise TooMuch("more values than are allowed")
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
        raise TooMuch(TOO_DEEP) from None
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
    """Return the replacement for a binary value in data: its first bytes in hex and its size."""
    return {"$bytes": value[:SHOWN_BYTES].hex(), "$size": len(value)}


def read_hex(body: bytes, _: Budget) -> dict[str, Any]:
    """Any bytes, as hex."""
    return mark_bytes(body)
