"""Text for every room: `safe_text`, the gate for untrusted text, plurals, and spans of time.

`safe_text` makes visible what a terminal would obey or a reader would miss. Each face escapes HTML and markup itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(
    r"\s*(\d+(?:\.\d+)?)\s*(ms|[smhdw]|secs?|seconds?|mins?|minutes?|hours?|days?|weeks?)(?![a-z])", re.I
)

# Controls, separators, format characters (bidi, zero-width, tags), letters and marks that draw nothing, surrogates
# and noncharacters. Blanks, private use (fonts with icons) and the visible Arabic number signs stay.
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ONE_LINE = re.compile(f"[{_HIDDEN}]")
_LINES = re.compile(rf"(?![\n\t])[{_HIDDEN}]")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_text(text: str, *, multiline: bool = False, limit: int | None = None) -> str:
    r"""Return `text` with everything visible: control characters, escapes, bidi, zero-width and lone surrogates.

    It is safe to write to a terminal and can be encoded as UTF-8. It is not escaped for HTML or markup.
    A backslash stays as it is, so class names read well. The result is for people, not for programs to parse.

    Parameters
    ----------
    text : str
        Any text.
    multiline : bool
        Keep newlines (CR LF becomes LF) and tabs; by default the result is one line.
    limit : int, optional
        Characters that the result may have; a longer text ends in ``…[12,345 chars]``, its whole length.

    Examples
    --------
    >>> safe_text("\x1b]52;c;aGk=\x07 \u202egnp.exe")
    '\\x1b]52;c;aGk=\\x07 \\u202egnp.exe'
    >>> safe_text("two\nlines"), safe_text("two\nlines", multiline=True)
    ('two\\nlines', 'two\nlines')
    >>> safe_text("a" * 2000, limit=20)
    'aaaaaa…[2,000 chars]'
    """
    if (limit is None or len(text) <= limit) and text.isascii() and text.isprintable():
        return text
    # One character more than can be shown means that something is missing, whatever the escapes add.
    shown = text if limit is None else text[: limit + 1]
    shown = _LINES.sub(_escape, shown.replace("\r\n", "\n")) if multiline else _ONE_LINE.sub(_escape, shown)
    if limit is None or (len(shown) <= limit and len(text) <= limit):
        return shown
    mark = f"…[{len(text):,} chars]"
    if len(mark) >= limit:
        mark = "…"[:limit]
    return shown[: limit - len(mark)] + mark


def plural(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> plural(1, "job"), plural(12345, "job")
    ('1 job', '12,345 jobs')
    """
    return f"{number:,} {inflected(number, noun)}"


def inflected(number: int, noun: str) -> str:
    """Return the form of a noun for a number, without the number: ``job`` or ``jobs``, ``body`` or ``bodies``."""
    if number == 1:
        return noun
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def percentage(part: float, whole: float) -> str:
    """Return a share in per cent; only nothing is 0%, and only all is 100%.

    Examples
    --------
    >>> percentage(1, 3), percentage(3, 3), percentage(1, 100_000), percentage(0, 0)
    ('33%', '100%', '<1%', '0%')
    """
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 1:
        return "<1%"
    return ">99%" if 99 < share < 100 else f"{share:.0f}%"


def nearest(given: str, names: Iterable[str], *, most: int = 3, alike: float = 0.6) -> list[str]:
    """Return the names that are most like a given one, the most like first.

    Parameters
    ----------
    given : str
        Such as a name with a slip in it.
    names : iterable of str
        The names that there are.
    most : int
        Maximum number of names.
    alike : float
        How alike they must be: 1 is the same, 0 is any name.

    Examples
    --------
    >>> nearest("burried", ["ready", "reserved", "delayed", "buried"])
    ['buried']
    """
    from difflib import SequenceMatcher
    from heapq import nlargest

    wanted = given.casefold()
    ratios = ((SequenceMatcher(None, wanted, name.casefold(), autojunk=False).ratio(), name) for name in names)
    return [name for ratio, name in nlargest(most, ratios) if ratio >= alike]


def did_you_mean(given: object, names: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: those that are like it, or nothing where none is.

    Examples
    --------
    >>> did_you_mean("limt", ["limit", "order"])
    "; did you mean 'limit'?"
    """
    near = nearest(given, names) if isinstance(given, str) else []
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def span(seconds: float, *, tenths: bool = False) -> str:
    """Return a length of time in its two largest units, or with `tenths` of a second below ten seconds.

    Examples
    --------
    >>> span(7), span(200), span(7500), span(300000), span(0.25, tenths=True)
    ('7s', '3m20s', '2h05m', '3d11h', '0.2s')
    """
    if tenths and seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(abs(seconds))
    sign = "-" if seconds <= -1 else ""
    if whole < 60:
        return f"{sign}{whole}s"
    if whole < 3600:
        return f"{sign}{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{sign}{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{sign}{whole // 86400}d{whole % 86400 // 3600:02}h"


def seconds_in(text: str) -> float | None:
    """Return a text with units in seconds; a number without a unit is seconds. None for any other text.

    Examples
    --------
    >>> seconds_in("1h30m"), seconds_in("90"), seconds_in("soon")
    (5400.0, 90.0, None)
    """
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", text, re.ASCII):
        return float(text)
    total, place = 0.0, 0
    while match := _PART.match(text, place):
        unit = match[2].lower()
        total += float(match[1]) * _UNITS[unit if unit in _UNITS else unit[0]]
        place = match.end()
    return total if place and not text[place:].strip() else None
