"""Searches in the tasks of an executor: each looks at a part of the ids, and returns what it found or counted.

A part whose task fails is looked at in this process, so that the result is the same as without an executor.
"""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from beanops.client.instances import is_same
from beanops.jobs.facets.collector import CountedFacets
from beanops.jobs.frames import job_columns, jobs_frame, needs_bodies
from beanops.jobs.read import BodyForm, FoundJob
from beanops.jobs.rows import Tube
from beanops.jobs.search.scan import Scan
from beanops.jobs.search.top_n import First
from beanops.jobs.snapshot import check_new, save_apart, save_parts
from beanops.journal.records import Refused
from beanops.protocol.errors import ArgumentError
from beanops.session.context import Context
from beanops.session.distributed.workers import Workers, WorkersLost, words_of
from beanops.session.distributed.workplace import Workplace
from beanops.session.execution.connection_use import restarted
from beanops.session.investigation.facets import FacetSearch, FoundFacets
from beanops.session.investigation.groups import CountedGroups, GroupSearch, groups_frame
from beanops.session.lookups import Lookups, Snapshot
from beanops.shown_frame import ShownFrame
from beanops.text import plural

if TYPE_CHECKING:
    import pandas

    from beanops.frames import Source

#: Ids of a task, at least and at most.
_LEAST, _MOST = 8192, 262_144
#: Tasks for each worker, so that one that is slower does less.
_EACH = 4
#: Options of a search that its tasks have too.
_OF_TASKS = ("rate", "polite", "connections")


class Columns(NamedTuple):
    """The columns of a frame of jobs, as the caller has asked for them: their functions cannot be pickled."""

    bodies: BodyForm
    decoded: bool
    columns: Iterable[str] | None

    @property
    def sources(self) -> dict[str, Source]:
        """The columns with their functions."""
        return job_columns(self.bodies, decoded=self.decoded, columns=self.columns)


class Search(NamedTuple):
    """A search for jobs as its tasks know it.

    Attributes
    ----------
    instance : str
        The server process that the ids are of.
    tube : str or None
        A name or a glob.
    selection : mapping
        As the keywords of `Lookups.raw_scan`.
    """

    instance: str
    tube: str | None
    selection: Mapping[str, Any]


class PartResult(NamedTuple):
    """What a task found.

    Attributes
    ----------
    ids : array of int
        The ids of the selected jobs.
    matched, undecoded : int
        Number of jobs that match, and of those that could not be decoded for the predicate.
    value : object
        What the task makes of the jobs.
    """

    ids: Any
    matched: int
    undecoded: int
    value: Any


def in_parts(
    workplace: Workplace, search: Search, part: Sequence[int], use: Callable[..., Any], *arguments: Any
) -> PartResult:
    """Look at a part of the ids; the task of an executor.

    Parameters
    ----------
    workplace : Workplace
        Opens a session.
    search : Search
        Which jobs.
    part : sequence of int
        The ids.
    use : callable
        A function of a module: is given the context and the lookups of that session, the arguments of a scan, and
        `arguments`; returns the scan and what it makes of the jobs.
    """
    with workplace.context() as context:
        lookups = Lookups(context)
        client = lookups.looking()
        if not is_same(client.instance, search.instance):
            raise Refused(restarted(client.address))
        scan, value = use(context, lookups, {"tube": search.tube, "ids": part, **search.selection}, *arguments)
        if not is_same(lookups.server().id, search.instance):
            raise Refused(restarted(client.address))
        return PartResult(array("Q", scan.found), scan.progress.found, scan.undecoded, value)


class TasksFailed(UserWarning):
    """Some tasks of a search failed, and this process did what they should have done."""


