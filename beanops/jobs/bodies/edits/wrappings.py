"""Layers of bytes around bytes: base64, gzip, zlib and UTF-16, packed again in the way they were packed.

A wrapping takes the bytes as they are and returns what they hold, and a function that packs other content in the same
way. It refuses what it cannot pack again to what it was.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

from beanops.jobs.bodies.edits.refusals import EditRefused

Pack = Callable[[bytes], bytes]

_STANDARD_TO_URL = bytes.maketrans(b"+/", b"-_")
_URL_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_LINE_END = re.compile(rb"\r?\n")
#: Characters of a line as MIME, Python and coreutils write it.
_LINE = 76


class Unwrapped(NamedTuple):
    """What a layer holds.

    Attributes
    ----------
    content : bytes
        The bytes inside.
    pack : callable
        Packs other content in the same way.
    """

    content: bytes
    pack: Pack


def unwrap(name: str, raw: bytes) -> Unwrapped | None:
    """Return what a layer holds; None if the decoder of that name is not one of bytes around bytes.

    Raises
    ------
    EditRefused
        The content cannot be packed again to the same bytes, or for compressed data to the same content.
    """
    reader = _READERS.get(name)
    return None if reader is None else reader(raw)


def _read_base64(raw: bytes) -> Unwrapped:
    return _base64(raw, b"")


def _read_base64url(raw: bytes) -> Unwrapped:
    return _base64(raw, _STANDARD_TO_URL)


def _base64(raw: bytes, alphabet: bytes) -> Unwrapped:
    lines = raw.rstrip(b"\r\n")
    last = raw[len(lines) :]
    first = _LINE_END.search(lines)
    end = first.group() if first else last
    # A single line with its end does not show how long it may be.
    width = first.start() if first else _LINE if last and len(lines) <= _LINE else 0
    letters = raw.translate(None, b"\r\n")
    # Where the length needs no padding, there is none to see: RFC 4648 has it.
    padded = len(letters) % 4 == 0
    standard = letters.rstrip(b"=").translate(_URL_TO_STANDARD)
    content = binascii.a2b_base64(standard + b"=" * (-len(standard) % 4))

    def pack(content: bytes) -> bytes:
        packed = binascii.b2a_base64(content, newline=False)
        if not padded:
            packed = packed.rstrip(b"=")
        if alphabet:
            packed = packed.translate(alphabet)
        if width:
            packed = end.join(packed[at : at + width] for at in range(0, len(packed), width))
        return packed + last

    if pack(content) != raw:
        raise EditRefused("base64 that is not written in the usual way")
    return Unwrapped(content, pack)


_EXTRA, _NAME, _COMMENT, _CHECK = 4, 8, 16, 2
#: How hard the writer tried, by the byte that says so.
_LEVELS = {2: 9, 4: 1}


def _read_gzip(raw: bytes) -> Unwrapped:
    try:
        head = raw[: _gzip_header(raw)]
    except (ValueError, IndexError, struct.error):
        raise EditRefused("gzip with a header that cannot be read") from None
    member = zlib.decompressobj(wbits=31)
    content = member.decompress(raw)
    if member.unused_data:
        raise EditRefused("gzip of several members")
    level = _LEVELS.get(raw[8], 6)

    def pack(content: bytes) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        deflated = packer.compress(content) + packer.flush()
        return head + deflated + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)

    if zlib.decompress(pack(content), wbits=31) != content:
        raise EditRefused("gzip that cannot be packed again")
    return Unwrapped(content, pack)


def _gzip_header(raw: bytes) -> int:
    """Return the bytes of the header."""
    flags, at = raw[3], 10
    if flags & _EXTRA:
        at += 2 + struct.unpack_from("<H", raw, at)[0]
    for flag in (_NAME, _COMMENT):
        if flags & flag:
            at = raw.index(0, at) + 1
    return at + 2 if flags & _CHECK else at


#: The level by the two bits of the header.
_ZLIB_LEVELS = (1, 5, 6, 9)


def _read_zlib(raw: bytes) -> Unwrapped:
    content = zlib.decompress(raw)
    # A window of 256 bytes is one that zlib reads and does not write.
    window, level = max(9, (raw[0] >> 4) + 8), _ZLIB_LEVELS[raw[1] >> 6]

    def pack(content: bytes) -> bytes:
        packer = zlib.compressobj(level, zlib.DEFLATED, window)
        return packer.compress(content) + packer.flush()

    if zlib.decompress(pack(content)) != content:
        raise EditRefused("zlib that cannot be packed again")
    return Unwrapped(content, pack)


def _read_utf16(raw: bytes) -> Unwrapped:
    return _unicode(raw, "utf-16-le" if raw[:2] == b"\xff\xfe" else "utf-16-be", raw[:2])


def _read_utf32(raw: bytes) -> Unwrapped:
    return _unicode(raw, "utf-32-le" if raw[:4] == b"\xff\xfe\0\0" else "utf-32-be", raw[:4])


def _unicode(raw: bytes, encoding: str, mark: bytes) -> Unwrapped:
    content = raw[len(mark) :].decode(encoding).encode()

    def pack(content: bytes) -> bytes:
        return mark + content.decode().encode(encoding)

    if pack(content) != raw:
        raise EditRefused(f"{encoding} that is not written in the usual way")
    return Unwrapped(content, pack)


_READERS: dict[str, Callable[[bytes], Unwrapped]] = {
    "base64": _read_base64,
    "base64url": _read_base64url,
    "gzip": _read_gzip,
    "zlib": _read_zlib,
    "utf-16": _read_utf16,
    "utf-32": _read_utf32,
}
