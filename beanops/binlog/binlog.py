"""`Binlog`: a log that is read once, and what a user asks of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, SupportsIndex, Unpack

from beanops.binlog.damage import LogDamage
from beanops.binlog.folder import LogFolder
from beanops.binlog.job_reader import JobReader
from beanops.binlog.log_reading import ReplayedLog, replayed
from beanops.binlog.logged_job import LoggedJob
from beanops.binlog.replay import OFFSET_BITS
from beanops.binlog.search import LogOptions, LogSearch
from beanops.binlog.statistics import CountedLog, LoggedFile, LoggedTube, LogStatistics, counted
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


@explain_keywords
class Binlog:
    """The binlog of a server, read without the server.

    It is read when something is first asked of it, and not again: make another `Binlog` to see what a server
    has written since. States and counters are those that a start of the server would show; see `LoggedJob`.

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
        Jobs that could not be read because a server removed their file during the read.

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
        return self._statistics.summary

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
        return self._statistics.files

    @property
    def tube_rows(self) -> list[LoggedTube]:
        """The tubes, by name."""
        return self._statistics.tubes

    @property
    def largest(self) -> tuple[int, int, str]:
        """The size with the line end of the largest job, its id, and its file."""
        size, id, place = self._replayed.replay.largest
        return size, id, self._replayed.files[place >> OFFSET_BITS].name

    # -- reading -------------------------------------------------------------------------------------------------------

    @cached_property
    def _replayed(self) -> ReplayedLog:
        done = replayed(self._folder, self._limit)
        for _ in range(_TRIES):
            if self.holder is None or not done.damages.count:
                break
            # What looks like a damage may be a record that the server was writing, or a file that it removed.
            time.sleep(_PAUSE)
            self._folder = LogFolder(self.path)
            done = replayed(self._folder, self._limit)
        return done

    def _read_jobs(self, *, newest: bool, bodies: bool) -> Iterator[LoggedJob]:
        reader = self._reader()
        yield from reader.jobs(newest=newest, bodies=bodies)
        self.removed = max(self.removed, reader.removed)

    def _reader(self) -> JobReader:
        found = self._replayed
        return JobReader(self._folder, found.files, found.formats, found.replay, self._now)

    @cached_property
    def _statistics(self) -> CountedLog:
        return counted(str(self.path), self.holder, self._replayed, self)
