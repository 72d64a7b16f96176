"""The session: what a user has of one server. It holds the parts that do the work, and describes what they do.

`context` has the connections and the journal, `lookups` sees, `executor` acts by `job_verbs` and `tube_verbs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import isfinite
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, Unpack

from beanops.client.address import Address
from beanops.html import card
from beanops.jobs.read import BodyForm, FoundJob
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.jobs.select import select
from beanops.monitor.history import Point, point
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, MAX_RESERVE_TIMEOUT
from beanops.session import job_verbs, tube_verbs
from beanops.session.arguments import Body, Seconds, Tube, run_id_of, seconds_of, whole_seconds
from beanops.session.bars import Report, bar_for, shows_run, shows_scan
from beanops.session.config import Profile
from beanops.session.context import Context
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import Jobs
from beanops.session.keywords import explain_keywords
from beanops.session.lookups import Lookups, Snapshot, verdict_of
from beanops.session.old_servers.capabilities import Capabilities
from beanops.session.options import How, Options, ScanOptions, how_of
from beanops.session.past_runs.journal_reader import JournalReader
from beanops.session.probe import probe_id
from beanops.session.reservation import Reservation, Reserver

if TYPE_CHECKING:
    import pandas

    from beanops.session.files.import_ import Repeat
    from beanops.session.files.jsonl import File

#: Ids of held jobs that a notebook names.
_MOST_HELD = 10


@explain_keywords
class Session:
    """A server, with what was done to it. Made by `connect`.

    Looking and acting use a connection each, because a server counts every connection that ever reserved among its
    workers. A lost connection is made anew by the next call; what was in flight is never sent again. Threads may share
    a session. A verb raises `NotFound` for the name of a tube, or a glob, that means no tube; only what puts jobs makes
    one.

    Attributes
    ----------
    address : Address
        Where the server listens.
    journal : JournalReader
        The runs and actions on this server by everybody who uses this journal.
    dashboard, browse, reserve_widget : callable
        Live views in a notebook; see `beanops.accessors`.
    """

    dashboard: Callable[..., Any]
    browse: Callable[..., Any]
    reserve_widget: Callable[..., Any]

    def __init__(self, context: Context, source: str) -> None:
        # Names with an underscore are for beanops' own faces.
        self._context = context
        # The probe has an executor of its own: in a circle, a session that is dropped would wait for the collector.
        self._lookups = Lookups(context, partial(probe_id, Executor(context, Lookups(context), source)))
        self._executor = Executor(context, self._lookups, source)
        self._watched = source not in ("cli", "tui")  # which show progress in their own way
        self.address: Address = context.address
        self.journal = JournalReader(
            context.journal,
            str(context.address),
            actor=context.actor,
            source=source,
            clock=context.now,
            verify=partial(_verify, self._executor),
        )

    def _through(self, source: str) -> Session:
        """Return a session on the same connections and journal, whose runs have another `source`."""
        return Session(self._context, source)

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        self._context.close()

    def __enter__(self) -> Self:
        self._context.check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self.address}{' read-only' if self._context.protection.now.read_only else ''}>"

    def _repr_html_(self) -> str:
        held = sorted(self.held)
        more = f" and {len(held) - _MOST_HELD:,} more" if len(held) > _MOST_HELD else ""
        known = self._context.protection.now  # nothing is asked
        facts = {
            "label": known.label or None,
            "read-only": known.read_only,
            "holds": f"{', '.join(map(str, held[:_MOST_HELD]))}{more}" if held else None,
        }
        return card(f"Session on {self.address}", facts)

    # -- the server --------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """The server as the user named it, with what protects it: what a face shows of it, and asks before it acts."""
        return self._context.profile

    @property
    def read_only(self) -> bool:
        """Whether everything that would change a queue is refused."""
        return self._context.read_only

    @property
    def capabilities(self) -> Capabilities:
        """What the server that answers can do.

        Examples
        --------
        >>> session.capabilities.reserve_job
        True
        """
        return self._lookups.capabilities

    @property
    def held(self) -> frozenset[int]:
        """Ids of the jobs that this session has reserved; none once its connection is lost."""
        return self._context.held_now

    def server(self) -> ServerStats:
        """Return the server's statistics."""
        return self._lookups.server()

    def tubes(self, pattern: str | None = None) -> pandas.DataFrame:
        """Return the statistics of tubes.

        Parameters
        ----------
        pattern : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.

        Returns
        -------
        pandas.DataFrame
            One row per tube, in the server's order: ``tube`` (text); the number of jobs that are ``ready``,
            ``reserved``, ``delayed`` and ``buried``, and of ready ones with a priority below 1024, ``urgent``;
            connections that watch the tube, wait in a reserve for its jobs and put into it, ``watching``, ``waiting``
            and ``using``; ``jobs`` put and ``deletes`` since the tube was created (all int64); the length of its
            ``pause`` and ``pause_left`` (timedelta64[us]).

        Examples
        --------
        >>> session.tubes("mail*").nlargest(5, "buried")
        """
        from beanops.monitor.frames import tubes_frame

        wanted = None if pattern is None else select(pattern).in_tube
        return tubes_frame([tube for tube in self._lookups.tube_stats() if wanted is None or wanted(tube.name)])

    def tube(self, name: str) -> TubeStats:
        """Return the statistics of one tube.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return self._lookups.tube(name)

    def rates(
        self,
        tube: str | None = None,
        *,
        seconds: Seconds = 10,
        every: Seconds = 1,
        progress: bool | None = None,
    ) -> pandas.DataFrame:
        """Measure throughput and backlog for some time; Ctrl-C ends it early with what was measured until then.

        Parameters
        ----------
        tube : str or None
            Its name; None measures the whole server.
        seconds, every : number, str or timedelta
            For how long, and how far apart: seconds, text such as ``"10m"``, or a timedelta. ``float("inf")`` is until
            Ctrl-C.
        progress : bool or None
            Whether to show a progress bar; None shows one in notebooks and terminals.

        Returns
        -------
        pandas.DataFrame
            One row per measurement, indexed by ``time`` (datetime64[us, UTC]): the number of jobs ``ready``,
            ``reserved``, ``delayed`` and ``buried`` (int64), and jobs put and deleted per second since the row
            before, ``puts_per_s`` and ``deletes_per_s`` (float64, missing where unknown).

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.rates("mail", seconds=60)[["puts_per_s", "deletes_per_s"]].plot()
        """
        from beanops.monitor.frames import rates_frame
        from beanops.session.rates import record

        length, apart = seconds_of("seconds", seconds), seconds_of("every", every)
        with bar_for(progress, self._watched, "s", "rates", length if isfinite(length) else None) as bar:
            started = time.monotonic()

            def look(at: float) -> Point:
                if bar is not None:
                    bar.show(round(at - started, 1))
                return point(at, self.server() if tube is None else self.tube(tube))

            points = record(look, length, apart)
        return rates_frame(points, time.monotonic())

    # -- jobs --------------------------------------------------------------------------------------------------------

    @shows_scan
    def jobs(
        self,
        tube: str | None = None,
        *,
        ids: Any = None,
        state: str | Iterable[str] | None = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        probe: bool = False,
        rate: float | None = None,
        polite: bool = True,
        progress: Report[Progress] = None,
    ) -> pandas.DataFrame:
        """Find jobs.

        Parameters
        ----------
        tube : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        ids : id, job, iterable of these, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        where : str or None
            A SQL predicate on the columns, see `beanops.jobs.sql.where`.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
        bodies : {"text", "bytes", False}
            What ``body`` is: text, in which bytes that are not UTF-8 are escapes; or bytes. False reads no bodies,
            which is faster.
        decoded : bool
            Whether ``data`` holds Python objects; by default it is JSON text, which any file format can hold.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        probe : bool
            Find the exact bound of the ids by putting a job for a moment, on record; it helps only with a binlog.
        rate : float or None
            Maximum ids per second.
        polite : bool
            Pause as long as each request took while workers wait for jobs.
        progress : callable, bool or None
            A function that is called with the `Progress`; False shows no progress bar, None shows one in notebooks and
            terminals for what takes over a second.

        Returns
        -------
        pandas.DataFrame
            One row per job: ``id`` (uint64), ``tube``, ``state`` (categorical), ``priority`` (int64), ``age``,
            ``delay``, ``ttr``, ``time_left`` (timedelta64[us]), ``created`` (datetime64[us, UTC]), ``reserves``,
            ``timeouts``, ``releases``, ``buries``, ``kicks``, ``file`` (int64, the number of the binlog file, 0
            without a binlog), ``instance`` (text, the server process), and with bodies ``digest`` (text, of the
            body), ``size`` (int64, bytes), ``body`` and ``data`` (the decoded body). ``attrs["verdict"]`` says whether
            these are all jobs that match. Every verb takes the frame, its rows, and what a file made of it:
            a job whose ``instance``, ``tube``, ``created`` or ``digest`` no longer agree is skipped.

        Raises
        ------
        ArgumentError, PredicateError
            An argument is not as described; nothing was sent.

        Examples
        --------
        >>> session.jobs("mail", state="buried", columns=["id", "age", "data"])
        >>> jobs = session.jobs("mail", decoded=True)
        >>> jobs.groupby(jobs.data.str["error"]).size()
        """
        from beanops.jobs.frames import job_columns, jobs_frame, needs_bodies

        shown = job_columns(bodies, decoded=decoded, columns=columns)
        which: dict[str, Any] = {"ids": ids, "state": state, "where": where, "limit": limit, "order": order}
        how: dict[str, Any] = {"probe": probe, "rate": rate, "polite": polite, "progress": progress}
        scan = self.scan(tube, **which, bodies=needs_bodies(shown), **how)
        found = jobs_frame([job for batch in scan for job in batch], shown)
        found.attrs["verdict"] = scan.conclusion
        return found

    def job(self, id: SupportsIndex) -> FoundJob:
        """Return a job with its statistics and its body.

        Raises
        ------
        NotFound
            There is no such job.
        """
        return self._lookups.job(id)

    def next_jobs(self, tube: str) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return self._lookups.next_jobs(tube)

    def scan(
        self,
        tube: str | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        bodies: BodyForm = True,
        probe: bool = False,
        rate: float | None = None,
        polite: bool = True,
        progress: Report[Progress] = None,
    ) -> Scan:
        """Find jobs, as a stream of batches. What it learns of ids makes the session's next scan shorter.

        Parameters
        ----------
        tube, state, ids, where, limit, order
            Which jobs, as in `select`. An order by a column gives its one batch at the end.
        bodies, rate, polite, progress
            How, as in `Scan`.
        probe : bool
            Find the exact bound of the ids by putting a job for a moment, on the record (only needed with a binlog).

        Returns
        -------
        Scan
            Iterate it for batches of `FoundJob`, with what may be shown of bodies; it tells its progress, and at the
            end what is known.

        Examples
        --------
        >>> for batch in session.scan("mail", state="buried"):
        ...     print(len(batch))
        """
        which: dict[str, Any] = {"state": state, "ids": ids, "where": where, "limit": limit, "order": order}
        how: dict[str, Any] = {
            "probe": probe,
            "rate": rate,
            "polite": polite,
            "progress": progress if callable(progress) else None,
        }
        return self._lookups.scan(tube, **which, bodies=bodies, **how)

    @shows_scan
    def sql(self, query: str, tube: str | None = None, **selection: Unpack[ScanOptions]) -> pandas.DataFrame:
        """Run a query on the jobs, as the table ``jobs``.

        Parameters
        ----------
        query : str
            One SELECT as DuckDB speaks it, on the columns of `beanops.jobs.sql.where`.
        tube, **selection
            Which jobs to scan for it, and how, as in `scan`; without any, all of the server's.

        Returns
        -------
        pandas.DataFrame
            The answer; ``attrs["verdict"]`` says whether all jobs were looked at, and of how many the query read
            ``data`` though their bodies could not be decoded.

        Raises
        ------
        PredicateError
            DuckDB does not accept it.

        Examples
        --------
        >>> session.sql("select data->>'$.displayName' as job, count(*) from jobs group by 1", "mail")
        """
        prepared, scan = self._lookups.query(query, tube, {**selection})
        answer = prepared.run()
        answer.attrs["verdict"] = verdict_of(prepared, scan)
        return answer

    @shows_scan
    def snapshot(
        self, directory: str | PathLike[str], tube: str | None = None, **selection: Unpack[ScanOptions]
    ) -> Snapshot:
        """Write jobs to Parquet files, a folder ``folder=NAME`` for each tube, in constant memory.

        pandas, DuckDB, Spark and Dask read the directory as it is, ``folder`` being the partition. The other columns
        are those of `jobs`, with ``age``, ``delay``, ``ttr`` and ``time_left`` in seconds, and ``body`` as bytes.

        Parameters
        ----------
        directory : str or path
            A new one, or an empty one. It appears when everything is in it.
        tube, **selection
            Which jobs, and how, as in `scan`; without any, all of the server's.

        Returns
        -------
        Snapshot
            How many jobs, and whether they are all.

        Raises
        ------
        UsageError
            The directory is there already and is not empty.
        CannotSave
            The disk is full, or a file cannot be made; nothing is left of it.

        Examples
        --------
        >>> session.snapshot("saved", "mail", state="buried").jobs
        3
        """
        return self._lookups.snapshot(directory, tube, {**selection})

    def __getitem__(self, tube: str) -> pandas.DataFrame:
        """Return the jobs of a tube as a frame; its name can be completed with Tab.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session["mail"].query("state == 'buried'")
        """
        self.tube(tube)
        return self.jobs(tube)

    def _ipython_key_completions_(self) -> list[str]:
        # A key pressed at the wrong time must not end in a traceback.
        with suppress(BeanopsError):
            return list(self._context.looking().list_tubes())
        return []

    # -- act ---------------------------------------------------------------------------------------------------------

    @shows_run
    def kick(self, jobs: Jobs | str, **options: Unpack[Options]) -> Run:
        """Make buried or delayed jobs ready, each by its id: so `undo` can bury each again.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs. A tube's name or a glob means its buried jobs, unless `state` names others.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.kick([17, 18])
        >>> session.kick("mail", where="data->>'$.user' = '7'", rate=100)
        """
        return job_verbs.kick(self._executor, jobs, options)

    @shows_run
    def kick_next(
        self,
        tube: Tube,
        n: SupportsIndex,
        *,
        reason: str | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Let the server make the next jobs of a tube ready: those buried first, or delayed ones if none is buried.

        The server does not tell which jobs it kicks: the record has their number alone, and `undo` cannot bury them
        again. `kick` names each.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        n : int
            Maximum number of jobs; they are kicked in chunks.
        reason, dry_run, progress
            How, see `Options`.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.kick_next("mail", 100)
        """
        how = how_of(Options(reason=reason, dry_run=dry_run, progress=progress))
        return tube_verbs.kick_next(self._executor, tube, n, how)

    @shows_run
    def bury(self, jobs: Jobs | str, *, priority: SupportsIndex | None = None, **options: Unpack[Options]) -> Run:
        """Bury jobs: ready and delayed ones, and those this session has reserved.

        A server up to 1.11 buries them only in a tube that no worker watches.

        A job is reserved for it, in the same breath. Were the connection lost in between, a delayed job would
        become ready. With a `priority` buried jobs are taken too, and stay buried; their tube is paused meanwhile
        if workers watch it.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        priority : int or None
            New priority; None keeps each job's own.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.bury(session.jobs("mail", where="age > interval 1 day"), reason="INC-42")
        """
        return job_verbs.bury(self._executor, jobs, priority, options)

    @shows_run
    def release(
        self,
        jobs: Jobs | str,
        *,
        priority: SupportsIndex | None = None,
        delay: Seconds = 0,
        **options: Unpack[Options],
    ) -> Run:
        """Make jobs ready, or delayed, or give them another priority; ready, delayed, buried and held ones.

        Jobs that are not yet reserved are reserved for it, in the same breath; a server up to 1.11 has them put again
        with new ids where priority or delay change. If buried jobs are given a `delay`, their tube is paused meanwhile
        if workers watch it: were the connection lost in between, a job would become ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        priority : int or None
            New priority; None keeps each job's own.
        delay : number, str or timedelta
            Time until they are ready: seconds, text such as ``"10m"``, or a timedelta.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.release("mail", state="buried", priority=10)
        """
        return job_verbs.release(self._executor, jobs, priority, delay, options)

    @shows_run
    def delete(self, jobs: Jobs | str, **options: Unpack[Options]) -> Run:
        """Delete jobs: ready, delayed and buried ones, and those this session has reserved.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob); then `state` or `where` must say which.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.delete([17, 18])
        >>> session.delete("mail", state="buried", dry_run=True)
        """
        return job_verbs.delete(self._executor, jobs, options)

    @shows_run
    def drain(self, tube: str, **options: Unpack[Options]) -> Run:
        """Delete all jobs of a tube that are in the named states, and no others.

        Examples
        --------
        >>> session.drain("mail", state="buried")
        """
        return job_verbs.drain(self._executor, tube, options)

    @shows_run
    def move(self, jobs: Jobs | str, to: str, **options: Unpack[Options]) -> Run:
        """Put jobs into another tube and delete them here, keeping body, priority, ttr, delay left and burial.

        Bodies stay as they are, also what ``redact`` hides.

        They get new ids, which are on record, the oldest first: workers get them in the order in which they would
        have. A job is put before it is deleted: a fault leaves it twice, which
        the record tells, but never lost. For buried jobs the other tube is paused meanwhile if workers watch it:
        a copy is reserved to be buried, and were the connection lost in between it would become ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        to : str
            The other tube.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.move("mail", "hospital", state="buried")
        """
        return job_verbs.move(self._executor, jobs, to, options)

    @shows_run
    def copy(
        self, jobs: Jobs | str, to: str | None = None, *, server: Session | None = None, **options: Unpack[Options]
    ) -> Run:
        """Put copies of jobs into another tube, another server, or both; as `move` without the delete.

        Bodies are copied as they are, also what ``redact`` hides.

        Copies into a tube that the selection means are not copied themselves.

        What was copied to another server is taken back by a session there.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        to : str or None
            The other tube; None keeps each job's own.
        server : Session or None
            The other server's session.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.copy([17], server=beanops.connect("staging"))
        """
        there = None if server is None else server._executor
        return job_verbs.copy(self._executor, jobs, to, there, options)

    def touch(self, jobs: Jobs, *, reason: str | None = None) -> Run:
        """Start the ttr of jobs that this session has reserved anew.

        Examples
        --------
        >>> session.touch(17)
        """
        return job_verbs.touch(self._executor, jobs, Options(reason=reason))

    def reserve(self, tube: str, timeout: Seconds = 0, *, reason: str | None = None) -> Reservation:
        """Reserve the next ready job of a tube and hold it until it is acted on, let go, or the session closes.

        Parameters
        ----------
        tube : str
            Its name.
        timeout : number, str or timedelta
            Time to wait for one: seconds, text such as ``"10m"``, or a timedelta.
        reason : str or None
            Why, for the record; also of what becomes of the job, unless that is given another.

        Returns
        -------
        Reservation
            With the job's ``id`` and ``body``; touched by itself before its ttr ends. As a context manager it
            releases the job with its own priority, unless something else was done to it.

        Raises
        ------
        TimedOut
            No job became ready in that time.
        NotFound
            There is no such tube.

        Examples
        --------
        >>> with session.reserve("mail", timeout=5) as job:
        ...     job.bury()
        """
        seconds = whole_seconds("timeout", timeout, MAX_RESERVE_TIMEOUT)
        self.tube(tube)  # to watch a tube would create it
        reserver = Reserver(self._executor)
        return Reservation(self._executor, reserver.keep, reserver.reserve(tube, seconds, How(reason=reason)), reason)

    def put(
        self,
        body: Body,
        *,
        tube: Tube = "default",
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: Seconds = 0,
        ttr: Seconds = DEFAULT_TTR,
        reason: str | None = None,
    ) -> Run:
        """Put a job into a tube, which is created where it does not exist; the run's ``ids`` hold the new id.

        Parameters
        ----------
        body : bytes, str, dict or list
            Bytes as they are, text as UTF-8, a dict or a list as JSON; at most the server's max-job-size.
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        priority : int
            0 is most urgent, 2**32 - 1 least.
        delay : number, str or timedelta
            Time until it is ready: seconds, text such as ``"10m"``, or a timedelta.
        ttr : number, str or timedelta
            How long a worker may hold it.
        reason : str or None
            Why, for the record.

        Examples
        --------
        >>> session.put({"user": 7}, tube="mail", delay="1m").ids
        [19]
        """
        return tube_verbs.put(self._executor, body, tube, priority=priority, delay=delay, ttr=ttr, reason=reason)

    @shows_run
    def put_many(
        self,
        bodies: Iterable[Body],
        *,
        tube: Tube = "default",
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: Seconds = 0,
        ttr: Seconds = DEFAULT_TTR,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Put a job for each of several bodies into a tube, as one run; its ``ids`` hold the new ids in order.

        Parameters
        ----------
        bodies : iterable of bytes, str, dict or list
            The bodies, as in `put`; all are checked before the first is put.
        tube, priority, delay, ttr
            Of each job, as in `put`.
        reason, rate, dry_run, progress
            How, see `Options`.

        Raises
        ------
        ArgumentError
            A body cannot be put; nothing was sent.

        Examples
        --------
        >>> session.put_many([{"user": user} for user in range(3)], tube="mail").ids
        [19, 20, 21]
        """
        how = how_of(Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress))
        return job_verbs.put_many(self._executor, bodies, tube, priority=priority, delay=delay, ttr=ttr, how=how)

    def pause(self, tube: Tube, seconds: Seconds, *, reason: str | None = None) -> Run:
        """Pause a tube: workers get none of its ready jobs for some time.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        seconds : number, str or timedelta
            For how long: seconds, text such as ``"10m"``, or a timedelta.
        reason : str or None
            Why, for the record.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.pause("mail", "10m")
        """
        return tube_verbs.pause(self._executor, tube, seconds, reason)

    def unpause(self, tube: Tube, *, reason: str | None = None) -> Run:
        """End the pause of a tube.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        reason : str or None
            Why, for the record.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.unpause("mail")
        """
        return tube_verbs.unpause(self._executor, tube, reason)

    # -- undo and resume ---------------------------------------------------------------------------------------------

    @shows_run
    def undo(
        self,
        run: Run | str,
        *,
        where: str | None = None,
        repeat: Literal["unknown"] | None = None,
        buried_as: Literal["parked", "ready"] | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Take back what a run did, as far as the world has not moved on; each action that cannot be says why.

        Jobs that were deleted are put again with new ids and their bodies as they were, also what ``redact`` hides;
        buries are kicked, kicks buried again where the job is still at rest, moves moved back, priorities, delays and
        pauses restored; what a fault left twice is deleted.
        What an earlier undo took back already is left alone; so is what nobody knows to be done, see `verify`. Of two
        undos of the same run at once at least one stops. An undo is a run itself, and can be undone.

        Parameters
        ----------
        run : Run, str or row
            The run, its id, or a row of `Session.runs`.
        where : str or None
            A predicate on the jobs as they were before, see `beanops.jobs.sql.where`.
        repeat : {"unknown"} or None
            Put jobs also where nobody knows whether they are there already: whose delete has an unknown outcome and
            which are gone, and those that an earlier undo was cut off at. A job may then be there twice.
        buried_as, reason, rate, dry_run, progress
            How, see `Options`.

        Examples
        --------
        >>> run = session.delete([17])
        >>> session.undo(run)
        """
        from beanops.session.past_runs.undo import undo

        how = Options(buried_as=buried_as, reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return undo(self._executor, run_id_of(run), where, how, repeat)

    @shows_run
    def resume(
        self,
        run: Run | str,
        *,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Go on with a run that was cancelled or cut off: do the rest of what it was asked for.

        Jobs whose fate in that run is on record are left out; so are those of a move or copy whose fate is unknown.

        Parameters
        ----------
        run : Run, str or row
            The run, its id, or a row of `Session.runs`.
        reason, rate, dry_run, progress
            How, see `Options`; without a `rate` it keeps the run's own.

        Examples
        --------
        >>> session.resume(session.runs["run"].iloc[-1])
        """
        from beanops.session.past_runs.recovery import resume

        how = Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return resume(self._executor, run_id_of(run), how)

    # -- files -------------------------------------------------------------------------------------------------------

    @shows_run
    def export(
        self,
        file: File,
        jobs: Jobs | str | None = None,
        *,
        delete: bool = False,
        force: bool = False,
        **options: Unpack[Options],
    ) -> Run:
        """Write jobs into a file of JSON lines, with all that `import_` needs to restore them.

        Bodies stand in it as they are, also what ``redact`` hides: as text where they are UTF-8, else as base64. A
        reserved job is left out unless `state` names it.

        Parameters
        ----------
        file : path or open binary file
            Where to write.
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, str, or None
            The jobs, or those of a tube (name or glob); None means all.
        delete : bool
            Delete what is safely on disk, on the record and batch by batch. A job that a worker took meanwhile is
            skipped: it is in the file, and with the worker.
        force : bool
            Overwrite a file that exists.
        **options
            Which and how, see `Options`; the oldest come first.

        Raises
        ------
        UsageError
            The file exists, or cannot be written.

        Examples
        --------
        >>> session.export("poison.jsonl", "mail", state="buried")
        """
        from beanops.session.files.export import export

        return export(self._executor, file, jobs, delete, force, options)

    @shows_run
    def import_(
        self,
        file: File,
        *,
        repeat: Repeat | None = None,
        buried_as: Literal["parked", "ready"] | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Put the jobs of a file that `export` wrote, with their tube, priority, ttr, delay left and burial.

        A line of your own needs a tube and a body, ``{"tube": "mail", "body": "..."}``, or ``body_base64`` for bytes;
        ``priority``, ``ttr`` and ``delay`` are as in `put` where they are not given.

        The whole file is checked before anything is put. A line that the journal knows as imported into this server,
        by whichever address, is not put again, unless that was undone; that of a file with other content is another
        line. Of two imports of the same file at the same time at least one stops.

        Parameters
        ----------
        file : path or open binary file
            Of JSON lines.
        repeat : {"unknown", "all"} or None
            Put lines again whose fate is unknown because an import was cut off, or all lines.
        buried_as, reason, rate, dry_run, progress
            How, see `Options`.

        Raises
        ------
        LineError
            A line describes no job; nothing was put.
        UsageError
            The file cannot be read.

        Examples
        --------
        >>> session.import_("poison.jsonl")
        """
        from beanops.session.files.import_ import import_

        options = Options(buried_as=buried_as, reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return import_(self._executor, file, repeat, options)

    # -- what this session did ---------------------------------------------------------------------------------------

    @property
    def actions(self) -> pandas.DataFrame:
        """The actions of this session, newest first; `session.journal.actions()` has those of everybody.

        One row per action.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``actor``, ``source``, ``action``, ``tube``
            (text), ``id`` (UInt64, missing for actions on a tube), ``state_before`` (categorical),
            ``priority`` (Int64), ``delay`` (timedelta64[us]), ``outcome`` (``done``, ``skipped``, ``failed``
            or ``unknown``), ``error``, ``reason``, ``instance`` (text, the server's process), ``new_id``
            (UInt64, of a job that was put for it) and ``jobs`` (int64, how many: 1 but for a kick of a tube).

        Examples
        --------
        >>> session.actions.query("outcome != 'done'")[["id", "error"]]
        """
        from beanops.journal.frames import actions_frame

        return actions_frame(self._lookups.own_actions())

    @property
    def runs(self) -> pandas.DataFrame:
        """The runs of this session, newest first, one row per run; `session.journal.runs()` has those of everybody.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``instance``, ``actor``, ``source``, ``action``,
            ``reason``, ``undoes`` (text), ``done``, ``skipped``, ``failed``, ``unknown`` (int64).

        Examples
        --------
        >>> session.runs.query("action == 'delete'").head()
        """
        from beanops.journal.frames import runs_frame

        return runs_frame(self._lookups.own_runs())


def _verify(executor: Executor, run: str) -> Run:
    from beanops.session.past_runs.recovery import verify

    return verify(executor, run)
