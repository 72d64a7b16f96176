"""Hide secret values in data by the name of their key; `texts` does so in text.

It sees names, not secrets: a password in a sentence stays. A binary value does not: nobody knows what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from beanops.jobs.bodies.names import Names
from beanops.jobs.bodies.texts import HIDDEN, hidden, hide_in, stand_in

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

# Where objects of two fields or more have the name of a value, and where the value itself, in lower case.
_NAMES = frozenset(
    ("name", "key", "k", "n", "field", "header", "param", "parameter", "attribute", "property", "label", "variable")
)
_VALUES = frozenset(
    ("value", "v", "val", "values", "content", "text", "data", "string", "raw", "default", "old", "new", "old_value"),
).union(("new_value", "oldvalue", "newvalue", "before", "after", "from", "to", "was", "current", "previous"))
# Fields whose object is about this one value: all of the object is hidden.
_FIELDS = frozenset(("field", "param", "parameter", "attribute", "property", "header", "variable"))


def names_secret(text: str, patterns: Iterable[str] = ()) -> bool:
    """Whether a text has the name of a secret, so that its value may be there too.

    Parameters
    ----------
    text : str
        A predicate, or a typed command.
    patterns : iterable of str
        As in `redact`, besides those of names that usually hold secrets.

    Examples
    --------
    >>> names_secret("data->>'$.user.token' = 'x'"), names_secret("age > 60"), names_secret("iban = 'x'", ["iban"])
    (True, False, True)
    """
    return next(Names((*DEFAULT_PATTERNS, *patterns)).spans(text), None) is not None


class Unreadable(Exception):
    """A secret may be in two places, of which only one is known: hide the whole body."""


class Redactor:
    """Hides the values of secret names in data; see `redact`."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.names = Names(patterns)
        self._secret = self.names.secret
        # Keys repeat from job to job.
        self._shown_key = lru_cache(maxsize=4096)(self._key)

    def data(self, value: Any) -> Any:
        """Return a copy with secret values hidden.

        Raises
        ------
        Unreadable
            The whole must be hidden.
        """
        if isinstance(value, str):
            return hide_in(value, self.names)
        if isinstance(value, list):
            return self._list(value)
        if isinstance(value, dict):
            return self._object(value)
        return value

    def _list(self, items: list[Any]) -> list[Any]:
        columns = self._columns(items[0]) if items else ()
        if columns and all(isinstance(item, list) for item in items):
            # Rows under the names of their columns.
            rows = [[_hide(value) if n in columns else value for n, value in enumerate(row)] for row in items[1:]]
            items = [items[0], *rows]
        shown = []
        named = False
        for item in items:
            shown.append(_hide(item) if named else self.data(item))
            # Names and values alternate, as in the raw headers of a request.
            named = not named and isinstance(item, str) and self._is_name(item)
        return self._lines(items, shown) if shown != items else shown

    def _lines(self, items: list[Any], shown: list[Any]) -> list[Any]:
        """Hide more of a list of texts if it is a text in lines, in which a value continues."""
        if len(items) < 2 or not all(isinstance(item, str) for item in items):
            return shown
        if hide_in("\n".join(items), self.names) == "\n".join(shown):
            return shown
        first = next(n for n, item in enumerate(items) if shown[n] != item)
        return [*shown[: first + 1], *map(hidden, items[first + 1 :])]

    def _object(self, items: dict[str, Any]) -> Any:
        if items.keys() == _BYTES and isinstance(items["$size"], int):
            return stand_in("binary", items["$size"])
        shown: dict[str, Any] = {}
        widths = {len(item) for item in items.values() if type(item) is list and self._columns(item)}
        name = None
        if not _NAMES.isdisjoint(map(str.lower, items)):
            name = next((key for key in items if key.lower() in _NAMES and self._is_name(items[key])), None)
        for key, item in items.items():
            secret = self._secret(key)
            if name is not None and key is not name:
                about = len(items) == 2 or name.lower() in _FIELDS
                secret = secret or about or key.lower() in _VALUES
            elif widths and isinstance(item, list) and not self._columns(item):
                # Rows, or one row, whose columns are named beside it.
                secret = secret or len(item) in widths or any(isinstance(row, list) for row in item)
            if secret and _refers(item):
                raise Unreadable
            shown_key = self._shown_key(key)
            while shown_key != key and shown_key in items:
                shown_key += "'"
            shown[shown_key] = _hide(item) if secret else self.data(item)
        return shown

    def _key(self, key: str) -> str:
        return key if self._is_name(key) else hide_in(key, self.names)

    def _columns(self, value: Any) -> tuple[int, ...]:
        """Return which elements of a list of names, or of objects with names, name secrets."""
        if not isinstance(value, list) or len(value) > _COLUMNS:
            return ()
        titles = [_title(item) for item in value]
        return () if None in titles else tuple(n for n, title in enumerate(titles) if self._is_name(title))

    def _is_name(self, value: Any) -> bool:
        """Whether a text is the name of a secret, and nothing else."""
        return isinstance(value, str) and len(value) <= 80 and bool(_is_word(value)) and self._secret(value)


_BYTES = {"$bytes", "$size"}
#: Elements up to which a list can be one of columns.
_COLUMNS = 1000
_is_word = re.compile(r"[\w.\[\]-]+(?: [A-Za-z]+){0,2}\Z").match


def _title(item: Any) -> str | None:
    if isinstance(item, dict) and not any(key.lower() in _VALUES for key in item):
        item = next((item[key] for key in item if key.lower() in _NAMES), None)
    return item if isinstance(item, str) else None


def _hide(value: Any) -> Any:
    return None if value is None else HIDDEN


def _refers(value: Any) -> bool:
    """Whether a value is or contains one that is elsewhere in PHP's data, under another name."""
    if isinstance(value, dict):
        return "$ref" in value or any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))


def redact(data: Any, patterns: Iterable[str] = DEFAULT_PATTERNS) -> Any:
    r"""Return a copy of decoded data, or of a text, with secret values replaced by ``[redacted]``.

    A value is secret if its key matches a pattern, whatever it holds and however deep it is. In pairs
    (``["Authorization", "Bearer ..."]`` and ``{"name": ..., "value": ...}``) the first names the second. In texts,
    also those inside data, ``key: value``, ``key=value``, ``"key": "value"`` and ``key => value`` are found; a text
    that names a secret in another way, such as XML or CSV, is replaced as a whole by its size, and so is a binary
    value. A sentence stays as it is.

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
    redactor = redactor_of((patterns,) if isinstance(patterns, str) else tuple(patterns))
    try:
        return redactor.data(data)
    except Unreadable:
        return stand_in("data", len(str(data)))


@lru_cache(maxsize=64)
def redactor_of(patterns: tuple[str, ...]) -> Redactor:
    """Return the redactor of some patterns; it remembers names."""
    return Redactor(patterns)
