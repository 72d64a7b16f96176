"""Placeholders for the ids, numbers, times and paths in one word of a message."""

from __future__ import annotations

import re
from functools import lru_cache

#: Characters that stand for the digits and quotation marks of what is kept, until the message is done.
KEPT = range(0xE000, 0xE100)
_KEEP = {code: 0xE000 + code for code in (*b"0123456789", *b"@/\\.<>:-_'\"`,#")}
_UNKEEP = {kept: code for code, kept in _KEEP.items()}


def kept(text: str) -> str:
    """Return a text in the form that no rule changes."""
    return text.translate(_KEEP)


def unkept(text: str) -> str:
    """Return a message with what was kept as it was."""
    return text.translate(_UNKEEP)


_SPECIAL = re.compile(r"[0-9@/\\.]").search
_PLACES = re.compile(
    r"""
      [A-Za-z][A-Za-z0-9+.-]{1,15}:(?://|\\\\)[^\s"'<>)\]}|]+                         # a URL
    | [\w.+-]{1,80}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}                    # an address
    | eyJ[\w-]{5,2000}(?:\.[\w-]{0,2000}){1,2}                                         # a JWT
    | \{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?
    | [+-]?\d{4}[-/.]\d\d[-/.]\d\d(?:[T_ ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?\d\d)?
    | \d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}
    | \d{1,2}:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?
    | (?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}(?:%\w{1,10})?              # IPv6
    | \d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5}|/\d{1,2})?
    | \d[xX][0-9a-fA-F]+
    | (?<![\w.])(?:[A-Za-z]:)?(?:[\\/]{1,2}[\w.@%+~-]+){2,40}[\\/]?                     # a path
    | (?:\w[\w.-]{0,80}/){2,20}[\w.%-]+
    | (?<![\w.-])(?:[A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.){1,8}[A-Za-z]{2,18}:\d{1,5}(?!\w)  # a host and its port
    | (?<![\w.-])[A-Za-z][A-Za-z0-9-]{0,62}:\d{2,5}(?!\w)
    | (?<![A-Za-z0-9])(?=[a-zA-Z]*\d)[0-9a-fA-F]{7,}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])(?=[A-Za-z_-]*\d)[\w-]{16,}(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])[A-Za-z0-9]*(?:[A-Za-z]\d+){3,}[A-Za-z0-9]*(?![A-Za-z0-9])
    | (?<![A-Za-z0-9])[$€£¥]?[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?
      (?:\s?(?:%|ms|us|µs|ns|s|m|h|d|sec|secs|min|mins|hrs?|[kKMGT]i?[bB]?|bytes?|[bB]|px|[xX]|st|nd|rd|th|[$€£¥]))?(?![A-Za-z0-9])
    | (?<=[A-Za-z])\d{3,}(?![A-Za-z0-9])
    """,
    re.VERBOSE | re.ASCII,
)


@lru_cache(maxsize=32_768)
def _masked(word: str) -> str:
    return _PLACES.sub("<n>", word)


def mask_token(word: str) -> str:
    """Return a word with placeholders for what varies.

    Examples
    --------
    >>> mask_token("order-4711,"), mask_token("id=42"), mask_token("utf8")
    ('order-<n>,', 'id=<n>', 'utf8')
    """
    return _masked(word) if _SPECIAL(word) else word


_NAME_IDS = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|(?<![A-Za-z0-9])(?=[a-fA-F]*\d)[0-9a-fA-F]{7,}(?![A-Za-z0-9])|\d{5,}|(?<=[-/:])\d+(?![\w.])",
    re.ASCII,
)


@lru_cache(maxsize=4096)
def mask_name(name: str) -> str:
    """Return the name of a class with placeholders for what varies."""
    return _NAME_IDS.sub("<n>", name)
