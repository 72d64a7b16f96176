"""Checked access to the tables of the rules file: each wrong or unknown key becomes a complaint with its place.

All complaints are collected, so that one run of ``--check`` shows them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from beanops.alerts.secret import Secret, SecretMissing
from beanops.alerts.toml_places import Places, TomlPath
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.arguments import seconds_of
from beanops.text import did_you_mean, plural

T = TypeVar("T")

#: What TOML calls them.
_TYPES: dict[type, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
}
_SPAN = 'a span of time such as "5m" or "1h 30m"'


class Complaint(NamedTuple):
    """What is wrong at one place of a file; lines and columns are counted from 1."""

    line: int
    column: int
    message: str


class RulesError(UsageError):
    """A rules file that cannot be used.

    Attributes
    ----------
    path : Path
        The file.
    complaints : tuple of Complaint
        What is wrong, in the order of the file.
    """

    def __init__(self, path: Path, complaints: Iterable[Complaint]) -> None:
        self.path = path
        self.complaints = tuple(sorted(complaints))
        more = len(self.complaints) - 1
        super().__init__(self.lines[0] + (f" (and {plural(more, 'more error')})" if more else ""))

    @property
    def lines(self) -> list[str]:
        """One line for each complaint: file, line, column, and what is wrong."""
        return [f"{self.path}:{line}:{column}: {message}" for line, column, message in self.complaints]


class Fields:
    """One table of a rules file.

    Parameters
    ----------
    table : mapping
        Its content.
    path : tuple
        Where it is.
    places : Places
        The places of the file.
    complaints : list of Complaint
        Takes what is wrong.
    """

    def __init__(self, table: Mapping[str, Any], path: TomlPath, places: Places, complaints: list[Complaint]) -> None:
        self._table = table
        self._path = path
        self._places = places
        self._complaints = complaints
        self._asked: set[str] = set()

    def complain(self, message: str, *keys: str | int, character: int | None = None) -> None:
        """Add a complaint about a key, or about the table.

        Parameters
        ----------
        message : str
            What is wrong.
        *keys : str or int
            From this table to the value.
        character : int or None
            Which character of the value, counted from 0.
        """
        path = (*self._path, *keys)
        place = self._places.of(path) if character is None else self._places.within(path, character)
        self._complaints.append(Complaint(*place, message))

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def close(self) -> None:
        """Complain about keys that nothing has asked for."""
        for key in self._table.keys() - self._asked:
            known = sorted(self._asked)
            self.complain(f"unknown key {key!r}; known are {', '.join(known)}{did_you_mean(key, known)}", key)

    def value(self, key: str, kind: type[T], default: T) -> T:
        """Return a value of one type."""
        self._asked.add(key)
        if key not in self._table:
            return default
        found = self._table[key]
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            self.complain(f"{key} must be {_TYPES[kind]}, not {_shown(found)}", key)
            return default
        return found

    def any(self, key: str) -> Any:
        """Return a value of any type, None where there is none."""
        self._asked.add(key)
        return self._table.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; it is required where there is no default."""
        if default is None and key not in self._table:
            self._asked.add(key)
            self.complain(f"{key} is missing")
        found = self.value(key, str, default or "")
        if default is None and key in self._table and isinstance(self._table[key], str) and not found.strip():
            self.complain(f"{key} is empty", key)
        return found

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return one of several texts."""
        found = self.text(key, default)
        if found and found not in allowed:
            self.complain(
                f"{key} must be one of {', '.join(allowed)}, not {found!r}{did_you_mean(found, allowed)}", key
            )
        return found if found in allowed else default or allowed[0]

    def span(self, key: str, default: float, least: float = 0.0, most: float = float("inf")) -> float:
        """Return a span of time in seconds."""
        self._asked.add(key)
        if key not in self._table:
            return default
        found = self._table[key]
        try:
            if isinstance(found, bool) or not isinstance(found, str | int | float):
                raise ArgumentError(key, found, _SPAN)
            seconds = seconds_of(key, found)
        except ArgumentError:
            self.complain(f"{key} must be {_SPAN}, not {_shown(found)}", key)
            return default
        if not least <= seconds <= most or seconds == float("inf"):
            bounds = f"from {least:g} s to {most:g} s" if most < float("inf") else f"at least {least:g} s"
            self.complain(f"{key} must be {bounds}, not {_shown(found)}", key)
            return default
        return seconds

    def path(self, key: str) -> str:
        """Return the path of a file that can be read; empty where there is none."""
        path = os.path.expanduser(os.path.expandvars(self.text(key, "")))
        if path and not (os.path.isfile(path) and os.access(path, os.R_OK)):
            self.complain(f"{key}: cannot read {path}", key)
        return path

    def texts(self, key: str, default: Sequence[str] = (), *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts; one text is a list of one."""
        self._asked.add(key)
        if key not in self._table:
            if required:
                self.complain(f"{key} is missing")
            return tuple(default)
        found = self._table[key]
        texts = [found] if isinstance(found, str) else found
        if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
            self.complain(f"{key} must be a list of texts, not {_shown(found)}", key)
            return tuple(default)
        if required and not texts:
            self.complain(f"{key} is empty", key)
        return tuple(texts)

    def text_table(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        found = self.value(key, dict, {})
        for name, text in found.items():
            if not isinstance(text, str):
                self.complain(f"{key}.{name} must be {_TYPES[str]}, not {_shown(text)}", key, name)
        return {name: text for name, text in found.items() if isinstance(text, str)}

    def secret(self, key: str, *, inline: bool = True, required: bool = True) -> Secret | None:
        """Return a secret: a text, ``{ env = "NAME" }`` or ``{ file = "PATH" }``; it must be there now.

        Parameters
        ----------
        key : str
            Its key.
        inline : bool
            Whether it may be in the rules file itself.
        required : bool
            Whether it must be given.
        """
        self._asked.add(key)
        if key not in self._table:
            if required:
                self.complain(f"{key} is missing")
            return None
        return self._secret(self._table[key], (key,), inline)

    def secret_table(self, key: str) -> dict[str, Secret]:
        """Return a table of secrets."""
        found = self.value(key, dict, {})
        secrets = {name: self._secret(value, (key, name), True) for name, value in found.items()}
        return {name: secret for name, secret in secrets.items() if secret is not None}

    def _secret(self, value: Any, keys: tuple[str, ...], inline: bool) -> Secret | None:
        ways = '{ env = "NAME" } or { file = "PATH" }'
        name = ".".join(keys)
        if isinstance(value, str) and value and inline:
            return Secret("text", value)
        if isinstance(value, dict) and len(value) == 1 and isinstance(text := next(iter(value.values())), str) and text:
            source = next(iter(value))
            if source in ("env", "file"):
                secret = Secret(source, text)
                try:
                    secret.read()
                except SecretMissing as error:
                    self.complain(f"{name}: {error}", *keys)
                return secret
        # The value itself is not repeated: it may be the secret.
        if inline:
            self.complain(f"{name} must be a text, {ways}", *keys)
        else:
            self.complain(f"{name} must be {ways}; a secret does not belong in this file", *keys)
        return None

    def tables(self, key: str) -> list[Fields]:
        """Return the elements of an array of tables."""
        found = self.value(key, list, [])
        if not all(isinstance(table, dict) for table in found):
            self.complain(f"{key} must be written as [[{key}]]", key)
            return []
        return [self._inner(table, key, number) for number, table in enumerate(found)]

    def named(self, key: str) -> dict[str, Fields]:
        """Return the tables in a table, by name."""
        found = self.value(key, dict, {})
        for name, table in found.items():
            if not isinstance(table, dict):
                self.complain(f"{key}.{name} must be a table: [{key}.{name}]", key, name)
        return {name: self._inner(table, key, name) for name, table in found.items() if isinstance(table, dict)}

    def _inner(self, table: Mapping[str, Any], *keys: str | int) -> Fields:
        return Fields(table, (*self._path, *keys), self._places, self._complaints)

    def parsed(self, key: str, parse: Callable[[Any], T], allowed: str) -> T | None:
        """Return what a function makes of a value, or raises ValueError for; None where there is none."""
        found = self.any(key)
        if found is None:
            return None
        try:
            return parse(found)
        except ValueError:
            self.complain(f"{key} must be {allowed}, not {_shown(found)}", key)
            return None


def _shown(value: Any) -> str:
    """Return a wrong value for a complaint, as the file has it where that is short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, name in ((dict, "a table"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return repr(value) if isinstance(value, str | int | float) else str(value)