class PartedScan:
    """The ids of a scan in parts, for the tasks of an executor.

    Parameters
    ----------
    context : Context
        Of the session that was called.
    scan : Scan
        The scan; what no task has looked at is left to it.
    how : mapping
        Options of the search besides its jobs, such as ``rate``.
    source : str
        For the journal.

    Raises
    ------
    ArgumentError
        The search has a limit.
    """

    def __init__(self, context: Context, scan: Scan, how: Mapping[str, Any], source: str) -> None:
        if scan.selection.limit is not None:
            raise ArgumentError("limit", scan.selection.limit, "None with an executor, whose tasks look at all ids")
        self.scan = scan
        self._how = {name: how[name] for name in _OF_TASKS if how.get(name) is not None}
        self.workplace = Workplace.of(context, source)

    def cut(self, workers: int, size: int | None = None) -> list[Sequence[int]]:
        """Begin the scan, and return its ids in parts: a few for each worker, or of a size."""
        ids = self.scan.prepare()
        return self.scan.hand_out(size or min(_MOST, max(_LEAST, -(-ids // (_EACH * workers)))))

    def search(self, workers: int) -> Search:
        """Return the search that all tasks have in common."""
        chosen, shared = self.scan.selection, dict(self._how)
        if "rate" in shared:
            shared["rate"] /= workers
        order = chosen.order if chosen.order in ("newest", "oldest") else "newest"
        shared |= {"state": sorted(chosen.states), "where": chosen.where, "order": order}
        return Search(self.scan.server_process, chosen.tube, shared)

    def run(self, executor: Any, use: Callable[..., Any], *arguments: Any) -> Iterator[tuple[int, Any]]:
        """Have tasks look at the parts; yield the number of each part and what its task made of it, as it ends."""
        workers = Workers(executor)
        parts = self.cut(workers.number)
        search = self.search(workers.number)
        left, why = dict(enumerate(parts)), ""
        at_once = workers.number if "rate" in self._how else 2 * workers.number
        tasks = ((self.workplace, search, part, use, *arguments) for part in parts)
        try:
            with closing(workers.run(in_parts, tasks, at_once=at_once, cancelled=lambda: self.scan.cancelled)) as ended:
                for end in ended:
                    if end.error is None:
                        found: PartResult = end.result
                        self.scan.note(left.pop(end.number), found.ids, found.matched, found.undecoded)
                        yield end.number, found.value
                    else:
                        why = why or words_of(end.error)
        except WorkersLost as error:
            why = str(error)
        finally:
            if why:
                number = f"{len(left)} of {plural(len(parts), 'part')}"
                warnings.warn(f"{number} of a search are done by this process: {why}", TasksFailed, stacklevel=4)
            for part in left.values():
                self.scan.take_back(part)


def facets_in_parts(
    context: Context,
    lookups: Lookups,
    tube: Tube | None,
    top: SupportsIndex,
    how: dict[str, Any],
    executor: Any,
    source: str,
) -> FoundFacets:
    """Return the facets of jobs, counted by the tasks of an executor; see `Session.facets`."""
    search = FacetSearch(context, lookups, tube, top, how)
    for _, counted in PartedScan(context, search.scan, how, source).run(executor, count_facets):
        search.merge(counted)
    return search.run()


def count_facets(context: Context, lookups: Lookups, which: dict[str, Any]) -> tuple[Scan, CountedFacets]:
    """Count the facets of the jobs of a part."""
    search = FacetSearch(context, lookups, which.pop("tube"), 1, which)
    search.run()
    return search.scan, search.counted


def groups_in_parts(
    context: Context,
    lookups: Lookups,
    tube: Tube | None,
    by: str | None,
    most: SupportsIndex,
    how: dict[str, Any],
    executor: Any,
    source: str,
) -> pandas.DataFrame:
    """Return groups of jobs, counted by the tasks of an executor; see `Session.groups`."""
    search = GroupSearch(context, lookups, tube, by, most, **how)
    for _, counted in PartedScan(context, search.scan, how, source).run(executor, count_groups, by, int(most)):
        search.merge(counted)
    search.run()
    return groups_frame(search.found())


def count_groups(
    context: Context, lookups: Lookups, which: dict[str, Any], by: str | None, most: int
) -> tuple[Scan, CountedGroups]:
    """Count the jobs of a part by group."""
    del which["order"]  # groups have none
    search = GroupSearch(context, lookups, which.pop("tube"), by, most, **which)
    search.run()
    return search.scan, search.counted


def jobs_in_parts(
    context: Context, scan: Scan, columns: Columns, how: Mapping[str, Any], executor: Any, source: str
) -> pandas.DataFrame:
    """Return jobs as a frame whose parts the tasks of an executor have made."""
    parted, order = PartedScan(context, scan, how, source), scan.selection.order
    if order not in ("newest", "oldest"):
        found = [job for _, jobs in parted.run(executor, read_jobs, needs_bodies(columns.sources)) for job in jobs]
        found += [job for batch in scan for job in batch]
        first = First(order, None)
        first.add(sorted(found, key=lambda job: job.id, reverse=True))
        return jobs_frame(first.jobs, columns.sources)
    import pandas as pd

    parts = sorted(parted.run(executor, read_frame, columns), key=lambda part: part[0])
    rest = jobs_frame([job for batch in scan for job in batch], columns.sources)
    # A frame that was pickled is a plain one.
    frames: pandas.DataFrame = ShownFrame(pd.concat([*(frame for _, frame in parts), rest], ignore_index=True))
    if len(rest) and "id" in frames.columns:  # of parts that no task has looked at
        frames = frames.sort_values("id", ascending=order == "oldest", ignore_index=True)
    return frames


def read_jobs(context: Context, lookups: Lookups, which: dict[str, Any], bodies: bool) -> tuple[Scan, list[FoundJob]]:
    """Return the jobs of a part."""
    scan = lookups.scan(**which, bodies=bodies)
    return scan, [job for batch in scan for job in batch]


def read_frame(
    context: Context, lookups: Lookups, which: dict[str, Any], columns: Columns
) -> tuple[Scan, pandas.DataFrame]:
    """Return the jobs of a part as a frame."""
    scan = lookups.scan(**which, bodies=needs_bodies(columns.sources))
    return scan, jobs_frame([job for batch in scan for job in batch], columns.sources)


def snapshot_in_parts(
    context: Context,
    lookups: Lookups,
    directory: str | PathLike[str],
    tube: Tube | None,
    how: dict[str, Any],
    executor: Any,
    source: str,
) -> Snapshot:
    """Write jobs to Parquet files by the tasks of an executor; see `Session.snapshot`."""
    check_new(Path(directory))
    scan = lookups.scan(tube, **{"order": "oldest", **how})
    parted = PartedScan(context, scan, how, source)

    def written(workshop: Path) -> Iterator[Path]:
        yield from (folder for _, folder in parted.run(executor, save_part, workshop))

    saved = save_parts(written, scan, Path(directory))
    return Snapshot(saved, scan.complete or scan.sure, scan.conclusion)


def save_part(context: Context, lookups: Lookups, which: dict[str, Any], workshop: Path) -> tuple[Scan, Path]:
    """Write the jobs of a part to files of its own, and return their folder."""
    scan = lookups.scan(**which)
    lowest = min(which["ids"][0], which["ids"][-1])
    return scan, save_apart(scan, workshop, f"{lowest}-")
