"""`Breakdown`: counts the jobs of a tube by cause or by value, in a thread that can be stopped and continued.

Its rows are those of the groups pane and of the facets pane, see `beanops.tui.jobs.breakdown_pane`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.message import Message

from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.jobs.feed import Wanted

if TYPE_CHECKING:
    from beanops.jobs.facets import Facets, Histogram, PathFacet
    from beanops.jobs.read import FoundJob
    from beanops.jobs.search.scan import Scan
    from beanops.session.investigation.facets import FacetSearch
    from beanops.session.investigation.groups import GroupSearch, JobGroup

#: Seconds between two messages at least, and how many times longer than the making of its rows that must be.
PAUSE, SHARE = 0.3, 10
#: Groups that are shown, and values of each path.
MOST, TOP = 100, 8


class FacetRow(NamedTuple):
    """One value at a path of the bodies, or one range of a number of the jobs.

    Attributes
    ----------
    path : str
        The path, or the number's name.
    first : bool
        Whether it is the first row of its path.
    value : str
        The value, or the range.
    count : int
        Number of jobs that have it.
    share : float
        Their share of all jobs.
    where : str or None
        The predicate that selects them; None where SQL cannot name the path.
    note : str
        What else is known of the path, in its first row: how many values it has.
    """

    path: str
    first: bool
    value: str
    count: int  # type: ignore[assignment]  # a tuple has a method of that name
    share: float
    where: str | None
    note: str = ""


class BreakdownChanged(Message):
    """More jobs were counted, or the count has stopped."""

    def __init__(self, breakdown: Breakdown) -> None:
        super().__init__()
        self.breakdown = breakdown


class Breakdown(ABC):
    """A count of jobs that can be stopped and continued.

    Parameters
    ----------
    wanted : Wanted
        The jobs to count.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    over : bool
        Whether all jobs were counted.
    outdated : bool
        Whether an action has changed jobs since.
    error : str
        Why it failed, safe; empty if it did not.
    rows : tuple
        The groups or values so far.
    """

    #: What its pane is called.
    title = ""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.running, self.over, self.outdated = True, False, False
        self.error = ""
        self.rows: tuple[Any, ...] = ()
        self._stopped = False
        self._scan: Scan | None = None
        self._counted = 0
        # Whether all jobs are in the rows for certain, else how complete they are; and the jobs of no row, in words.
        self._complete, self._verdict, self._rest = False, "", ""

    def stop(self) -> None:
        """Stop after the current block."""
        self._stopped = True
        if self._scan is not None:
            self._scan.cancel()

    def go_on(self) -> None:
        """Prepare to run again."""
        self.running, self._stopped, self.error = True, False, ""

    def run(self, session: Session, tell: Callable[[Message], object]) -> None:
        """Count the jobs that are left; blocks on the network."""
        try:
            if self._scan is None:
                wanted = self.wanted
                selection = {"state": wanted.state, "where": wanted.where, "group": wanted.group}
                self._scan = self._begin(session, wanted.tube, selection)
            due = time.monotonic() + PAUSE
            for batch in () if self._stopped else self._scan:  # it may be stopped before it could be cancelled
                self._add(batch)
                self._counted += len(batch)
                if self._stopped:
                    break
                if (began := time.monotonic()) >= due:
                    self._take_stock(tell)
                    ended = time.monotonic()
                    due = ended + max(PAUSE, SHARE * (ended - began))
            self.over = self._scan.seen_all
        except BeanopsError as error:
            self.error = safe_text(str(error))
        finally:
            self.running = False
            self._take_stock(tell)

    def _take_stock(self, tell: Callable[[Message], object]) -> None:
        if self._scan is not None:
            self._take_rows()
        tell(BreakdownChanged(self))

    @property
    def caption(self) -> str:
        """How many jobs were counted, and how complete that is; safe."""
        if self.error:
            return f"failed: {self.error}"
        jobs = plural(self._counted, "job")
        progress = self._scan.progress if self._scan is not None else None
        if self.running:
            left = f", {plural(progress.remaining, 'id')} to go" if progress and progress.remaining else ""
            return f"{jobs} so far{left}"
        if not self.over:
            return f"{jobs} so far, stopped"
        return f"all {jobs}{self._rest}" if self._complete else f"{jobs}{self._rest}, {safe_text(self._verdict)}"

    @abstractmethod
    def _begin(self, session: Session, tube: str, selection: dict[str, Any]) -> Scan:
        """Begin to count, and return the search for the jobs."""

    @abstractmethod
    def _add(self, batch: list[FoundJob]) -> None:
        """Count some jobs."""

    @abstractmethod
    def _take_rows(self) -> None:
        """Make the rows of what was counted, and know how complete they are."""


class GroupBreakdown(Breakdown):
    """Counts jobs by cause; the rows are `JobGroup`."""

    title = "groups by cause"
    rows: tuple[JobGroup, ...]
    _search: GroupSearch

    def _begin(self, session: Session, tube: str, selection: dict[str, Any]) -> Scan:
        from beanops.session.investigation.groups import GroupSearch  # the first paint must not wait for it

        self._search = GroupSearch(session._context, session._lookups, tube, None, MOST, **selection)
        return self._search.scan

    def _add(self, batch: list[FoundJob]) -> None:
        self._search.add(batch)

    def _take_rows(self) -> None:
        found = self._search.found()
        self.rows, self._complete, self._verdict = tuple(found.groups), found.complete, found.verdict
        groups = "other groups" if found.other_groups is None else plural(found.other_groups, "other group")
        self._rest = f", {found.others:,} in {groups}" if found.others else ""


class FacetBreakdown(Breakdown):
    """Counts jobs by the values in their bodies; the rows are `FacetRow`."""

    title = "facets"
    rows: tuple[FacetRow, ...]
    _search: FacetSearch

    def _begin(self, session: Session, tube: str, selection: dict[str, Any]) -> Scan:
        from beanops.session.investigation.facets import FacetSearch

        self._search = FacetSearch(session._context, session._lookups, tube, TOP, selection)
        return self._search.scan

    def _add(self, batch: list[FoundJob]) -> None:
        self._search.add(batch)

    def _take_rows(self) -> None:
        from beanops.session.investigation.facets import undecoded_words

        found = self._search.found()
        self.rows, self._complete, self._verdict = tuple(facet_rows(found.facets)), found.complete, found.verdict
        left_out = undecoded_words(found.facets)
        self._rest = f", {left_out}" if left_out else ""


def facet_rows(facets: Facets) -> list[FacetRow]:
    """Return the values of all paths: first the paths with few values, last those that say nothing.

    A path says nothing if all jobs have the same value there, or each another one.
    """
    rows: list[FacetRow] = []
    for facet in sorted(facets.paths, key=lambda facet: _rank(facet, facets.decoded)):
        rows += _values(facet, facets.jobs)
    for histogram in facets.histograms:
        rows += _bins(histogram, facets.jobs)
    return rows


def _rank(facet: PathFacet, decoded: int) -> tuple[int, int]:
    if not facet.top or facet.top[0].jobs <= 1:
        return (2, facet.distinct)
    return (1 if facet.distinct == 1 and facet.jobs == decoded else 0, facet.distinct)


def _values(facet: PathFacet, jobs: int) -> list[FacetRow]:
    if not facet.top:
        return []
    shown = facet.top[:1] if facet.top[0].jobs <= 1 else facet.top
    about = "~" if facet.approximate else ""
    note = f"{about}{facet.distinct:,} values" if facet.distinct > len(shown) else ""
    return [
        FacetRow(facet.path, not number, one.value, one.jobs, one.jobs / jobs, one.where, "" if number else note)
        for number, one in enumerate(shown)
    ]


def _bins(histogram: Histogram, jobs: int) -> list[FacetRow]:
    from beanops.text import span

    written: Callable[[int], str] = span if histogram.column == "age" else lambda number: f"{number:,}"
    rows: list[FacetRow] = []
    for one in histogram.bins:
        value = written(one.start) if one.end == one.start + 1 else f"{written(one.start)} to {written(one.end)}"
        if one.jobs:
            rows.append(FacetRow(histogram.column, not rows, value, one.jobs, one.jobs / jobs, one.where))
    return rows
