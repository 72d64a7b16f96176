"""Groups of jobs: by their cause, or by any SQL expression. `jobs.causes` names causes and counts, `GroupSearch` looks.

Groups stay bounded in memory whatever the jobs are: the most common ones are kept, the jobs of the rest are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from beanops.jobs.causes import Cause, Causes, Group, Tally
from beanops.jobs.groups import both, is_groups, place_of
from beanops.jobs.read import FoundJob
from beanops.jobs.rows import Tube, tube_of
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import TUBE_OR_GLOB, names_of
from beanops.jobs.sql.job_values import JobValues
from beanops.jobs.sql.where import undecoded_words
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX, check_number
from beanops.session.context import Context
from beanops.session.lookups import Lookups
from beanops.text import safe_text

if TYPE_CHECKING:
    import pandas

    from beanops.frames import Source

#: Groups that a frame has, and those that are kept while jobs are counted, at least.
MOST, _KEPT = 100, 2000
#: Parts of a trend.
_PARTS = 12
#: How often a job of a group does something on average where that is a sign of a cause, and what to call it.
_SIGNS = (
    ("timeouts", 1.5, "times out again and again"),
    ("releases", 2.5, "released again and again"),
    ("buries", 1.5, "buried again and again"),
)
#: Characters of a group's name that a value makes.
_NAME = 60


class JobGroup(NamedTuple):
    """One group of jobs: a row of `Session.groups`, which describes the columns."""

    name: str | None
    count: int  # type: ignore[assignment]  # a tuple has a method of that name
    share: float
    oldest: datetime | None
    newest: datetime | None
    trend: tuple[int, ...]
    cause: str | None
    timeouts: int
    releases: int
    buries: int
    hint: str
    sample_id: int
    sample: str
    tube: str
    state: str | None
    where: str


class FoundGroups(NamedTuple):
    """Groups, and the jobs in none of them.

    Attributes
    ----------
    groups : list of JobGroup
        The groups, the largest first.
    others : int
        Number of jobs in other groups.
    other_groups : int or None
        Number of the other groups; None where they were too many to count.
    total : int
        Number of jobs.
    complete : bool
        Whether all jobs that match are in it.
    verdict : str
        The same in words.
    """

    groups: list[JobGroup]
    others: int
    other_groups: int | None
    total: int
    complete: bool
    verdict: str


class CountedGroups(NamedTuple):
    """What a search has counted; it can be pickled.

    Attributes
    ----------
    tally : Tally
        Jobs by cause, or by the value of the expression.
    undecoded : int
        Number of jobs for which the expression has no value.
    """

    tally: Tally[Any]
    undecoded: int


class GroupSearch:
    """Finds jobs and counts them by group; `run` it, from any state of its scan.

    Parameters
    ----------
    context : Context
        Says what may be shown of bodies.
    lookups : Lookups
        Finds jobs.
    tube : str, row, groups or None
        Whose jobs; None is all tubes.
    by : str or None
        SQL expression to group by; None groups by cause.
    most : int
        Maximum number of groups.
    selection : mapping
        As the keywords of `Lookups.raw_scan`.

    Attributes
    ----------
    scan : Scan
        The search, which a caller can cancel.
    """

    def __init__(
        self,
        context: Context,
        lookups: Lookups,
        tube: Tube | None = None,
        by: str | None = None,
        most: SupportsIndex = MOST,
        **selection: Any,
    ) -> None:
        self._most = check_number("most", most, U32_MAX)
        self._context, self._lookups = context, lookups
        self._values = None if by is None else JobValues(by, context.redact, context.query_timeout)
        self._causes = Causes(context.reader)
        self._tally: Tally[Any] = Tally(max(_KEPT, self._most))
        self._undecoded = 0
        self._tube, states = place_of(tube) if is_groups(tube) else (_tube(tube), None)
        state = selection.get("state")
        self._state = states if state is None else ",".join(names_of("state", state))
        bodies = self._values is None or self._values.needs_bodies
        self.scan: Scan = lookups.raw_scan(tube, **selection, bodies=bodies)
        # Jobs that groups were taken of, or that a predicate left, stay left out where a group acts.
        self._where = self.scan.where

    def run(self) -> None:
        """Count the jobs that are left to find."""
        for batch in self.scan:
            self.add(batch)

    def add(self, batch: list[FoundJob]) -> None:
        """Count some jobs of the scan."""
        if self._values is None:
            self._tally.add_all(map(self._causes.of, [job.body for job in batch]), batch)
            return
        values = self._values.of(batch)
        self._undecoded += len(values.undecoded)
        self._tally.add_all(values.values, values.jobs)

    def merge(self, other: CountedGroups) -> None:
        """Add the jobs that a task of an executor has counted."""
        self._tally.merge(other.tally)
        self._undecoded += other.undecoded

    @property
    def counted(self) -> CountedGroups:
        """What was counted, for `merge`."""
        return CountedGroups(self._tally, self._undecoded)

    def found(self) -> FoundGroups:
        """Return the groups of the jobs that were found."""
        ranked, total = self._tally.groups(), self._tally.count
        shown = ranked[: self._most]
        times = [at for _, group in ranked for at in (group.oldest, group.newest) if at is not None]
        span = (min(times), max(times)) if times else (0.0, 0.0)
        lines = self._sample_lines([group.sample for _, group in shown])
        groups = [self._row(key, group, line, span, total) for (key, group), line in zip(shown, lines, strict=True)]
        others = total - sum(group.count for group in groups)
        counted = None if self._tally.others else len(ranked) - len(shown)
        scan, words = self.scan, [self.scan.conclusion]
        if self._undecoded:
            words.append(undecoded_words(self._undecoded, "an expression on data has no value"))
        complete = (scan.complete or scan.sure) and not self._undecoded
        return FoundGroups(groups, others, counted, total, complete, "; ".join(words))

    def _row(self, key: Any, group: Group, line: str, span: tuple[float, float], total: int) -> JobGroup:
        name, cause, where = self._named(key)
        counts = {sign: getattr(group, sign) for sign, _, _ in _SIGNS}
        hints = [words for sign, least, words in _SIGNS if counts[sign] >= least * group.count]
        return JobGroup(
            name, group.count, group.count / total, _moment(group.oldest), _moment(group.newest),
            _trend(group, span), cause, **counts, hint=", ".join(hints), sample_id=group.sample.id,
            sample=line, tube=self._tube, state=self._state, where=where,
        )  # fmt: skip

    def _named(self, key: Any) -> tuple[str | None, str | None, str]:
        """Return the name of a group, its cause, and the predicate of its jobs."""
        if isinstance(key, Cause):
            return key.name, key.text, self._within(f"group_name = '{key.name}'")
        assert self._values is not None
        return None if key is None else safe_text(key, limit=_NAME), None, self._within(self._values.where(key))

    def _within(self, where: str) -> str:
        return where if self._where is None else both(where, self._where) or where

    def _sample_lines(self, samples: Sequence[FoundJob]) -> Iterator[str]:
        """Yield one line of the body of each job, read again where it is not there; empty for a job that is gone."""
        bodies = {job.id: job.body for job in samples if job.body is not None}
        missing = [job for job in samples if job.body is None and job.stats.state != "invalid"]
        with suppress(BeanopsError):  # without the server the groups are still known
            for job, again in zip(missing, self._lookups.jobs_by_id(job.id for job in missing), strict=True):
                if again is not None and again.body is not None and again.instance == job.instance:
                    bodies[job.id] = again.body
        for job in samples:
            body = bodies.get(job.id)
            yield "" if body is None else self._context.decode(body).summary


def groups(context: Context, lookups: Lookups, tube: Tube | None, **asked: Any) -> pandas.DataFrame:
    """Return groups of jobs as a frame; see `Session.groups`."""
    search = GroupSearch(context, lookups, tube, **asked)
    search.run()
    return groups_frame(search.found())


def groups_frame(found: FoundGroups) -> pandas.DataFrame:
    """Return groups as a frame."""
    from beanops.frames import frame

    table = frame(found.groups, _SOURCES)
    facts = ("others", "other_groups", "total", "complete", "verdict")
    table.attrs |= {name: getattr(found, name) for name in facts}
    return table


def _seconds(name: str) -> Source:
    return "moment", lambda group: None if (at := getattr(group, name)) is None else at.timestamp()


_SOURCES: dict[str, Source] = {
    "name": ("str", "name"),
    "count": ("int64", "count"),
    "share": ("float64", "share"),
    "oldest": _seconds("oldest"),
    "newest": _seconds("newest"),
    "trend": ("object", "trend"),
    "cause": ("str", "cause"),
    **{name: ("int64", name) for name in ("timeouts", "releases", "buries")},
    "hint": ("str", "hint"),
    "sample_id": ("uint64", "sample_id"),
    "sample": ("str", "sample"),
    "tube": ("str", "tube"),
    "state": ("str", "state"),
    "where": ("str", "where"),
}


def _trend(group: Group, span: tuple[float, float]) -> tuple[int, ...]:
    # Times of puts are known to the second.
    return tuple(group.trend(*span, _PARTS)) if span[1] - span[0] >= _PARTS else ()


def _tube(tube: Tube | None) -> str:
    return "*" if tube is None else tube_of(tube, allowed=TUBE_OR_GLOB)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
