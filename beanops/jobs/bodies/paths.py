"""Paths into decoded data as DuckDB spells them: ``$.user.id``, ``$.items[0]``, ``$."odd key"``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from beanops.protocol.errors import UsageError

#: Keys and indices from the outside in; a negative index counts from the end of a list.
Steps = tuple[str | int, ...]

_NAME = re.compile(r"""\.([^\s.\[\]"'*=#]+)""")
_INDEX = re.compile(r"\[(?:(\d{1,9})|#?(-[1-9]\d{0,8}))\]")
_END = re.compile(r"=|\Z")
_string_at = json.JSONDecoder(strict=False).raw_decode


class PathError(UsageError):
    """A text is no path into data."""


def parse_path(text: str) -> Steps:
    """Return the keys and indices of a path.

    Raises
    ------
    PathError
        It is no path; the text says where and why.

    Examples
    --------
    >>> parse_path('$.user."first name".tags[-1]')
    ('user', 'first name', 'tags', -1)
    """
    steps, end = path_before(text)
    if end < len(text):
        raise _error(text, end, "quote a name with '=' in it")
    return steps


def path_before(text: str) -> tuple[Steps, int]:
    """Return the path that a text begins with, and where it ends: at an equals sign, or at the end of the text.

    Raises
    ------
    PathError
        The text begins with no path.
    """
    if not isinstance(text, str) or not text.startswith("$"):
        raise PathError(f"path {_shown(text)}: a path begins with $, such as $.customer or $.items[0]")
    steps: list[str | int] = []
    at = 1
    while not _END.match(text, at):
        if match := _NAME.match(text, at):
            steps.append(match[1])
            at = match.end()
        elif text.startswith('."', at):
            name, at = _quoted(text, at + 1)
            steps.append(name)
        elif match := _INDEX.match(text, at):
            steps.append(int(match[1] or match[2]))
            at = match.end()
        else:
            raise _error(text, at, _expected(text, at))
    return tuple(steps), at


def spell_path(steps: Iterable[str | int | None]) -> str:
    """Return keys and indices as a path; None stands for any item of a list.

    Examples
    --------
    >>> spell_path(("user", "first name", "tags", 0)), spell_path(("tags", None))
    ('$.user."first name".tags[0]', '$.tags[*]')
    """
    return "$" + "".join(map(_spelled, steps))


def _spelled(step: str | int | None) -> str:
    if not isinstance(step, str):
        return "[*]" if step is None else f"[{step}]"
    if step.isidentifier():
        return f".{step}"
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{escaped}"'


def _quoted(text: str, at: int) -> tuple[str, int]:
    try:
        name, end = _string_at(text, at)
    except ValueError:
        raise _error(text, at, "the quoted name does not end, or has an unknown escape") from None
    return name, end


def _expected(text: str, at: int) -> str:
    rest = text[at : at + 2]
    if rest[:1] == "[":
        return "expected a number and ], such as [0] or [-1]"
    if rest in ("..", ".*", "[*") or rest[:1] == "*":
        return "one path is one value; wildcards are not supported"
    if rest[:1] == ".":
        return 'expected a name, such as .customer or ."first name"'
    return 'expected . or [; quote a name that has blanks or signs in it, such as $."first name"'


def _error(text: str, at: int, why: str) -> PathError:
    return PathError(f"path {_shown(text)}, character {at + 1}: {why}")


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
