"""Where the values of a TOML file are: line and column of each key, and of each character of a text.

`tomllib` reads values without their places. `places` scans a text that `tomllib` has accepted, so it need not check
the syntax: it only steps over strings, comments and brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Keys and indices from the top of the file to a value.
TomlPath = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_ESCAPE = re.compile(r"\\(?:u.{4}|U.{8}|x..|[ \t]*\r?\n\s*|.)", re.S)


class Place(NamedTuple):
    """A place in a file, counted from 1."""

    line: int
    column: int


class Places:
    """The places of the keys and values of a TOML file.

    Parameters
    ----------
    text : str
        Valid TOML.

    Examples
    --------
    >>> places = Places('[[rule]]\\nname = "backlog"\\nwhen = "redy > 1"\\n')
    >>> places.of(("rule", 0, "when")), places.within(("rule", 0, "when"), 0)
    (Place(line=3, column=1), Place(line=3, column=9))
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._keys: dict[TomlPath, int] = {}
        self._values: dict[TomlPath, int] = {}
        self._scan()

    def of(self, path: TomlPath) -> Place:
        """Return where a key is; the place of the table around it where it has none, such as a missing key."""
        while path and path not in self._keys:
            path = path[:-1]
        return self._place(self._keys.get(path, 0))

    def within(self, path: TomlPath, character: int) -> Place:
        """Return where a character of a text value is, counted from 0; the place of its key where that is unknown."""
        start = self._values.get(path)
        if start is None or self._text[start : start + 1] not in ("'", '"'):
            return self.of(path)
        starts = list(self._characters(start))
        return self._place(starts[min(character, len(starts) - 1)])

    def _place(self, at: int) -> Place:
        return Place(self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at))

    # Scanning. Each method takes a position and returns the one after what it has read.

    def _scan(self) -> None:
        table: TomlPath = ()
        arrays: dict[TomlPath, int] = {}
        at = self._space(0)
        while at < len(self._text):
            if self._text[at] == "[":
                double = self._text.startswith("[[", at)
                start = at
                keys, at = self._key(at + 1 + double)
                table = self._resolved(keys, arrays, double)
                for depth in range(1, len(table) + 1):
                    self._keys.setdefault(table[:depth], start)
                at = self._text.index("]", at) + 1 + double
            else:
                at = self._pair(at, table)
            at = self._space(at)

    def _resolved(self, keys: list[str], arrays: dict[TomlPath, int], double: bool) -> TomlPath:
        """Return the path of a table's heading, with the index of the last element of each array in it."""
        path: TomlPath = ()
        for number, key in enumerate(keys, 1):
            path = (*path, key)
            if double and number == len(keys):
                arrays[path] = arrays.get(path, -1) + 1
            if path in arrays:
                path = (*path, arrays[path])
        return path

    def _pair(self, at: int, table: TomlPath) -> int:
        start = at
        keys, at = self._key(at)
        path = (*table, *keys)
        for depth in range(len(table) + 1, len(path) + 1):
            self._keys.setdefault(path[:depth], start)
        return self._value(self._blanks(at + 1), path)

    def _key(self, at: int) -> tuple[list[str], int]:
        keys: list[str] = []
        while True:
            at = self._blanks(at)
            if self._text[at] in "'\"":
                end = self._string(at)
                keys.append(self._decoded(at))
                at = end
            else:
                match = _BARE.match(self._text, at)
                assert match is not None
                keys.append(match[0])
                at = match.end()
            at = self._blanks(at)
            if self._text[at] != ".":
                return keys, at
            at += 1

    def _value(self, at: int, path: TomlPath) -> int:
        self._values[path] = at
        self._keys.setdefault(path, at)
        first = self._text[at]
        if first in "'\"":
            return self._string(at)
        if first in "[{":
            return self._elements(at, path, "]" if first == "[" else "}")
        match = _SCALAR.match(self._text, at)
        assert match is not None
        return match.end()

    def _elements(self, at: int, path: TomlPath, end: str) -> int:
        """Read an array or an inline table."""
        at = self._space(at + 1)
        number = 0
        while self._text[at] != end:
            at = self._value(at, (*path, number)) if end == "]" else self._pair(at, path)
            number += 1
            at = self._space(at)
            if self._text[at] == ",":
                at = self._space(at + 1)
        return at + 1

    def _string(self, at: int) -> int:
        *_, end = self._characters(at)
        return end + len(self._quotes(at))

    def _quotes(self, at: int) -> str:
        quote = self._text[at]
        return quote * 3 if self._text.startswith(quote * 3, at) else quote

    def _characters(self, at: int) -> Iterator[int]:
        """Yield where each character of a string is in the file, and then where its closing quotes are."""
        quotes = self._quotes(at)
        escapes = quotes[0] == '"'
        at += len(quotes)
        if len(quotes) == 3 and self._text[at] == "\n":
            at += 1
        while True:
            # Up to two more quotes than the closing ones are part of the text.
            if self._text.startswith(quotes, at) and not (len(quotes) == 3 and self._text.startswith(quotes, at + 1)):
                yield at
                return
            match = _ESCAPE.match(self._text, at) if escapes else None
            if match is None:
                yield at
                at += 1
            else:
                if "\n" not in match[0]:
                    yield at
                at = match.end()

    def _decoded(self, at: int) -> str:
        """Return the value of a key in quotes."""
        import tomllib

        return str(tomllib.loads(f"value = {self._text[at : self._string(at)]}")["value"])

    def _space(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return at if match is None else match.end()

    def _blanks(self, at: int) -> int:
        match = _BLANKS.match(self._text, at)
        return at if match is None else match.end()
