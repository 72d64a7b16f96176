"""`JobBins`: jobs are added batch by batch, and their bins are known at any time."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from beanops.jobs.bins.body_values import BodyValues, expression
from beanops.jobs.bins.columns import NumberColumn, ValueColumn
from beanops.jobs.bins.dimensions import NO_BIN, Dimension
from beanops.jobs.bins.kept_bodies import KeptBodies
from beanops.jobs.bodies import Reader
from beanops.jobs.bodies.paths import Steps, parse_path
from beanops.jobs.causes import Causes
from beanops.jobs.facets import FacetCounter, PathFacet
from beanops.jobs.read import FoundJob

#: Jobs whose bodies say which paths are worth bins, and paths that get them without being asked for.
_SAMPLE, _PATHS = 1_000, 3
#: Share of the jobs that must have a path for that, and its different values.
_SHARE, _FEW = 0.5, 40
#: The numbers that have bins, with their units.
_NUMBERS = {"size": "bytes", "priority": "count", "reserves": "count", "timeouts": "count", "kicks": "count"}


class JobBins:
    """The bins of jobs, in the order in which the jobs are added.

    Parameters
    ----------
    reader : Reader
        Says what may be shown of a body.

    Attributes
    ----------
    reader : Reader
        The same.
    ids : array of int
        The jobs.
    bodies : KeptBodies
        Their bodies.
    paths : tuple of PathFacet
        What the bodies of the first jobs have, in their order.
    gone : set of int
        Jobs that were added and are no longer there: they have no bin.

    Examples
    --------
    >>> from beanops.protocol import JobStats
    >>> stats = JobStats(1, "mail", "ready", 0, 5, 0, 60, 0, 0, 0, 0, 0, 0, 0)
    >>> jobs = JobBins(Reader())
    >>> jobs.add([FoundJob(stats._replace(id=id), b'{"user": %d}' % (id % 2)) for id in range(4)])
    >>> bins = jobs.dimensions(0.0)["$.user"]
    >>> bins.counts, bins.where([1])
    ([2, 2], "(data->>'$.user') = '1'")
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._causes = Causes(reader)
        self._moments = NumberColumn("age", "time")
        self._numbers = {name: NumberColumn(name, unit) for name, unit in _NUMBERS.items()}
        self._values = {name: ValueColumn(name, name, unit) for name, unit in (("state", "state"), ("tube", "tube"))}
        self._groups = ValueColumn("cause", "group_name", "cause", always=True)
        self._by_path: dict[str, ValueColumn] = {}
        self._steps: dict[str, Steps] = {}
        self._sample: FacetCounter | None = FacetCounter(reader)
        self._places: dict[int, int] = {}
        self.ids = array("Q")
        self.bodies = KeptBodies()
        self.paths: tuple[PathFacet, ...] = ()
        self.gone: set[int] = set()

    def add(self, jobs: Sequence[FoundJob]) -> None:
        """Add jobs with their bodies."""
        if not jobs:
            return
        before = len(self.ids)
        self.ids.extend([job.id for job in jobs])
        self._places.clear()
        for column, values in zip(self._of_stats, self._read(jobs), strict=True):
            column.add(values)
        bodies = [job.body for job in jobs]
        self.bodies.add(bodies)
        if self._by_path:
            values = BodyValues(self.reader, list(self._steps.values())).of(bodies)
            for column, found in zip(self._by_path.values(), values, strict=True):
                column.add(found)
        if self._sample is not None:
            self._sample.add(jobs[: _SAMPLE - before])
            self.paths = self._sample.result(8).paths
            if len(self.ids) >= _SAMPLE:
                self._sample = None
            if before == 0 or self._sample is None:
                self._choose_paths(min(len(self.ids), _SAMPLE))

    @property
    def _of_stats(self) -> list[NumberColumn | ValueColumn]:
        return [self._moments, self._groups, *self._values.values(), *self._numbers.values()]

    def _read(self, jobs: Sequence[FoundJob]) -> list[list[Any]]:
        """Return the values of the columns that are no paths."""
        causes = [self._causes.of(job.body) for job in jobs]
        for cause in set(causes):
            self._groups.label(cause.name, cause.text)
        stats = [job.stats for job in jobs]
        return [
            [job.created or 0.0 for job in jobs],
            [cause.name for cause in causes],
            *([getattr(one, name) for one in stats] for name in self._values),
            *([job.size if name == "size" else getattr(job.stats, name) for job in jobs] for name in self._numbers),
        ]

    def update(self, jobs: Iterable[FoundJob]) -> list[FoundJob]:
        """Bring jobs up to date, and return those that were not added before."""
        new = []
        for job in jobs:
            self.gone.discard(job.id)
            place = self.place(job.id)
            if place is None:
                new.append(job)
                continue
            for column, (value,) in zip(self._of_stats, self._read([job]), strict=True):
                if column is not self._groups:
                    column.put(place, value)
        return new

    def place(self, id: int) -> int | None:
        """Return the place of a job, None if it was not added."""
        if len(self._places) != len(self.ids):
            self._places = {id: place for place, id in enumerate(self.ids)}
        return self._places.get(id)

    # -- paths -------------------------------------------------------------------------------------------------------

    def _choose_paths(self, jobs: int) -> None:
        """Add the paths that part the jobs into few groups."""
        ranked = sorted((facet for facet in self.paths if _parts(facet, jobs)), key=lambda facet: facet.distinct)
        for facet in ranked[: _PATHS - len(self._by_path)]:
            if facet.path not in self._by_path:
                self.add_path(facet.path)

    def add_path(self, path: str, going_on: Callable[[], bool] = lambda: True) -> bool:
        """Add a path such as ``$.user.id``, and read it from all bodies.

        Parameters
        ----------
        path : str
            The path.
        going_on : callable
            Asked from time to time; the path is not added if it returns False.

        Raises
        ------
        PathError
            It is no path.
        """
        steps = parse_path(path)
        column, values = ValueColumn(path, expression(steps)), BodyValues(self.reader, [steps])
        for bodies in self.bodies.parts():
            column.add(values.of(bodies)[0])
            if not going_on():
                return False
        self._by_path[path], self._steps[path] = column, steps
        return True

    def drop_path(self, path: str) -> None:
        """Remove a path."""
        self._by_path.pop(path, None)
        self._steps.pop(path, None)

    @property
    def chosen_paths(self) -> list[str]:
        """The paths that have bins."""
        return list(self._by_path)

    # -- bins --------------------------------------------------------------------------------------------------------

    def dimensions(self, at: float, kept: Mapping[str, Dimension] = {}) -> dict[str, Dimension]:
        """Return the bins of everything in which the jobs differ, and of their causes, by name.

        Parameters
        ----------
        at : float
            The present, in seconds since 1970.
        kept : mapping
            Bins whose bounds and values are kept, because some of them are chosen.
        """
        found: dict[str, Dimension] = {}
        left = [place for id in self.gone if (place := self.place(id)) is not None]
        for column in (*self._of_stats, *self._by_path.values()):
            bins = column.bins(at, kept.get(column.name))  # type: ignore[arg-type]
            if bins is not None:
                bins.codes[left] = NO_BIN
                found[column.name] = bins
        return found

    @property
    def state(self) -> str:
        """The state of all jobs, if it is the same."""
        return self._values["state"].only


def _parts(facet: PathFacet, jobs: int) -> bool:
    """Whether a path parts jobs into few groups of several."""
    if "[*]" in facet.path or facet.sql is None or facet.jobs < _SHARE * jobs:
        return False
    return 2 <= facet.distinct <= min(_FEW, jobs / 2)
