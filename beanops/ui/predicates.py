"""`complete_predicate`: what the last term of a SQL predicate may be, for all faces that complete one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from beanops.jobs.sql.jobs_table import TABLE
from beanops.session.investigation.last_shown import LastPath

_CONNECTIVE = re.compile(r"\b(?:and|or|not)\s+|\(\s*", re.IGNORECASE)


def complete_predicate(text: str, paths: Sequence[LastPath]) -> list[str]:
    """Return the predicates that a text may become: columns, known paths and their most frequent values.

    Parameters
    ----------
    text : str
        The beginning of a predicate.
    paths : sequence of LastPath
        Those that are known.

    Examples
    --------
    >>> complete_predicate("state = 'buried' and pri", [])
    ["state = 'buried' and priority"]
    """
    start = last_term(text)
    before, term = text[:start], text[start:]
    begun = [path for path in paths if opening(path.sql).startswith(term)]
    # The values of a path are offered when no other path begins so.
    chosen = [path for path in paths if term.startswith(opening(path.sql))] or (begun if len(begun) == 1 else [])
    offered = (*TABLE, *(opening(path.sql) for path in begun), *(one for path in chosen for one in path.predicates))
    return [before + one for one in offered if one.startswith(term)]


def last_term(predicate: str) -> int:
    """Return where the last term of a predicate begins; a word in a text, or the bracket of a function, begins none."""
    starts = [
        match.end() for match in _CONNECTIVE.finditer(predicate) if predicate[: match.start()].count("'") % 2 == 0
    ]
    starts = [start for start in starts if not re.search(r"\w\(\s*\Z", predicate[:start])]
    return starts[-1] if starts else 0


def opening(sql: str) -> str:
    """Return how a predicate on an expression begins: one on a list asks what it contains."""
    return f"list_contains({sql}, " if "[*]" in sql else sql
