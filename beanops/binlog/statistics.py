"""Statistics of a log: jobs by state, tube and file after a start, and what the start does to its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from beanops.binlog.folder import Holder
from beanops.binlog.formats import STATES
from beanops.binlog.log_reading import ReplayedLog
from beanops.binlog.logged_job import LoggedJob
from beanops.html import card


class LoggedTube(NamedTuple):
    """The jobs of a tube after a start, and those that do not come back.

    Attributes
    ----------
    tube : str
        Its name.
    ready, delayed, buried : int
        Jobs in each state after a start.
    lost : int
        Jobs that a start does not bring back.
    bytes : int
        Bytes of the bodies of all of these.
    """

    tube: str
    ready: int
    delayed: int
    buried: int
    lost: int
    bytes: int


class LoggedFile(NamedTuple):
    """A file of a log.

    Attributes
    ----------
    number : int
        That of its name.
    version : int or None
        That of its format; None where it has none that is known.
    bytes : int
        Its size.
    records : int
        Records in it.
    jobs : int
        Jobs that it holds after a start: it stays until they are gone.
    live_bytes : int
        Bytes of the records with their bodies.
    lost : int
        Jobs in it that a start does not bring back.
    at_start : str
        ``"kept"``, ``"removed"``, or ``"skipped"``: not read.
    """

    number: int
    version: int | None
    bytes: int
    records: int
    jobs: int
    live_bytes: int
    lost: int
    at_start: str


class LogStatistics(NamedTuple):
    """Statistics of a log.

    Attributes
    ----------
    folder : str
        Its folder.
    held_by : int or None
        The process of the server that holds it; 0 where it cannot be seen which, None where none does.
    jobs : int
        Jobs after a start.
    ready, delayed, buried : int
        Of these by state.
    reserved : int
        Of the ready ones those that were reserved in the log.
    damaged, older, again : int
        Jobs that come back with a damaged body, as they were before their last record, and although they were deleted.
    lost : int
        Jobs that a start does not bring back.
    next_id : int
        The id of the next job that is put after a start.
    files, bytes : int
        Files, and their bytes.
    live_bytes : int
        Bytes of the records with the bodies of `jobs`.
    oldest_file : int or None
        The file that `pins` is about: the first that is kept.
    max_job_size : int
        The least limit (``-z``) with which a start reads all jobs: the largest body with its line end.
    damages : int
        How many damages there are.
    """

    folder: str
    held_by: int | None
    jobs: int
    ready: int
    delayed: int
    buried: int
    reserved: int
    damaged: int
    older: int
    again: int
    lost: int
    next_id: int
    files: int
    bytes: int
    live_bytes: int
    oldest_file: int | None
    max_job_size: int
    damages: int

    def _repr_html_(self) -> str:
        return card(f"Binlog in {self.folder}", {name: getattr(self, name) for name in self._fields[1:]})


class CountedLog(NamedTuple):
    """The statistics of a log, and of its tubes and files."""

    summary: LogStatistics
    tubes: list[LoggedTube]
    files: list[LoggedFile]


def counted(folder: str, holder: Holder | None, found: ReplayedLog, logged: Iterable[LoggedJob]) -> CountedLog:
    """Return the statistics of a log that was replayed, from all of its jobs."""
    states: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    by_tube: dict[str, list[int]] = {}
    live = [0] * len(found.files)
    lost = [0] * len(found.files)
    index_of = {file.number: index for index, file in enumerate(found.files)}
    for job in logged:
        starts[job.at_start] += 1
        index = index_of[job.file]
        tube = by_tube.setdefault(job.tube, [0, 0, 0, 0, 0])
        tube[4] += job.size
        if job.at_start == "lost":
            lost[index] += 1
            tube[3] += 1
            continue
        states[job.state] += 1
        states["reserved"] += job.logged == STATES[2]
        tube[("ready", "delayed", "buried").index(job.state)] += 1
        live[index] += found.formats[index].shortest + len(job.tube) + job.size + 2
    replay = found.replay
    files = [
        LoggedFile(
            file.number, found.formats[i].version if found.known[i] else None, file.size, replay.records[i],
            replay.refs[i], live[i], lost[i], _at_start(found, i),
        )
        for i, file in enumerate(found.files)
    ]  # fmt: skip
    jobs = starts.total() - starts["lost"]
    summary = LogStatistics(
        folder, None if holder is None else holder.pid or 0, jobs, states["ready"], states["delayed"],
        states["buried"], states["reserved"], starts["damaged"], starts["older"], starts["again"], starts["lost"],
        replay.next_id, len(files), sum(file.bytes for file in files), sum(live),
        next((file.number for file in files if file.jobs), None), replay.largest[0], found.damages.count,
    )  # fmt: skip
    return CountedLog(summary, [LoggedTube(name, *by_tube[name]) for name in sorted(by_tube)], files)


def _at_start(found: ReplayedLog, index: int) -> str:
    if index in found.replay.unlinked:
        return "removed"
    return "kept" if found.known[index] and found.formats[index].native else "skipped"
