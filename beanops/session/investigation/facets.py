"""`find_facets`: search for jobs, and return what their bodies have in common, as records and as frames."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from beanops.html import card
from beanops.jobs.facets import FacetCounter, Facets, PathFacet, Undecoded
from beanops.jobs.facets.collector import CountedFacets
from beanops.jobs.read import FoundJob
from beanops.jobs.rows import Tube
from beanops.jobs.search.scan import Scan
from beanops.protocol.limits import check_number
from beanops.session.context import Context
from beanops.session.lookups import Lookups
from beanops.text import percentage, plural, safe_text

if TYPE_CHECKING:
    import pandas

#: Values of each path, by default and at most.
TOP, MOST = 10, 1000
#: Paths, and values of each, in a notebook.
_SHOWN_PATHS, _SHOWN_VALUES = 50, 3


class FoundFacets:
    """What the decoded bodies of jobs have in common, and how the jobs' own numbers are distributed.

    Attributes
    ----------
    facets : Facets
        All of it as records.
    complete : bool
        Whether all jobs that match were found.
    verdict : str
        The same in words, with the bodies that were not decoded.
    """

    def __init__(self, facets: Facets, scan: Scan) -> None:
        self.facets = facets
        self.complete = scan.complete or scan.sure
        left_out = undecoded_words(facets)
        self.verdict = f"{scan.conclusion}; {left_out}" if left_out else scan.conclusion

    @cached_property
    def paths(self) -> pandas.DataFrame:
        """One row per path in the decoded bodies, in their order.

        Columns: ``path`` (text, as in ``data->>'$.a.b'``; ``[*]`` is any item of a list); the number of ``jobs`` that
        have it (int64) and their ``share`` of all decoded jobs (float64); the number of decoded jobs without it,
        ``missing``, and of those in which it is null, ``nulls`` (int64); ``types`` (text, the most frequent first);
        the number of ``distinct`` values (int64) and whether that is ``approximate`` (bool); ``min`` and ``max`` (of
        its numbers, or else of its texts); and ``top``, a dict of the most frequent values and their jobs.
        """
        from beanops.session.investigation.facet_frames import paths_frame

        return paths_frame(self.facets)

    @cached_property
    def values(self) -> pandas.DataFrame:
        """One row per path and value, for the most frequent values of each path.

        Columns: ``path`` and ``value`` (text, as ``data->>'$.path'`` returns it; of a long text the beginning), the
        number of ``jobs`` that have it (int64), their ``share`` of all decoded jobs (float64), whether there may be
        more of them, ``approximate`` (bool), and the predicate that selects them, ``where`` (text).
        """
        from beanops.session.investigation.facet_frames import values_frame

        return values_frame(self.facets)

    @cached_property
    def histograms(self) -> pandas.DataFrame:
        """One row per bin of the jobs' own numbers: age (in seconds), size, priority, and counts that differ.

        Columns: ``column`` (text), ``start`` and ``end``, which is above the bin (float64), the number of ``jobs``
        (int64), their ``share`` of all jobs (float64), and the predicate that selects them, ``where`` (text).
        """
        from beanops.session.investigation.facet_frames import histograms_frame

        return histograms_frame(self.facets)

    @property
    def undecoded(self) -> tuple[Undecoded, ...]:
        """Jobs whose bodies were not decoded for certain, by format: number of jobs, and some ids."""
        return self.facets.undecoded

    def __repr__(self) -> str:
        return f"<FoundFacets: {plural(len(self.facets.paths), 'path')} in {plural(self.facets.jobs, 'job')}>"

    def _repr_html_(self) -> str:
        facets = self.facets
        names = ("path", "jobs", "share", "types", "distinct", "min", "max", "most frequent")
        head = "".join(f"<th style='text-align: left'>{name}</th>" for name in names)
        rows = "".join(map(self._row, facets.paths[:_SHOWN_PATHS]))
        left = len(facets.paths) - _SHOWN_PATHS
        more = f"<p>and {plural(left, 'other path')}</p>" if left > 0 else ""
        title = card(f"Facets of {plural(facets.jobs, 'job')}", {"decoded": facets.decoded, "verdict": self.verdict})
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"

    def _row(self, facet: PathFacet) -> str:
        top = ", ".join(f"{one.value} ({one.jobs:,})" for one in facet.top[:_SHOWN_VALUES])
        texts = (
            facet.path,
            f"{facet.jobs:,}",
            percentage(facet.jobs, self.facets.decoded),
            ", ".join(facet.types),
            f"{'~' if facet.approximate else ''}{facet.distinct:,}",
            "" if facet.min is None else str(facet.min),
            "" if facet.max is None else str(facet.max),
            top,
        )
        cells = (f"<td style='text-align: left'>{escape(safe_text(text, limit=120))}</td>" for text in texts)
        return f"<tr>{''.join(cells)}</tr>"


def find_facets(
    context: Context, lookups: Lookups, tube: Tube | None, top: Any, selection: Mapping[str, Any]
) -> FoundFacets:
    """Return the facets of jobs; see `Session.facets`."""
    return FacetSearch(context, lookups, tube, top, selection).run()


class FacetSearch:
    """A search for jobs of which the facets are wanted.

    Parameters
    ----------
    context : Context
        Says what may be shown of bodies.
    lookups : Lookups
        Finds the jobs.
    tube, top, selection
        As in `Session.facets`.

    Attributes
    ----------
    scan : Scan
        Finds the jobs; when it is cancelled, `run` returns the facets of those that were found.
    """

    def __init__(
        self, context: Context, lookups: Lookups, tube: Tube | None, top: Any, selection: Mapping[str, Any]
    ) -> None:
        self._top = check_number("top", top, MOST)
        # The counter hides what may not be shown, and has the jobs' sizes.
        self.scan = lookups.raw_scan(tube, **selection)
        self._counter = FacetCounter(context.reader)

    def run(self) -> FoundFacets:
        """Search, and return the facets."""
        for batch in self.scan:
            self.add(batch)
        return self.found()

    def add(self, batch: list[FoundJob]) -> None:
        """Count some jobs of the scan."""
        self._counter.add(batch)

    def merge(self, other: CountedFacets) -> None:
        """Add the jobs that a task of an executor has counted."""
        self._counter.merge(other)

    @property
    def counted(self) -> CountedFacets:
        """What was counted, for `merge`."""
        return self._counter.counted

    def found(self) -> FoundFacets:
        """Return the facets of the jobs that were counted."""
        return FoundFacets(self._counter.result(self._top), self.scan)


def undecoded_words(facets: Facets) -> str:
    """Return in words which bodies were not decoded; empty where all were."""
    if not facets.undecoded:
        return ""
    formats = ", ".join(f"{one.jobs:,} {one.format}" for one in facets.undecoded)
    return safe_text(f"{plural(facets.jobs - facets.decoded, 'body')} not decoded: {formats}")
