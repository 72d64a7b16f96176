"""`find_paths`: the paths in the bodies of a list of jobs, for completion and for columns."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from textual.message import Message

from beanops.jobs.facets import FacetCounter
from beanops.jobs.read import FoundJob
from beanops.session.investigation.last_shown import LastPath, last_paths
from beanops.session.session import Session
from beanops.text import percentage, safe_text
from beanops.tui.widgets.job_rows import JobRow

#: Jobs whose bodies are read, and values that are offered of each path.
SAMPLE, VALUES = 500, 8


class KnownPath(NamedTuple):
    """A path in bodies.

    Attributes
    ----------
    text : str
        The path, such as ``$.customer``.
    about : str
        The share of jobs that have it, and its most frequent value; safe.
    asked : LastPath or None
        It in predicates; None where SQL cannot name it.
    """

    text: str
    about: str
    asked: LastPath | None

    @property
    def is_column(self) -> bool:
        """Whether it is the path of one value."""
        return "[*]" not in self.text


class PathsFound(Message):
    """The paths in the bodies of jobs are known."""

    def __init__(self, paths: list[KnownPath]) -> None:
        super().__init__()
        self.paths = paths


def find_paths(session: Session, tube: str, rows: Iterable[JobRow]) -> list[KnownPath]:
    """Return the paths in the bodies of some jobs, and those of the last facets of the tube; asks no server."""
    counter = FacetCounter(session._context.reader)
    sample = (row for row in rows if row.body is not None and row.stats is not None)
    counter.add([FoundJob(row.stats, row.body) for row in islice(sample, SAMPLE) if row.stats is not None])
    facets = counter.result(VALUES)
    found = []
    for path in facets.paths:
        likeliest = f", most often {safe_text(path.top[0].value, limit=30)}" if path.top else ""
        asked = None if path.sql is None else LastPath(path.sql, [one.where for one in path.top if one.where])
        found.append(KnownPath(path.path, f"{percentage(path.jobs, facets.decoded)} of jobs{likeliest}", asked))
    known = {path.asked.sql for path in found if path.asked is not None}
    # Paths of the command line's facets have no text of their own.
    others = [path for path in last_paths(session.address, tube) if path.sql not in known]
    return [*found, *(KnownPath("[*]", "", path) for path in others)]
