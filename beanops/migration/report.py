"""`MigrationReport`: what a migration would move, and what it cannot keep. Nothing is changed for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.html import card
from beanops.jobs.search.progress import Progress
from beanops.monitor.problems.server_rules import jobs_in
from beanops.monitor.sweep import sweep
from beanops.protocol import TubeStats
from beanops.protocol.states import AT_REST
from beanops.session.execution.executor import Executor
from beanops.session.old_servers.bury import watchers
from beanops.session.transfer.passes import selected
from beanops.session.transfer.steps import is_mark
from beanops.text import plural, span

if TYPE_CHECKING:
    import pandas

#: What no migration keeps.
_LOST = (
    "jobs get new ids; their age and their counts of reserves, timeouts, releases, buries and kicks start again",
    "a ready job counts one kick, and shows as its delay the time for which it was held while it was moved",
)


class MigrationEnd(NamedTuple):
    """One of the two servers of a migration.

    Attributes
    ----------
    address : str
        Where it listens.
    version : str
        The version that it reports.
    max_job_size : int
        Maximum bytes of a body, ``-z``.
    jobs : int
        Its jobs in all tubes.
    binlog : bool
        Whether it keeps its jobs in a binlog, ``-b``.
    draining : bool or None
        Whether it takes no jobs; None where it does not say.
    reserve_job : bool
        Whether it can reserve a job by its id.
    """

    address: str
    version: str
    max_job_size: int
    jobs: int
    binlog: bool
    draining: bool | None
    reserve_job: bool


class TubeToMove(NamedTuple):
    """A tube of a migration before it.

    Attributes
    ----------
    tube : str
        Its name.
    ready, delayed, buried, reserved : int
        Its jobs in each state.
    bytes, largest : int
        Bytes of the bodies of its jobs that are not reserved, and of the largest.
    too_large : int
        Jobs that the destination does not take, because of its ``-z``.
    pause_left : int
        Seconds that its pause lasts.
    using, watching : int
        Connections of producers that use it, and of workers that watch it.
    there : int
        Jobs in the tube of that name on the destination.
    watching_there : int
        Workers that watch that tube.
    """

    tube: str
    ready: int
    delayed: int
    buried: int
    reserved: int
    bytes: int
    largest: int
    too_large: int
    pause_left: int
    using: int
    watching: int
    there: int
    watching_there: int

    @property
    def jobs(self) -> int:
        """Jobs that can be moved now."""
        return self.ready + self.delayed + self.buried - self.too_large


class _Sizes:
    """Bytes of the bodies of one tube."""

    def __init__(self) -> None:
        self.bytes = self.largest = self.too_large = self.held = 0

    def add(self, size: int, most: int) -> None:
        self.bytes += size
        self.largest = max(self.largest, size)
        self.too_large += size > most


class MigrationReport:
    """What a migration would move, and what it cannot keep; `beanops.migration.report.report` makes one.

    Attributes
    ----------
    source, destination : MigrationEnd
        The two servers.
    rows : list of TubeToMove
        The tubes.
    lost : tuple of str
        What is not kept, whatever the servers are.
    notes : list of str
        What to know about these servers and tubes before they are migrated.
    conclusion : str
        How complete the search for jobs was, in words; empty where it found all.
    """

    def __init__(
        self,
        source: MigrationEnd,
        destination: MigrationEnd,
        rows: Sequence[TubeToMove],
        notes: Sequence[str],
        conclusion: str,
    ) -> None:
        self.source = source
        self.destination = destination
        self.rows = list(rows)
        self.lost = _LOST
        self.notes = list(notes)
        self.conclusion = conclusion

    @property
    def jobs(self) -> int:
        """The number of jobs that can be moved now."""
        return sum(row.jobs for row in self.rows)

    @property
    def tubes(self) -> pandas.DataFrame:
        """The tubes as a frame: the fields of `TubeToMove`, of which ``pause_left`` is a timedelta."""
        from beanops.migration.frames import tubes_frame

        return tubes_frame(self.rows, TubeToMove._fields)

    @property
    def summary(self) -> str:
        """One line with the jobs, the tubes and the two servers."""
        size = sum(row.bytes for row in self.rows)
        jobs = f"{plural(self.jobs, 'job')} of {plural(len(self.rows), 'tube')}, {plural(size, 'byte')}"
        return f"{self.source.address} ({self.source.version}) → {self.destination.address}: {jobs}"

    def __repr__(self) -> str:
        return f"<MigrationReport {self.summary}>"

    def _repr_html_(self) -> str:
        facts: dict[str, Any] = {"jobs": self.jobs, "tubes": len(self.rows)}
        facts |= {f"note {number}": note for number, note in enumerate(self.notes, 1)}
        return card(f"Migration {self.source.address} → {self.destination.address}", facts)


def report(
    here: Executor,
    there: Executor,
    tubes: Sequence[str],
    *,
    buried_as: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> MigrationReport:
    """Look at the tubes of a server, and at all of their jobs, before they are migrated.

    Parameters
    ----------
    here, there : Executor
        The source and the destination.
    tubes : sequence of str
        Names and globs.
    buried_as : str or None
        How buried jobs are put; None buries them.
    progress : callable or None
        Called with the progress of the search.
    """
    source, destination = (_facts(one) for one in (here, there))
    found = selected(here, tubes)
    others = {stats.name: stats for stats in sweep(there.lookups.looking(), {tube.name for tube in found}.__contains__)}
    sizes: dict[str, _Sizes] = {stats.name: _Sizes() for stats in found}
    verdicts = []
    for tube in tubes:
        scan = here.lookups.raw_scan(tube, state=list(AT_REST), progress=progress)
        for batch in scan:
            for job in batch:
                of = sizes.setdefault(job.stats.tube, _Sizes())
                of.add(len(job.body or b""), destination.max_job_size)
                of.held += job.stats.state == "delayed" and is_mark(job.stats.delay)
        if not scan.sure:
            verdicts.append(scan.conclusion)
    workers = there.lookups.server().current_workers
    rows = [_row(stats, sizes[stats.name], others.get(stats.name), workers) for stats in found]
    rows = [row for row in rows if row.jobs or row.reserved or row.too_large]
    notes = _notes(source, destination, rows, buried_as)
    held = sum(of.held for of in sizes.values())
    if held:
        notes.append(f"{plural(held, 'job')} may be held by a migration that was cut off: resume or undo that first")
    return MigrationReport(source, destination, rows, notes, "; ".join(verdicts))


def _facts(executor: Executor) -> MigrationEnd:
    server = executor.lookups.server()
    can = executor.lookups.capabilities_of(server)
    return MigrationEnd(
        str(executor.context.address), server.version, server.max_job_size, jobs_in(server),
        bool(server.binlog_current_index), server.draining, can.reserve_job,
    )  # fmt: skip


def _row(stats: TubeStats, sizes: _Sizes, other: TubeStats | None, workers: int) -> TubeToMove:
    return TubeToMove(
        stats.name,
        stats.current_jobs_ready, stats.current_jobs_delayed, stats.current_jobs_buried, stats.current_jobs_reserved,
        sizes.bytes, sizes.largest, sizes.too_large,
        stats.pause_time_left, stats.current_using, stats.current_watching,
        0 if other is None else jobs_in(other), 0 if other is None else watchers(other, workers),
    )  # fmt: skip


def _notes(
    source: MigrationEnd, destination: MigrationEnd, rows: Sequence[TubeToMove], buried_as: str | None
) -> list[str]:
    """Return what to know about these servers and tubes."""
    notes = []
    if destination.draining:
        notes.append(f"{destination.address} is draining and takes no jobs")
    if source.binlog and not destination.binlog:
        notes.append(f"{destination.address} has no binlog: jobs do not survive its restart, as they do on the source")
    if reserved := sum(row.reserved for row in rows):
        notes.append(f"{plural(reserved, 'job')} reserved: such jobs are moved only once their workers let them go")
    if large := sum(row.too_large for row in rows):
        most = f"{destination.max_job_size:,} bytes (-z)"
        notes.append(f"{plural(large, 'job')} larger than the {most} of the destination: these stay")
    for row in rows:
        if row.pause_left:
            notes.append(f"tube {row.tube} is paused for {span(row.pause_left)}, and is then paused there too")
        if row.buried and not buried_as and not destination.reserve_job and row.watching_there:
            notes.append(f"buried jobs of tube {row.tube} stay: workers watch it there; pass --as parked or --as ready")
        if row.there:
            notes.append(f"tube {row.tube} has {plural(row.there, 'job')} there already: these come first, as older")
    connected = [row for row in rows if row.using or row.watching]
    if connected:
        using, watching = (sum(getattr(row, name) for row in connected) for name in ("using", "watching"))
        notes.append(
            f"producers use these tubes {using:,} times, workers watch them {watching:,} times: switch them over"
        )
    if not source.reserve_job and any(row.ready for row in rows):
        notes.append(f"{source.address} cannot reserve by id: other ready jobs are reserved for a moment too")
    return notes
