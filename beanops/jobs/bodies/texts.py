"""Hide secret values in a text: the value if its key and its end are certain, otherwise the whole text.

It sees names, not secrets: a password in a sentence stays. What is data is read in `redaction`.
"""

from __future__ import annotations

import re
import zlib
from binascii import a2b_base64
from collections.abc import Iterator

from beanops.jobs.bodies.names import Names, plain
from beanops.text import plural

HIDDEN = "[redacted]"
#: Maximum characters of a text that is read; a longer one is hidden. No face shows more of a text.
LONGEST = 65_536
#: Maximum encodings inside one another, such as percent signs in escapes in entities.
_ROUNDS = 6

# The characters between a name and its value in JSON, URLs, headers, assignments, PHP arrays and PHP serialize.
_BETWEEN = r"""\\*["']?\s{0,20}(?:=>|[:=]|;s:\d{1,9}:)\s{0,20}"""
_KEY = re.compile(rf"(?<![\w.-])(?P<key>[\w.-]++){_BETWEEN}")
_IS_HIDDEN = re.compile(_BETWEEN + re.escape(HIDDEN)).match
_QUOTED = re.compile(r"""\\+"[^"]*+"|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'""", re.DOTALL).match
# What may follow a value in quotes; otherwise the end of the value is unknown.
_AFTER_QUOTED = re.compile(r"""[ \t]*(?:[,;}\])&>\r\n]|/>|\Z|[ \t][\w.-]+\\*["']?\s?[:=])""").match
# The rest of the line, or up to the next part of a form.
_BARE = re.compile(r"(?![\[{(<|>])(?:[^\n&]|&(?![\w%.\[\]+-]+=))*+").match
# The line after a value without quotes: another name and its value. Anything else may belong to the value.
_NEXT_LINE = re.compile(
    r"""\n(?:[ \t]*\r?(?:\n|\Z))*(?P<indent>[ \t]*)(?:\Z|[\w"'][\w."'-]{0,64}[ \t]*[:=](?![:=])[ \t]*\S)"""
).match

# A value of YAML that is elsewhere in the text, under another name.
_ALIAS = re.compile(r"\*[\w-]+[ \t]*(?:\r?\n|[,}\]]|\Z)").match

_STANDS_IN = re.compile(r"\[hidden: (?:[a-z0-9-]+(?: [a-z]+)?, ){0,20}[\d,]+ bytes?\]\Z").match

# One line of words, with a name between blanks.
_BEFORE_PROSE = re.compile(r"(?:\A|[A-Za-z,;:'’)] )\Z")
_AFTER_PROSE = re.compile(r"(?:[.,;!?]?(?: [A-Za-z]?[a-z'’]*[.,;:!?]{0,3})*)\Z").match
_CLASS = re.compile(r"(?:[A-Za-z_]\w*(?:\\{1,2}|::|@))*[A-Za-z_]\w*\Z").match

_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|(.))"
)
_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}
_HEX_BYTES = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_QUOTED_PRINTABLE = re.compile(r"=(?:([0-9A-F]{2})|\r?\n)")
# Short words, which contain no escapes and no packed data.
_IS_PLAIN = re.compile(r"(?:[A-Za-z0-9]{0,9}[ .,:;!?@/#()\[\]_-])*+[A-Za-z0-9]{0,9}\Z").match

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{10,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_URLSAFE = str.maketrans("-_", "+/")
# How compressed data begins: gzip, bzip2, xz, zstd, lz4, zip.
_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"PK\x03\x04")


def hide_in(text: str, names: Names) -> str:
    """Return a text with the values of secret names hidden; all of it is hidden if it is uncertain which these are."""
    if len(text) > LONGEST:
        return hidden(text)
    if _IS_PLAIN(text) and not names.may_be_in(text):
        return text
    if _STANDS_IN(text):
        return text
    shown = _assignments(text, names)
    return hidden(text) if shown is None or _is_left(shown, names) else shown


def hidden(text: str) -> str:
    """Return the replacement for a text that is hidden as a whole."""
    return stand_in("text", len(text.encode("utf-8", "replace")))


def stand_in(form: str, size: int) -> str:
    """Return the replacement for data of which only format and size are shown."""
    return f"[hidden: {f'{form}, ' if form else ''}{plural(size, 'byte')}]"


