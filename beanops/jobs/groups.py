"""Groups of jobs as a selection: by their names, or as rows of a frame of groups or objects of its JSON.

What the groups of jobs are is in `causes`; here is only how to choose their jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from beanops.jobs.rows import field_of
from beanops.protocol.errors import ArgumentError

#: Characters of a whole name; any beginning of one may stand for it where the jobs are known.
WHOLE = 9
_NAME = re.compile(r"g[0-9a-f]{0,8}")
#: What each row of groups has, and no row of jobs or tubes.
_COLUMNS = ("name", "count", "where")
_ALLOWED = "the name of a group such as 'g7f31c0a2', a row of a frame of groups, or several"


class GroupRow(NamedTuple):
    """What a row of groups says of its jobs."""

    name: str
    where: str
    tube: str | None = None
    state: str | None = None

    @classmethod
    def named(cls, name: str) -> GroupRow:
        """Return the row of a whole name, of whatever jobs it was counted among."""
        return cls(name, f"group_name = '{name}'")


class GroupChoice(NamedTuple):
    """Groups as a caller gives them.

    Attributes
    ----------
    names : tuple of str
        Names, or beginnings of names, that were given as text.
    rows : tuple of GroupRow
        Those that were given as rows.
    """

    names: tuple[str, ...]
    rows: tuple[GroupRow, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What to call each of them."""
        return (*self.names, *(row.name for row in self.rows))

    @property
    def whole_rows(self) -> list[GroupRow]:
        """The same as rows alone; all names are whole."""
        return [*map(GroupRow.named, self.names), *self.rows]

    @property
    def where(self) -> str:
        """The SQL predicate that is true for their jobs; all names are whole."""
        named = ", ".join(f"'{name}'" for name in self.names)
        parts = [f"group_name {f'in ({named})' if self.names[1:] else f'= {named}'}"] if self.names else []
        parts += dict.fromkeys(row.where for row in self.rows)
        # Each has lines of its own, so that a comment at its end does not swallow the rest.
        return parts[0] if len(parts) == 1 else " or ".join(f"({_own_line(part)})" for part in parts)


def is_groups(value: Any) -> bool:
    """Whether a value is a row of groups, a frame of groups, or a list of such rows.

    Examples
    --------
    >>> is_groups({"name": "g7f31c0a2", "count": 3, "where": "group_name = 'g7f31c0a2'"})
    True
    >>> is_groups({"id": 7, "tube": "mail"}), is_groups("mail")
    (False, False)
    """
    if isinstance(value, GroupRow):
        return True
    if hasattr(value, "columns"):
        return _has_columns(value.columns)
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return bool(value) and is_groups(value[0])
    if isinstance(value, Mapping):
        return _has_columns(value)
    return _has_columns(getattr(value, "_fields", ()) or (value.index if hasattr(value, "to_dict") else ()))


def _has_columns(names: Any) -> bool:
    return "id" not in names and all(name in names for name in _COLUMNS)


def groups_of(groups: Any, argument: str = "group") -> GroupChoice:
    """Return groups in any form.

    Parameters
    ----------
    groups : str, row, frame, or iterable of names and rows
        Names with commas; a row of a frame of groups, as a Series, a named tuple, or an object of its JSON; the frame.
    argument : str
        Name of the argument, for an error.

    Raises
    ------
    ArgumentError
        It names no groups.

    Examples
    --------
    >>> groups_of("g7f31c0a2,g0012ab34").where
    "group_name in ('g7f31c0a2', 'g0012ab34')"
    """
    names: list[str] = []
    rows: list[GroupRow] = []
    for one in _several(groups):
        if isinstance(one, str):
            names += [_checked(name.strip(), argument) for name in one.split(",")]
        elif is_groups(one):
            rows.append(_row(one, argument))
        else:
            raise ArgumentError(argument, one, _ALLOWED)
    if not names and not rows:
        raise ArgumentError(argument, [], "at least one group")
    return GroupChoice(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(rows)))


def _several(groups: Any) -> Iterable[Any]:
    if isinstance(groups, str):
        return [groups]
    if hasattr(groups, "columns"):
        return groups.to_dict("records") if is_groups(groups) else [groups]
    if is_groups(groups):
        return groups if isinstance(groups, list | tuple) and not hasattr(groups, "_fields") else [groups]
    return groups if isinstance(groups, Iterable) and not isinstance(groups, Mapping | bytes) else [groups]


def _checked(name: str, argument: str) -> str:
    if not _NAME.fullmatch(name.lower()):
        raise ArgumentError(argument, name, f"{_ALLOWED}; of groups by an expression the where")
    return name.lower()


def _row(row: Any, argument: str) -> GroupRow:
    where = field_of(row, "where")
    if not isinstance(where, str) or not where.strip():
        raise ArgumentError(argument, where, "rows of groups with a 'where'")
    name = field_of(row, "name")
    return GroupRow(name if isinstance(name, str) else "NULL", where, _text(row, "tube"), _text(row, "state"))


def _text(row: Any, name: str) -> str | None:
    value = field_of(row, name)
    return value if isinstance(value, str) and value else None


def place_of(groups: Any, argument: str = "jobs") -> tuple[str, str | None]:
    """Return the tube and the states of the jobs of groups that are given as rows.

    Raises
    ------
    ArgumentError
        They are of several tubes or states.
    """
    places = {(row.tube or "*", row.state) for row in groups_of(groups, argument).rows}
    if len(places) > 1:
        raise ArgumentError(argument, sorted(f"{tube} {state}" for tube, state in places), "groups of one look")
    return places.pop()


def both(where: str | None, and_where: str | None) -> str | None:
    """Return the predicate that is true where both are; None is true for all jobs.

    Examples
    --------
    >>> both("age > interval 1 day", None), both("priority = 1 -- urgent", "size > 9")
    ('age > interval 1 day', '(priority = 1 -- urgent\\n) and (size > 9)')
    """
    if where is None or and_where is None:
        return where if and_where is None else and_where
    return f"({_own_line(where)}) and ({_own_line(and_where)})"


def _own_line(part: str) -> str:
    return f"{part}\n" if "--" in part else part
