"""`Change`: what to set or unset in a body, by the path; and several of them as one tree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from beanops.jobs.bodies.paths import Steps, parse_path, path_before, spell_path
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.text import safe_text

#: What a step leads to: more steps, or the change itself.
Tree = dict[str | int, "Tree | Change"]

#: How deep a value may nest.
_DEEPEST = 64


class Change(NamedTuple):
    """One change of a body.

    Attributes
    ----------
    path : tuple of str and int
        The keys and indices that lead to the value; none for the whole body.
    value : Any
        What JSON can hold. None for an unset.
    unset : bool
        Whether the value is removed, with its key.

    Examples
    --------
    >>> print(Change.set("$.user.id", 7), Change.remove("$.token"), sep=", ")
    set $.user.id to 7, unset $.token
    """

    path: Steps
    value: Any = None
    unset: bool = False

    @classmethod
    def set(cls, path: str | Steps, value: Any) -> Change:
        """Return the change that sets a path to a value.

        A last key that is missing is added to its object, and an index that is the length of a list appends to it.
        All before the last step must be there: a slip in a name would otherwise make a new object.

        Raises
        ------
        UsageError
            The path is none, or JSON cannot hold the value.
        """
        _check(value)
        return cls(_steps(path), value)

    @classmethod
    def remove(cls, path: str | Steps) -> Change:
        """Return the change that removes a key or an element; where there is none, nothing changes.

        Raises
        ------
        UsageError
            The path is none, or is that of the whole body.
        """
        steps = _steps(path)
        if not steps:
            raise ArgumentError("path", "$", "a path to a part of the body; delete the job to remove all of it")
        return cls(steps, unset=True)

    def __str__(self) -> str:
        where = safe_text(spell_path(self.path))
        if self.unset:
            return f"unset {where}"
        return f"set {where} to {safe_text(json.dumps(self.value, ensure_ascii=False), limit=200)}"


def parse_set(text: str) -> Change:
    """Return the change of ``PATH=VALUE``. The value is read as JSON if it is JSON, else it is text as it is.

    Raises
    ------
    UsageError
        It does not begin with a path and an equals sign.

    Examples
    --------
    >>> [parse_set(text).value for text in ("$.n=7", "$.n=seven", '$.n="7"', "$.n=007", "$.n=", "$.n=[1, null]")]
    [7, 'seven', '7', '007', '', [1, None]]
    """
    path, end = path_before(text)
    if end == len(text):
        raise UsageError(f"{safe_text(repr(text), limit=60)}: expected PATH=VALUE, such as $.customer=7")
    return Change.set(path, value_of(text[end + 1 :]))


def parse_unset(text: str) -> Change:
    """Return the change that removes a path.

    Raises
    ------
    UsageError
        It is no path.

    Examples
    --------
    >>> parse_unset("$.token")
    Change(path=('token',), value=None, unset=True)
    """
    return Change.remove(parse_path(text))


def value_of(text: str) -> Any:
    """Return what a text holds if it is JSON, else the text.

    Raises
    ------
    UsageError
        It has two values under one key.
    """
    try:
        return _loads(text)
    except UsageError:
        raise
    except (ValueError, RecursionError):
        return text


def parse_json(text: str) -> Any:
    """Return what a text of JSON holds.

    Raises
    ------
    UsageError
        It is not JSON, with the line where it is not, or has two values under one key.
    """
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"not JSON, line {error.lineno}, column {error.colno}: {error.msg.lower()}") from None
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"not JSON: {error}") from None
    except RecursionError:
        raise UsageError("not JSON: nested too deep") from None


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise UsageError("an object has two values under one key")
    return data


def _steps(path: str | Steps) -> Steps:
    return parse_path(path) if isinstance(path, str) else tuple(path)


def _check(value: Any) -> None:
    """Raise if JSON cannot hold a value, or not as it is."""
    try:
        # As UTF-8: a lone surrogate is no text.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError("value", value, "what JSON can hold") from error
    _check_inside(value, 0)


def _check_inside(value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        raise ArgumentError("value", value, f"at most {_DEEPEST} levels")
    if isinstance(value, dict):
        if not all(type(key) is str for key in value):
            raise ArgumentError("value", value, "objects with texts for keys")
        value = value.values()
    elif not isinstance(value, list):
        if type(value) not in (str, int, float, bool, type(None)):
            raise ArgumentError("value", value, "what JSON can hold")
        return
    for item in value:
        _check_inside(item, depth + 1)


def tree_of(changes: Iterable[Change]) -> Tree | Change:
    """Return changes as one tree, in which each path is in the body as it was before any of them.

    Raises
    ------
    UsageError
        There is no change, or one path leads through another.
    """
    tree: Tree = {}
    first = None
    for change in changes:
        if first is not None and not first.path:
            raise _overlap(change, first)
        first = first or change
        if not change.path:
            if first is not change:
                raise _overlap(first, change)
            continue
        at = tree
        for step in change.path[:-1]:
            below = at.setdefault(step, {})
            if isinstance(below, Change):
                raise _overlap(change, below)
            at = below
        if change.path[-1] in at:
            raise _overlap(change, at[change.path[-1]])
        at[change.path[-1]] = change
    if first is None:
        raise UsageError("nothing to change: give at least one path to set or unset")
    return tree or first


def _overlap(change: Change, other: Tree | Change) -> UsageError:
    while not isinstance(other, Change):
        other = next(iter(other.values()))
    one, two = spell_path(change.path), spell_path(other.path)
    return UsageError(f"{one} is changed twice" if one == two else f"{one} and {two}: one is inside the other")


def is_unset(change: Tree | Change) -> bool:
    """Whether nothing is to be done where a value is missing."""
    return change.unset if isinstance(change, Change) else all(map(is_unset, change.values()))


def leaves(tree: Tree | Change) -> Iterator[Change]:
    """Yield the changes of a tree."""
    if isinstance(tree, Change):
        yield tree
        return
    for below in tree.values():
        yield from leaves(below)