def _assignments(text: str, names: Names) -> str | None:
    """Return a text with the values of secret names hidden; None where a value is elsewhere in it."""
    parts: list[str] = []
    done = 0
    for match in _KEY.finditer(text):
        if match.start() >= done and names.secret(match["key"]):
            if _ALIAS(text, match.end()):
                return None
            parts += (text[done : match.end()], HIDDEN)
            done = _end_of_value(text, match.start(), match.end())
    return "".join((*parts, text[done:])) if parts else text


def _end_of_value(text: str, key: int, start: int) -> int:
    """Return the first place at which a value has certainly ended; at the latest the end of the text."""
    if text.startswith(HIDDEN, start):
        return start + len(HIDDEN)
    if quoted := _QUOTED(text, start):
        return quoted.end() if _AFTER_QUOTED(text, quoted.end()) else len(text)
    bare = _BARE(text, start)
    if text[start : start + 1] in ('"', "'", "\\") or bare is None or text[bare.end() - 1] == "\\":
        return len(text)
    if text[bare.end() : bare.end() + 1] != "\n":
        return bare.end()
    line = text[text.rfind("\n", 0, key) + 1 : key]
    following = _NEXT_LINE(text, bare.end())
    sure = following is not None and len(following["indent"]) <= len(line) - len(line.lstrip(" \t"))
    return bare.end() if sure else len(text)


def _is_left(text: str, names: Names, rounds: int = _ROUNDS) -> bool:
    """Whether a secret name is left, in any spelling, whose value is not hidden."""
    while True:
        if _is_named(text, names) or _is_packed(text, names, rounds):
            return True
        unescaped = _unescape(text)
        if unescaped == text:
            return False
        if rounds == 0:
            return True
        rounds -= 1
        text = unescaped


def _is_named(text: str, names: Names) -> bool:
    return any(not _IS_HIDDEN(text, end) and not _is_prose(text, start, end) for start, end in names.spans(text))


def _is_prose(text: str, start: int, end: int) -> bool:
    """Whether a name is part of a one-line sentence, or ends the name of a class."""
    if "\n" in text or "\t" in text:
        return False
    if end == len(text) and _CLASS(text):
        return True
    return bool(_BEFORE_PROSE.match(text[max(0, start - 2) : start])) and bool(_AFTER_PROSE(text, end))


def _unescape(text: str) -> str:
    """Return a text with one layer of each encoding of characters removed."""
    text = plain(text)
    if "\\" in text:
        text = _ESCAPE.sub(_character, text)
    if "%" in text:
        text = _HEX_BYTES.sub(_percent, text)
    if "&" in text:
        from html import unescape

        text = unescape(text)
    if "=" in text:
        text = _QUOTED_PRINTABLE.sub(lambda match: chr(int(match[1], 16)) if match[1] else "", text)
    return text


def _character(match: re.Match[str]) -> str:
    *codes, octal, other = match.groups()
    code = next((int(code, 16) for code in codes if code), int(octal, 8) if octal else -1)
    if code >= 0:
        return chr(code) if code <= 0x10FFFF else ""
    return _BLANKS.get(other, other)


def _percent(match: re.Match[str]) -> str:
    return bytes.fromhex(match.group().replace("%", "")).decode("utf-8", "replace")


def _is_packed(text: str, names: Names, rounds: int) -> bool:
    """Whether a part of a text is base64 or hex that names a secret or holds packed data."""
    for data in _unpacked(text):
        try:
            inside, is_text = plain(data.decode()), True
        except UnicodeDecodeError:
            inside, is_text = data.decode("latin-1"), False
        if _is_compressed(data) or next(names.spans(inside), None) is not None:
            return True
        if is_text and rounds and _is_left(inside, names, rounds - 1):
            return True
    return False


def _unpacked(text: str) -> Iterator[bytes]:
    for match in _BASE64.finditer(text):
        run = match.group().translate(_URLSAFE)
        for piece in {run, *run.split("/")}:
            # Its beginning within a run of letters is unknown.
            for start in range(4):
                part = piece[start : len(piece) - ((len(piece) - start) % 4 == 1)]
                yield a2b_base64(part + "=" * (-len(part) % 4))
    for match in _HEX.finditer(text):
        yield bytes.fromhex(match.group())


def _is_compressed(data: bytes) -> bool:
    if data.startswith(_COMPRESSED):
        return True
    if not data.startswith(b"x"):
        return False
    try:
        return bool(zlib.decompressobj().decompress(data, 1))
    except zlib.error:
        return False
