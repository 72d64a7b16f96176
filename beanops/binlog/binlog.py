"""`Binlog`: a log that is read once, and what a user asks of it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, Unpack

from beanops.binlog.damage import Damages, LogDamage
from beanops.binlog.decoder import RecordDecoder
from beanops.binlog.folder import FolderFile, LogFolder
from beanops.binlog.formats import FORMATS, HEADER, STATES, RecordFormat
from beanops.binlog.job_reader import JobReader
from beanops.binlog.logged_job import LoggedJob
from beanops.binlog.replay import OFFSET_BITS, OFFSET_MASK, LogReplay
from beanops.binlog.search import LogOptions, LogSearch
from beanops.binlog.statistics import LoggedFile, LoggedTube, LogStatistics
from beanops.jobs.hiding import hide
from beanops.jobs.read import BodyForm, FoundJob
from beanops.jobs.rows import Tube
from beanops.jobs.select import names_of, select
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.protocol.limits import MAX_BODY, check_number
from beanops.session.config import profiles
from beanops.session.keywords import explain_keywords
from beanops.text import plural

if TYPE_CHECKING:
    import pandas

    from beanops.binlog.export import LogExport
    from beanops.session.files.jsonl import File

#: The limit of a server that is started without ``-z``.
DEFAULT_MAX_JOB_SIZE = 65_535
#: How often the log of a server at work is read again, and seconds before that.
_TRIES, _PAUSE = 3, 0.05
_DEFAULT_FORMAT = FORMATS[b"\x07\0\0\0"]


class _Replayed(NamedTuple):
    """A log that was replayed: its files by index, their formats, the maps, and what is damaged."""

    files: list[FolderFile]
    formats: list[RecordFormat]
    known: list[bool]
    replay: LogReplay
    damages: Damages


@explain_keywords
class Binlog:
    """The binlog of a server, read without the server.

    It is read when something is first asked of it, and not again: open it anew to see what a server has written
    since. States and counters are those that a start of the server would show; see `LoggedJob`.

    Parameters
    ----------
    folder : str or path
        The folder, as beanstalkd has it after ``-b``.
    redact : iterable of str
        Patterns of keys whose values are hidden, such as ``"*token*"``, in addition to those of all servers of the
        configuration: a folder names no server.
    max_job_size : int or None
        The limit of the server that would start, its option ``-z``; None is a limit that no job exceeds.
    clock : callable
        Returns the time of the start, in seconds since 1970.

    Attributes
    ----------
    path : Path
        The folder.
    holder : Holder or None
        The server that held the lock when the log was opened; then the log may change while it is read.
    removed : int
        Jobs that could not be read because a server removed their file meanwhile.

    Examples
    --------
    >>> log = beanops.Binlog("/var/lib/beanstalkd")
    >>> log.stats()
    >>> log.jobs("mail*", state="buried", where="age > interval 1 day")
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        redact: Iterable[str] = (),
        max_job_size: SupportsIndex | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = LogFolder(folder)
        self.path = self._folder.path
        self.holder = self._folder.holder()
        given = (redact,) if isinstance(redact, str) else tuple(redact)
        known = (pattern for profile in profiles().values() for pattern in profile.redact)
        self.patterns = tuple(dict.fromkeys((*given, *known)))
        self._limit = None if max_job_size is None else check_number("max_job_size", max_job_size, MAX_BODY)
        self.removed = 0
        self._now = int(clock() * 10**9)

    def __repr__(self) -> str:
        return f"<Binlog {self.path}, {plural(len(self._folder.files), 'file')}>"

    def __iter__(self) -> Iterator[LoggedJob]:
        """Yield the jobs in the order of their ids, without their bodies."""
        return self._read_jobs(newest=False, bodies=False)

    # -- what users ask ------------------------------------------------------------------------------------------------

    def jobs(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        **selection: Unpack[LogOptions],
    ) -> pandas.DataFrame:
        """Return jobs as a frame, with the columns of `Session.jobs`.

        Parameters
        ----------
        tube : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        bodies : {"text", "bytes", False}
            Form of the column ``body``; False reads no bodies.
        decoded : bool
            Return Python objects in ``data``; by default it is JSON text.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        **selection
            ``ids``, ``state``, ``where``, ``limit`` and ``order`` (``"newest"`` or ``"oldest"``) as for
            `Session.jobs`; ``at_start``: only jobs of which a start makes this, such as ``"lost"``, several in a list
            or with commas.

        Returns
        -------
        pandas.DataFrame
            One row per job; ``file`` is the number of the file that holds it, ``instance`` is missing.
            ``attrs["verdict"]`` says whether these are all jobs that match.
        """
        from beanops.jobs.frames import job_columns, jobs_frame, needs_bodies
        from beanops.jobs.sql.where import undecoded_words

        wanted = job_columns(bodies, decoded=decoded, columns=columns)
        search = self.search(tube, **selection)
        found = [job for batch in self.found(search, bodies=needs_bodies(wanted)) for job in batch]
        frame = jobs_frame(found, wanted)
        notes = [undecoded_words(search.undecoded)] if search.undecoded else []
        notes += [plural(self.damage_count, "damage")] if self.damage_count else []
        frame.attrs["verdict"] = "; ".join([f"{plural(len(found), 'job')} found", *notes])
        return frame

    def pins(self) -> pandas.DataFrame:
        """Return the jobs that hold the oldest file: beanstalkd removes files from the oldest on, once they hold none.

        Returns
        -------
        pandas.DataFrame
            One row per job, the oldest first: ``id``, ``tube``, ``state``, ``age``, ``created``, ``size``, ``file``,
            ``offset``.
        """
        from beanops.frames import STATES as STATE_TYPE
        from beanops.frames import frame

        return frame(
            list(self.pinning()),
            {
                "id": ("uint64", "id"),
                "tube": ("str", "tube"),
                "state": (STATE_TYPE, "state"),
                "age": ("seconds", lambda job: job.age(self._now)),
                "created": ("moment", lambda job: job.put_at / 1e9),
                "size": ("int64", "size"),
                "file": ("int64", "file"),
                "offset": ("int64", "offset"),
            },
        )

    def stats(self) -> LogStatistics:
        """Return statistics of the log: jobs by state after a start, the next id, files and damages."""
        return self._statistics[0]

    def tubes(self) -> pandas.DataFrame:
        """Return one row per tube: jobs in each state after a start, jobs that do not come back, and bytes."""
        from beanops.frames import frame

        counts = {name: ("int64", name) for name in LoggedTube._fields[1:]}
        return frame(self.tube_rows, {"tube": ("str", "tube"), **counts})

    def files(self) -> pandas.DataFrame:
        """Return one row per file: version, bytes, records, jobs that it holds, and what a start makes of it."""
        from beanops.frames import frame

        counts = {name: ("int64", name) for name in ("bytes", "records", "jobs", "live_bytes", "lost")}
        first = {"file": ("int64", "number"), "version": ("Int64", "version")}
        return frame(self.file_rows, {**first, **counts, "at_start": ("str", "at_start")})

    def damages(self) -> pandas.DataFrame:
        """Return one row per damage: file, offset, kind, job and what a start does; the first thousand."""
        from beanops.frames import frame

        texts = ("file", "kind", "text")
        kinds = {name: ("str", name) if name in texts else ("Int64", name) for name in LogDamage._fields}
        return frame(self.damage_list, kinds)

    def export(
        self,
        file: File,
        tube: Tube | None = None,
        *,
        damaged: bool = False,
        force: bool = False,
        **selection: Unpack[LogOptions],
    ) -> LogExport:
        """Write jobs as JSON lines for `Session.import_`, with their full bodies.

        Jobs that were deleted are left out although a start would bring them back, and so are jobs whose body is not
        whole.

        Parameters
        ----------
        file : path or binary file
            A path must be new.
        tube : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        damaged : bool
            Write jobs with what is there of their body.
        force : bool
            Overwrite an existing file.
        **selection
            As for `jobs`; the oldest first by default.

        Returns
        -------
        LogExport
            How many jobs were written, and why others were not.

        Raises
        ------
        UsageError
            The file exists already, or cannot be written.
        """
        from beanops.binlog.export import EXPORTED, export

        search = self.search(tube, **(LogOptions(order="oldest", at_start=EXPORTED) | selection))
        return export(search, file, f"binlog:{self.path.absolute()}", self._now, damaged=damaged, force=force)

    # -- for faces -----------------------------------------------------------------------------------------------------

    def search(self, tube: Tube | None = None, **selection: Unpack[LogOptions]) -> LogSearch:
        """Return a search for jobs; see `jobs` for the selection."""
        asked: dict[str, Any] = {**selection}
        at_start, timeout = asked.pop("at_start", None), asked.pop("query_timeout", TIMEOUT)
        only = None if at_start is None else names_of("at_start", at_start)
        return LogSearch(self._read_jobs, select(tube, **asked), only, self.patterns, timeout, self._now)

    def found(self, search: LogSearch, *, bodies: bool) -> Iterator[list[FoundJob]]:
        """Yield the jobs of a search in batches as faces show them, redacted."""
        from beanops.jobs.bodies import Reader

        reader = Reader(self.patterns)
        for batch in search.batches(bodies=bodies):
            yield [hide(job.found(self._now), reader) for job in batch]

    def pinning(self) -> Iterator[LoggedJob]:
        """Yield the jobs that hold the oldest file, in the order of their ids."""
        replay = self._replayed.replay
        oldest = next((index for index, refs in enumerate(replay.refs) if refs), None)
        if oldest is not None:
            yield from self._reader().restored_in(oldest)

    @property
    def now(self) -> int:
        """The time of the start that is assumed, in nanoseconds since 1970."""
        return self._now

    @property
    def damage_list(self) -> list[LogDamage]:
        """The damages, the first thousand."""
        return self._replayed.damages.kept

    @property
    def damage_count(self) -> int:
        """How many damages there are."""
        return self._replayed.damages.count

    @property
    def file_rows(self) -> list[LoggedFile]:
        """The files."""
        return self._statistics[2]

    @property
    def tube_rows(self) -> list[LoggedTube]:
        """The tubes, by name."""
        return self._statistics[1]

    @property
    def largest(self) -> tuple[int, int, str]:
        """The size with the line end of the largest job, its id, and its file."""
        size, id, place = self._replayed.replay.largest
        return size, id, self._replayed.files[place >> OFFSET_BITS].name

    # -- reading -------------------------------------------------------------------------------------------------------

    @cached_property
    def _replayed(self) -> _Replayed:
        done = self._replay(self._limit)
        for _ in range(_TRIES):
            if self.holder is None or not done.damages.count:
                break
            # What looks like a damage may be a record that the server was writing, or a file that it removed.
            time.sleep(_PAUSE)
            self._folder = LogFolder(self.path)
            done = self._replay(self._limit)
        return done

    def _read_jobs(self, *, newest: bool, bodies: bool) -> Iterator[LoggedJob]:
        reader = self._reader()
        yield from reader.jobs(newest=newest, bodies=bodies)
        self.removed = max(self.removed, reader.removed)

    def _reader(self) -> JobReader:
        found = self._replayed
        return JobReader(self._folder, found.files, found.formats, found.replay, self._now)

    def _replay(self, limit: int | None) -> _Replayed:
        damages = Damages()
        replay = LogReplay(damages, limit)
        done = _Replayed([], [], [], replay, damages)
        missing = self._folder.missing
        for file in self._folder.files:
            while missing and missing[0] < file.number:
                number = missing.pop(0)
                text = "the file is missing: its jobs are lost, and jobs deleted in it may come back"
                damages.add(f"binlog.{number}", None, "missing", text)
            try:
                self._replay_file(file, done)
            except FileNotFoundError:
                damages.add(file.name, None, "removed", "a server removed the file while the log was read")
        self._tell_orphans(done)
        return done

    def _replay_file(self, file: FolderFile, done: _Replayed) -> None:
        parts = self._folder.parts(file)
        first = next(parts, b"")
        format = FORMATS.get(first[:HEADER])
        reads = format is not None and format.native
        replay, damages = done.replay, done.damages
        done.files.append(file)
        done.formats.append(format or _DEFAULT_FORMAT)
        done.known.append(format is not None)
        replay.begin(file.name, file.size, format if reads else None)
        records = replay.records
        decoder = RecordDecoder(format or _DEFAULT_FORMAT, file.size, searching=format is None)
        replay.take(decoder.receive(first[HEADER:]))
        for part in parts:
            replay.take(decoder.receive(part))
        replay.take(decoder.finish())
        replay.end()
        if not reads and (records[-1] or first.strip(b"\0")):
            self._tell_version(file, first[:HEADER], damages)

    def _tell_version(self, file: FolderFile, version: bytes, damages: Damages) -> None:
        if len(version) < HEADER:
            text = "the file ends before its version; a start skips it"
        elif version in FORMATS:
            text = "written on a machine of the other byte order; a start on this one skips the file"
        else:
            text = f"version {int.from_bytes(version, 'little')} is unknown; a start skips the file"
        damages.add(file.name, 0, "version", text)

    def _tell_orphans(self, done: _Replayed) -> None:
        for id in done.replay.orphans.ids():
            place = done.replay.orphans.get(id)
            file = done.files[place >> OFFSET_BITS].name
            text = f"job {id} was changed here, and no file has its body: it is lost"
            done.damages.add(file, place & OFFSET_MASK, "orphan", text, id)

    @cached_property
    def _statistics(self) -> tuple[LogStatistics, list[LoggedTube], list[LoggedFile]]:
        found = self._replayed
        states: Counter[str] = Counter()
        starts: Counter[str] = Counter()
        by_tube: dict[str, list[int]] = {}
        live = [0] * len(found.files)
        lost = [0] * len(found.files)
        index_of = {file.number: index for index, file in enumerate(found.files)}
        for job in self:
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
                replay.refs[i], live[i], lost[i], self._at_start(i),
            )
            for i, file in enumerate(found.files)
        ]  # fmt: skip
        jobs = starts.total() - starts["lost"]
        holder = self.holder
        summary = LogStatistics(
            str(self.path), None if holder is None else holder.pid or 0, jobs, states["ready"], states["delayed"],
            states["buried"], states["reserved"], starts["damaged"], starts["older"], starts["again"], starts["lost"],
            replay.next_id, len(files), sum(file.bytes for file in files), sum(live),
            next((file.number for file in files if file.jobs), None), replay.largest[0], found.damages.count,
        )  # fmt: skip
        return summary, [LoggedTube(name, *by_tube[name]) for name in sorted(by_tube)], files

    def _at_start(self, index: int) -> str:
        found = self._replayed
        if index in found.replay.unlinked:
            return "removed"
        return "kept" if found.known[index] and found.formats[index].native else "skipped"
