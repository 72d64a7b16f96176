"""`FacetCounter`: jobs are added batch by batch, and what they have in common is known at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from beanops.jobs.bodies import Reader
from beanops.jobs.facets.decoding import QuickReader
from beanops.jobs.facets.histograms import Histograms
from beanops.jobs.facets.results import Facets, Undecoded
from beanops.jobs.facets.tree import NotPlain, PathTree
from beanops.jobs.read import FoundJob

#: Bytes of bodies, and jobs, that are counted at once: few, because their data should stay in the processor's cache.
_BYTES, _JOBS = 4 * 2**20, 512
#: Formats of undecoded bodies, and ids of each, that are named.
_FORMATS, _SAMPLE = 20, 5


class CountedFacets(NamedTuple):
    """What a counter has counted; it can be pickled.

    Attributes
    ----------
    tree, histograms
        Of bodies, and of the jobs' own numbers.
    jobs, decoded : int
        Number of jobs, and of those whose bodies were decoded.
    undecoded : dict
        The number of other jobs, and some ids, by format.
    """

    tree: PathTree
    histograms: Histograms
    jobs: int
    decoded: int
    undecoded: dict[str, tuple[int, tuple[int, ...]]]


class FacetCounter:
    """Counts the paths and values of jobs' bodies, and the jobs' own numbers, in bounded memory.

    Parameters
    ----------
    reader : Reader
        Says what may be shown of a body.

    Examples
    --------
    >>> from beanops.jobs.read import FoundJob
    >>> from beanops.protocol import JobStats
    >>> stats = JobStats(1, "mail", "ready", 0, 5, 0, 60, 0, 0, 0, 0, 0, 0, 0)
    >>> counter = FacetCounter(Reader())
    >>> counter.add([FoundJob(stats, b'{"user": 7}'), FoundJob(stats, b'{"user": 9}')])
    >>> [(facet.path, facet.jobs, facet.min, facet.max) for facet in counter.result().paths]
    [('$.user', 2, 7, 9)]
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = QuickReader(reader)
        self._tree = PathTree()
        self._histograms = Histograms()
        self._jobs = self._decoded = 0
        self._undecoded: dict[str, tuple[int, tuple[int, ...]]] = {}

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs with their bodies."""
        self._jobs += len(jobs)
        self._histograms.add(jobs)
        for start in range(0, len(jobs), _JOBS):
            self._add_part(jobs[start : start + _JOBS])

    def _add_part(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs, in parts where their bodies are large."""
        if len(jobs) > 1 and sum(len(job.body) for job in jobs if job.body is not None) > _BYTES:
            half = len(jobs) // 2
            self._add_part(jobs[:half])
            self._add_part(jobs[half:])
        else:
            self._add(jobs)

    def _add(self, jobs: Sequence[FoundJob]) -> None:
        read = self._reader.read([job.body for job in jobs])
        rows = [data for data in read if data is not None]
        uncertain = [job for job, data in zip(jobs, read, strict=True) if data is None] if len(rows) < len(read) else []
        try:
            self._tree.add(rows, certain=False)
            self._decoded += len(rows)
        except NotPlain:
            self._add_certain([(job, data) for job, data in zip(jobs, read, strict=True) if data is not None])
        self._add_certain([(job, None) for job in uncertain])

    def _add_certain(self, jobs: list[tuple[FoundJob, Any]]) -> None:
        """Add jobs after each is decoded for certain; what they unpack to is counted a part at a time."""
        rows: list[Any] = []
        size = 0
        for job, data in jobs:
            if job.body is None:
                self._leave_out("no body", job)
                continue
            found = self._reader.exact(job.body) if data is None else self._reader.certain(data, job.body)
            if found.undecoded:
                self._leave_out(found.undecoded, job)
                continue
            rows.append(found.data)
            size += found.weight
            if size >= _BYTES:
                self._count(rows)
                rows, size = [], 0
        self._count(rows)

    def _count(self, rows: list[Any]) -> None:
        self._tree.add(rows, certain=True)
        self._decoded += len(rows)

    def _leave_out(self, form: str, job: FoundJob) -> None:
        known = self._undecoded
        if form not in known and len(known) >= _FORMATS:
            form = "other formats"
        jobs, sample = known.get(form, (0, ()))
        known[form] = jobs + 1, (*sample, job.id) if len(sample) < _SAMPLE else sample

    def merge(self, other: CountedFacets) -> None:
        """Add the jobs that another counter has counted."""
        self._tree.merge(other.tree)
        self._histograms.merge(other.histograms)
        self._jobs += other.jobs
        self._decoded += other.decoded
        for form, (jobs, sample) in other.undecoded.items():
            name = form if form in self._undecoded or len(self._undecoded) < _FORMATS else "other formats"
            known, before = self._undecoded.get(name, (0, ()))
            self._undecoded[name] = known + jobs, (*before, *sample)[:_SAMPLE]

    @property
    def counted(self) -> CountedFacets:
        """What it has counted, for `merge` in another process."""
        return CountedFacets(self._tree, self._histograms, self._jobs, self._decoded, self._undecoded)

    def result(self, top: int = 10) -> Facets:
        """Return what is known so far.

        Parameters
        ----------
        top : int
            Number of values of each path.
        """
        undecoded = [Undecoded(form, jobs, sample) for form, (jobs, sample) in self._undecoded.items()]
        return Facets(
            jobs=self._jobs,
            decoded=self._decoded,
            paths=self._tree.results(self._decoded, top),
            other_paths=self._tree.dropped,
            histograms=self._histograms.results(),
            undecoded=tuple(sorted(undecoded, key=lambda one: -one.jobs)),
        )
