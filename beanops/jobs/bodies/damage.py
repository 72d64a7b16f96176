"""Recognise bodies that are cut-off or damaged data rather than text."""

from __future__ import annotations

import binascii
import json
import re

# The beginnings of JSON containers with something inside, of PHP serialize, and of gzip and zlib.
_data_at = re.compile(
    rb"""\s*(?:\{\s*"|\[\s*[\[{"])|[aOC]:\d{1,10}:["{]|s:\d{1,10}:\\?"|\x1f\x8b\x08|\x78[\x01\x9c\xda]""",
).match
_base64_at = re.compile(rb"[A-Za-z0-9+/_-]{16,}").match
#: Bytes of base64 that show what is inside.
_SHOWN = 64
_BOM = b"\xef\xbb\xbf"


def is_damaged(body: bytes) -> bool:
    """Whether a body that no format fits begins like JSON, PHP or compressed data, or like base64 of these."""
    body = body.removeprefix(_BOM)
    if _data_at(body) or _begins_binary(body) or _is_cut_json(body.decode("utf-8", "replace").strip()):
        return True
    match = _base64_at(body[:_SHOWN])
    if match is None:
        return False
    whole = match.group().translate(bytes.maketrans(b"-_", b"+/"))
    return _data_at(binascii.a2b_base64(whole[: len(whole) // 4 * 4])) is not None


def _begins_binary(body: bytes) -> bool:
    """Whether valid text begins like an object of MessagePack or CBOR: with a key."""
    if len(body) < 3 or body[:1].isascii():
        return False
    name = body[2 : 2 + (body[1] & 0x1F)]
    cbor = 0xA1 <= body[0] <= 0xB7 and 0x61 <= body[1] <= 0x77
    msgpack = 0x81 <= body[0] <= 0x8F and 0xA2 <= body[1] <= 0xBF
    return (cbor or msgpack) and name.isascii() and name.decode().isidentifier() and len(name) == body[1] & 0x1F


def _is_cut_json(text: str) -> bool:
    """Whether a text begins like an object, or is JSON that is cut off."""
    if text[:1] == "{":
        return True
    if text[:1] not in ("[", '"'):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) or error.msg.startswith("Unterminated")
    except (RecursionError, ValueError):
        return True
    return False
