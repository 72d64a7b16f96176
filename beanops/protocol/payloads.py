"""How the payload of an ``OK`` reply is read: ``key: value`` lines to a record, ``- name`` lines to a list.

It looks like YAML and must not be read as such: a tube named ``123``, ``true`` or ``1e3`` would change
its type. Values are typed by their key, from the record's own annotations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import call
from types import NoneType
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

from beanops.protocol.errors import ProtocolError
from beanops.protocol.limits import is_tube

R = TypeVar("R", bound=NamedTuple)


def _text(value: str) -> str:
    """Take the quotes off, which 1.13 writes and 1.12 does not."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def _flag(value: str) -> bool:
    return {"true": True, "false": False}[value]


class _Kind(NamedTuple):
    pattern: str
    convert: Callable[[str], Any]


_KINDS = {
    int: _Kind(r"-?[0-9]{1,20}+", int),
    float: _Kind(r"[0-9]{1,20}+\.[0-9]{1,9}+", float),
    str: _Kind(r"[^\n]*+", _text),
    bool: _Kind(r"true|false", _flag),
}
_SPELLINGS = {"priority": "pri"}
#: The oldest release whose statistics have all that is needed.
OLDEST = "1.4"


def release_of(version: str) -> tuple[int, ...] | None:
    """Return the numbers that a version begins with, such as ``(1, 12)``; None where it begins with none."""
    found = re.match(r"(\d{1,6})\.(\d{1,6})", version, re.ASCII)
    return found and (int(found[1]), int(found[2]))


def is_too_old(version: str) -> bool:
    """Whether a server of that version is older than what beanops works with."""
    release = release_of(version)
    return release is not None and release < (1, 4)


class Layout(Generic[R]):
    """The way one kind of record is written on the wire.

    Parameters
    ----------
    record : type
        A NamedTuple whose last field is ``extra``; its annotations say how each value is read.
        Fields with a default, and those that may be None, may be missing from a reply.
    **missing : object
        Values of other fields that may be missing from a reply.
    """

    def __init__(self, record: type[R], **missing: Any) -> None:
        self._record = record
        self._missing = missing
        self._make: Callable[..., R] = record

    # Made with the first reply: most processes read one or two of the kinds.
    @cached_property
    def _kinds(self) -> dict[str, _Kind]:
        kinds = {}
        for field, hint in get_type_hints(self._record).items():
            if field != "extra":
                base = next(kind for kind in _KINDS if kind is hint or kind in getattr(hint, "__args__", ()))
                kinds[_SPELLINGS.get(field, field.replace("_", "-"))] = _KINDS[base]
        return kinds

    @cached_property
    def _absent(self) -> dict[str, Any]:
        hints = get_type_hints(self._record).items()
        return {field: None for field, hint in hints if NoneType in getattr(hint, "__args__", ())} | self._missing

    @cached_property
    def _converters(self) -> list[Callable[[str], Any]]:
        return [kind.convert for kind in self._kinds.values()]

    @cached_property
    def _lines(self) -> list[re.Pattern[str]]:
        return [re.compile(f"{key}: ({kind.pattern})") for key, kind in self._kinds.items()]

    @cached_property
    def _usual(self) -> re.Pattern[str]:
        # One match reads the fields in the order of every server so far; anything else takes the slow way.
        return re.compile("---\n" + "".join(f"{key}: ({kind.pattern})\n" for key, kind in self._kinds.items()))

    def read(self, payload: bytes) -> R:
        """Read one payload.

        Raises
        ------
        ProtocolError
            A known field is missing or is not of its type, or a line is not ``key: value``.
        """
        text = payload.decode("utf-8", "replace")
        match = self._usual.fullmatch(text)
        if match is None:
            return self._read_any_order(text)
        return self._make(*map(call, self._converters, match.groups()))

    def read_columns(self, payloads: Sequence[bytes]) -> list[list[Any]] | None:
        """Read payloads of the usual form, and return the values of each field as a list.

        Most values are the same in most payloads, so each is read once. None is returned if one payload has another
        form; `read` knows all of them.
        """
        if not payloads:
            return [[] for _ in self._lines]
        width, ends = len(self._lines) + 1, len(payloads) - 1
        text = b"\0".join(payloads)
        lines = text.split(b"\n")
        if lines[::width] != [b"---", *[b"\0---"] * ends, b""] or text.count(b"\0") != ends:
            return None
        columns = []
        for at, (pattern, convert) in enumerate(zip(self._lines, self._converters, strict=True), 1):
            column = lines[at::width]
            values: dict[bytes, Any] = {}
            for line in set(column):
                match = pattern.fullmatch(line.decode("utf-8", "replace"))
                if match is None:
                    return None
                values[line] = convert(match[1])
            columns.append([values[line] for line in column] if len(values) > 1 else [*values.values()] * len(column))
        return columns

    def _read_any_order(self, text: str) -> R:
        found: dict[str, str] = {}
        for line in text.split("\n"):
            if line in ("", "---"):
                continue
            key, colon, value = line.partition(": ")
            if not colon:
                raise ProtocolError(f"the server's statistics have a line that is not 'key: value': {line[:80]!r}")
            found[key] = value
        version = _text(found.get("version", ""))
        values: dict[str, Any] = {}
        for field, (key, kind) in zip(self._record._fields, self._kinds.items(), strict=False):
            if key not in found:
                if field in self._record._field_defaults:
                    continue
                if field in self._absent:
                    values[field] = self._absent[field]
                    continue
                if is_too_old(version):
                    raise ProtocolError(f"needs beanstalkd {OLDEST} or newer (this is {version})")
                raise ProtocolError(f"the server's statistics lack the field {key!r}")
            value = found.pop(key)
            if not re.fullmatch(kind.pattern, value):
                raise ProtocolError(f"the server's statistics have {key}: {value[:80]!r}, which is not of its type")
            values[field] = kind.convert(value)
        if found:
            values["extra"] = {key: _text(value) for key, value in found.items()}
        return self._make(**values)


def read_names(payload: bytes) -> list[str]:
    """Read the payload of ``list-tubes``: one ``- name`` a line, names as text whatever they look like.

    Raises
    ------
    ProtocolError
        A line is not ``- name``, or no tube can have that name: it could not be asked for either.
    """
    names = []
    for line in payload.decode("utf-8", "replace").split("\n"):
        if line.startswith("- "):
            name = _text(line[2:])
            if not is_tube(name):
                raise ProtocolError(f"the server's list has {name[:80]!r}, which no tube can be called")
            names.append(name)
        elif line not in ("", "---"):
            raise ProtocolError(f"the server's list has a line that is not '- name': {line[:80]!r}")
    return names
