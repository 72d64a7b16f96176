"""How a text of JSON is written, and new values written in the same way."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

# A string, or a separator and the blanks behind it.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|([,:])([ \t]*)(?![ \t\r\n])', re.DOTALL)
_INDENTED = re.compile(r"\s*[\[{](\r?\n)([ \t]+)")
_UPPER = re.compile(r"\\u[0-9a-f]{0,3}[A-F]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|.)")
_HTML = "<>&"
_ascii, _unicode = json.JSONEncoder().encode, json.JSONEncoder(ensure_ascii=False).encode
_LINES = "\u2028\u2029"
#: What is written in the same way in every style.
_is_plain = re.compile(r"[A-Za-z0-9 _.,:;!?@#$%()\[\]{}*+=-]*\Z").match


class JsonStyle(NamedTuple):
    r"""How a text of JSON is written.

    Attributes
    ----------
    item, key : str
        What separates two values, and a key from its value.
    newline, indent : str
        The line end and the blanks of one level, where values are on lines of their own.
    ascii : bool
        Whether other characters are escaped.
    upper : bool
        Whether the digits of escapes are in upper case.
    escaped : str
        Further characters that are escaped, such as ``<``.
    slashes : bool
        Whether a slash is written ``\/``.
    """

    item: str = ","
    key: str = ":"
    newline: str = ""
    indent: str = ""
    ascii: bool = True
    upper: bool = False
    escaped: str = ""
    slashes: bool = False

    def write(self, value: Any, margin: str = "") -> str:
        """Return a value as JSON; `margin` is before the line in which it begins."""
        if type(value) is str:
            text = (_ascii if self.ascii else _unicode)(value)
        elif type(value) in (dict, list) and self.newline:
            encoder = json.JSONEncoder(ensure_ascii=self.ascii, indent=self.indent, separators=(",", self.key))
            text = encoder.encode(value).replace("\n", self.newline + margin)
        else:
            text = json.JSONEncoder(ensure_ascii=self.ascii, separators=(self.item, self.key)).encode(value)
        for character in self.escaped:
            if character in text:
                text = text.replace(character, f"\\u{ord(character):04x}")
        if self.slashes:
            text = text.replace("/", "\\/")
        return _ESCAPE.sub(_in_upper_case, text) if self.upper and "\\u" in text else text


def style_of(text: str) -> JsonStyle:
    """Return how a text of JSON is written; what cannot be seen is as the usual libraries write it."""
    item = key = None
    for match in _TOKEN.finditer(text):
        if match[1] == ",":
            item = item or match.group()
        elif match[1] == ":":
            key = key or match.group()
        if item and key:
            break
    lines = _INDENTED.match(text)
    # Python's blanks come in pairs.
    spaced = " " if " " in (item or key or "") and not lines else ""
    escaped = ""
    if "\\u00" in text:
        if any(f"\\u{ord(character):04{case}}" in text for character in _HTML for case in "xX"):
            escaped = "".join(character for character in _HTML if character not in text)
        if "\\u0027" in text and "'" not in text:
            escaped += "'"
    if "\\u2028" in text or "\\u2029" in text or escaped:
        escaped += _LINES
    return JsonStyle(
        item or f",{spaced}",
        key or f":{spaced or (' ' if lines else '')}",
        newline=lines[1] if lines else "",
        indent=lines[2] if lines else "",
        ascii=text.isascii(),
        upper="\\u" in text and _UPPER.search(text) is not None,
        escaped=escaped,
        slashes="\\/" in text,
    )


def plain_text(value: Any) -> str | None:
    """Return a value as JSON that is the same in every style; None where there is no such text."""
    kind = type(value)
    if kind is str:
        return f'"{value}"' if _is_plain(value) else None
    return None if kind in (dict, list) and value else json.dumps(value)


def _in_upper_case(match: re.Match[str]) -> str:
    return f"\\u{match[1].upper()}" if match[1] else match.group()
