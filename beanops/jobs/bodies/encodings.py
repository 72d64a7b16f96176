"""Distinguish text in encodings other than UTF-8 from binary data."""

from __future__ import annotations

from beanops.jobs.bodies.budget import Budget
from beanops.jobs.bodies.formats import CONTROLS, Ready

_C1 = bytes(range(0x80, 0xA0))
_ASCII = bytes(range(0x80))
#: Characters from which on a text is believed whatever its script is.
_MIN_FOREIGN = 10
_BLANKS = str.maketrans("", "", "\t\r\n\0")


def read_utf16(body: bytes, _: Budget) -> bytes | None:
    """UTF-16 with a byte order mark."""
    return _as_utf8(body, "utf-16") if body[:2] in (b"\xff\xfe", b"\xfe\xff") else None


def read_utf32(body: bytes, _: Budget) -> bytes | None:
    """UTF-32 with a byte order mark."""
    return _as_utf8(body, "utf-32") if body[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") else None


def _as_utf8(body: bytes, encoding: str) -> bytes | None:
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        return None
    plain = text.translate(_BLANKS)
    if not plain or not plain.isprintable():
        return None
    # Two bytes at random are often a letter of some script.
    latin = sum(letter < "\u0250" for letter in plain)
    return text.encode() if len(plain) >= _MIN_FOREIGN or 2 * latin >= len(plain) else None


def read_latin1(body: bytes, _: Budget) -> Ready | None:
    """Latin-1 without control characters, mostly ASCII: otherwise any bytes would be Latin-1."""
    if len(body.translate(None, CONTROLS + _C1)) < len(body) or _is_mostly_foreign(body):
        return None
    return Ready(body.decode("latin-1"))


def read_cp1252(body: bytes, _: Budget) -> Ready | None:
    """Windows' Western encoding, as Latin-1 with quotation marks, dashes and the euro; mostly ASCII."""
    if len(body.translate(None, CONTROLS)) < len(body) or _is_mostly_foreign(body):
        return None
    try:
        return Ready(body.decode("cp1252"))
    except UnicodeDecodeError:
        return None


def _is_mostly_foreign(body: bytes) -> bool:
    return 2 * len(body.translate(None, _ASCII)) > len(body)
