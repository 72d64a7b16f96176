"""The groups, paths and values that were shown last, by server, so that a shell can complete them.

They are two small state files. Values that look like secrets, those of lists and long ones are not in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from beanops.client.address import Address
from beanops.jobs.bodies import DEFAULT_PATTERNS, redact
from beanops.jobs.facets import Facets, PathFacet
from beanops.state_files import read_state, state_path, write_state

#: Groups that are kept of a server, and servers.
_GROUPS, _SERVERS = 100, 50
#: Tubes whose facets are kept, paths of each, and characters of a path or predicate.
_TUBES, _PATHS, _LONGEST = 30, 200, 120
_KEY = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^.\["]+))')


class LastGroup(NamedTuple):
    """The name of a group, and its cause in one line."""

    name: str
    cause: str


def last_groups(address: str | Address) -> list[LastGroup]:
    """Return the groups that were shown last of a server, the largest first."""
    rows = _known_groups().get(str(Address.parse(address)))
    pairs = rows if isinstance(rows, list) else []
    return [LastGroup(*pair) for pair in pairs if isinstance(pair, list) and [*map(type, pair)] == [str, str]]


def keep_groups(address: str | Address, groups: Iterable[LastGroup]) -> None:
    """Remember the groups of a server."""
    key, known = str(Address.parse(address)), _known_groups()
    known.pop(key, None)
    kept = dict([*known.items()][1 - _SERVERS :]) | {key: [list(group) for group in groups][:_GROUPS]}
    write_state(state_path("groups"), kept)


def _known_groups() -> dict[str, Any]:
    known = read_state(state_path("groups"))
    return known if isinstance(known, dict) else {}


class LastPath(NamedTuple):
    """A path of the last facets.

    Attributes
    ----------
    sql : str
        The expression for what is there.
    predicates : list of str
        Those that select the most frequent values.
    """

    sql: str
    predicates: list[str]


def last_paths(address: str | Address, tube: str | None) -> list[LastPath]:
    """Return the paths of a tube as they were shown last; of one never shown, those of globs and tubes that match it.

    Parameters
    ----------
    address : str or Address
        Of the server.
    tube : str or None
        A name or a glob; None is all tubes.
    """
    server = str(Address.parse(address))
    known = [entry for entry in _known_facets() if entry[0] == server]
    exact = [entry for entry in known if entry[1] == tube]
    found: dict[str, list[str]] = {}
    for *_, paths in exact or [entry for entry in known if _alike(entry[1], tube)]:
        for sql, predicates in paths:
            found.setdefault(sql, []).extend(one for one in predicates if one not in found[sql])
    return [LastPath(sql, predicates) for sql, predicates in found.items()]


def keep_facets(address: str | Address, tube: str | None, facets: Facets, redacted: Sequence[str]) -> None:
    """Remember the facets of a tube, a glob or, with None, all tubes; values of redacted keys are left out."""
    server = str(Address.parse(address))
    patterns = (*DEFAULT_PATTERNS, *redacted)
    paths = [[facet.sql, _predicates(facet, patterns)] for facet in facets.paths if _is_short(facet.sql)][:_PATHS]
    if not paths:
        return
    others = [entry for entry in _known_facets() if entry[:2] != [server, tube]]
    write_state(state_path("facets"), [[server, tube, paths], *others][:_TUBES])


def _predicates(facet: PathFacet, patterns: Sequence[str]) -> list[str]:
    if "[*]" in facet.path:
        return []
    return [
        str(one.where) for one in facet.top if _is_short(one.where) and not _is_secret(facet.path, one.value, patterns)
    ]


def _is_short(sql: str | None) -> bool:
    return sql is not None and len(sql) <= _LONGEST


def _is_secret(path: str, value: str, patterns: Sequence[str]) -> bool:
    """Whether redaction would hide a value at a path."""
    data: Any = value
    for quoted, plain in reversed(_KEY.findall(path)):
        data = {plain or re.sub(r"\\(.)", r"\1", quoted): data}
    return bool(redact(data, patterns) != data)


def _alike(kept: str | None, wanted: str | None) -> bool:
    return kept is None or wanted is None or fnmatchcase(kept, wanted) or fnmatchcase(wanted, kept)


def _known_facets() -> list[Any]:
    """Return what is kept, the newest first: lists of a server, a tube, and pairs of an expression and predicates."""
    known = read_state(state_path("facets"))
    return [entry for entry in known if _is_entry(entry)] if isinstance(known, list) else []


def _is_entry(entry: Any) -> bool:
    """Whether it is what `keep_facets` writes; the file may be anybody's work."""
    if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[2], list)):
        return False
    named = isinstance(entry[0], str) and isinstance(entry[1], str | None)
    return named and all(
        isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], list)
        and all(isinstance(one, str) for one in pair[1])
        for pair in entry[2]
    )
