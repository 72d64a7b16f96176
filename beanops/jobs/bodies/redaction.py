"""Hiding secret values by the name of their key, in data and in text.

It sees names, not secrets: a password in a sentence, or in a binary value, stays.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from beanops.protocol.errors import ArgumentError

HIDDEN = "[redacted]"
#: Patterns for the names that usually hold secrets.
DEFAULT_PATTERNS = (
    "*passw*",
    "pwd",
    "*secret*",
    "*token*",
    "*authorization*",
    "auth",
    "*cookie*",
    "*credential*",
    "*api?key*",
    "*apikey*",
    "*private?key*",
    "*privatekey*",
)

# Marks that beanops itself puts into data are no names of values.
_MARKS = frozenset(("$bytes", "$size", "$class", "$refused"))
# A name and what stands between it and its value in JSON, URLs, headers, assignments, PHP arrays and PHP serialize.
_KEY = re.compile(r"""(?<![\w.-])(?P<key>[\w.-]++)\\*["']?\s{0,20}(?:=>|[:=]|;s:\d{1,9}:)\s{0,20}""")
# A quoted value, a list or object (to the end: its own end cannot be told in a text), or the rest of the line.
_VALUE = re.compile(
    r"""\\+"[^"]*+"?|"(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|[\[{].*|[^\n&]*""",
    re.DOTALL,
)


class _Redactor(NamedTuple):
    secret: Callable[[str], object]

    def data(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[0], str) and self.secret(value[0]):
                return [value[0], _hide(value[1])]
            return [self.data(item) for item in value]
        if isinstance(value, dict):
            hidden = {
                key: _hide(item) if key not in _MARKS and self.secret(key) else self.data(item)
                for key, item in value.items()
            }
            name = next((value[key] for key in ("name", "key") if isinstance(value.get(key), str)), None)
            if name is not None and "value" in value and self.secret(name):
                hidden["value"] = _hide(value["value"])
            return hidden
        return value

    def text(self, text: str) -> str:
        parts: list[str] = []
        done = 0
        for match in _KEY.finditer(text):
            if match.start() < done or not self.secret(match["key"]):
                continue
            parts += (text[done : match.end()], HIDDEN)
            value = _VALUE.match(text, match.end())
            done = value.end() if value else match.end()
        return "".join((*parts, text[done:])) if parts else text


def _hide(value: Any) -> Any:
    return None if value is None else HIDDEN


def redact(data: Any, patterns: Iterable[str] = DEFAULT_PATTERNS) -> Any:
    r"""Return a copy of decoded data, or of a text, with secret values replaced by ``[redacted]``.

    A value is secret if its key matches a pattern, whatever it holds and however deep it is. In pairs
    (``["Authorization", "Bearer ..."]`` and ``{"name": ..., "value": ...}``) the first names the second. In texts,
    also those inside data, ``key: value``, ``key=value``, ``"key": "value"`` and ``key => value`` are found.

    Parameters
    ----------
    data : Any
        What `Decoded.data` holds, or a text.
    patterns : iterable of str
        Globs over the whole key (``*token*``, ``api?key``), or regular expressions between slashes that match
        anywhere in it (``/^(card|iban)/``). Upper and lower case are the same.

    Raises
    ------
    ArgumentError
        A pattern is no regular expression, or is empty.

    Examples
    --------
    >>> redact({"user": {"Password": "hunter2", "id": 7}, "url": "/login?token=abc&page=2"})
    {'user': {'Password': '[redacted]', 'id': 7}, 'url': '/login?token=[redacted]&page=2'}
    >>> redact({"card": 4111, "iban_de": "DE02"}, ["card", "/^iban/"])
    {'card': '[redacted]', 'iban_de': '[redacted]'}
    """
    return _redactor((patterns,) if isinstance(patterns, str) else tuple(patterns)).data(data)


@lru_cache(maxsize=64)
def _redactor(patterns: tuple[str, ...]) -> _Redactor:
    expressions = [_expression(pattern) for pattern in patterns]
    if not expressions:
        return _Redactor(lambda _: False)
    # Keys repeat from job to job.
    return _Redactor(lru_cache(maxsize=4096)(re.compile("|".join(expressions), re.IGNORECASE).search))


def _expression(pattern: str) -> str:
    if not isinstance(pattern, str) or not pattern:
        raise ArgumentError("pattern", pattern, "a glob such as '*token*' or a regular expression such as '/^card/'")
    if len(pattern) < 3 or not (pattern[0] == pattern[-1] == "/"):
        return rf"\A{fnmatch.translate(pattern)}"
    try:
        re.compile(pattern[1:-1])
    except re.error as error:
        raise ArgumentError("pattern", pattern, f"a regular expression between the slashes ({error})") from None
    return f"(?:{pattern[1:-1]})"
