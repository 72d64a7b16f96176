"""The paths and values that were shown last, by server and tube, so that a shell can complete predicates.

One small JSON file in the user's state directory, for its owner alone. It has no value that looks like a secret, none
of a list, and no long one. Errors are ignored: it is a convenience.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from beanops import private
from beanops.client.address import Address
from beanops.jobs.bodies import DEFAULT_PATTERNS, redact
from beanops.jobs.facets import Facets, PathFacet

#: What is kept: tubes, paths of each, characters of a path or predicate, and bytes that a file may have to be read.
_TUBES, _PATHS, _LONGEST, _LARGEST = 30, 200, 120, 4_000_000
_KEY = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^.\["]+))')


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
    known = [entry for entry in _read() if entry[0] == server]
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
    others = [entry for entry in _read() if entry[:2] != [server, tube]]
    with suppress(OSError):
        private.make_folder(_path().parent)
        private.replace(_path(), json.dumps([[server, tube, paths], *others][:_TUBES]).encode())


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


def _path() -> Path:
    if named := os.environ.get("BEANOPS_STATE"):
        return Path(named).with_suffix(".facets.json")
    from platformdirs import user_state_path

    return user_state_path("beanops") / "facets.json"


def _read() -> list[Any]:
    """Return what is kept, the newest first: lists of a server, a tube, and pairs of an expression and predicates."""
    try:
        with _path().open("rb") as file:
            known = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
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
