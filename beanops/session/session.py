"""The session: what a user has of one server. It holds the parts that do the work, and describes what they do.

`context` has the connections and the journal, `lookups` sees, `executor` acts by `job_verbs` and `tube_verbs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, Unpack

from beanops.client.address import Address
from beanops.html import card
from beanops.jobs.read import BodyForm, FoundJob
from beanops.jobs.refs import refs_of
from beanops.jobs.rows import Tube, tube_of
from beanops.jobs.select import TUBE_OR_GLOB, select
from beanops.jobs.tube_names import warn_of_tube
from beanops.later import Later
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, MAX_RESERVE_TIMEOUT, check_tube
from beanops.session.arguments import Body, Seconds, run_id_of, seconds_of, whole_seconds
from beanops.session.bars import Report, scan_bar, shows_run, shows_scan
from beanops.session.config import Profile
from beanops.session.context import Context, Umbrella
from beanops.session.keywords import explain_keywords
from beanops.session.lookups import Lookups, Snapshot, verdict_of
from beanops.session.old_servers.capabilities import Capabilities
from beanops.session.options import GroupOptions, How, Options, ScanOptions, VerbOptions, how_of
from beanops.session.past_runs.journal_reader import JournalReader
from beanops.session.watching.problems_now import APART, problems_now

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas

    from beanops.jobs.search.scan import Scan
    from beanops.session import job_verbs, tube_verbs
    from beanops.session.distributed import reading
    from beanops.session.editing.changing import Changes
    from beanops.session.editing.schema import SchemaLike
    from beanops.session.execution.executor import Executor
    from beanops.session.execution.run import Run
    from beanops.session.execution.targets import Jobs
    from beanops.session.files.import_ import Repeat
    from beanops.session.files.jsonl import File
    from beanops.session.investigation.facets import FoundFacets
    from beanops.session.investigation.job_events import JobEvent
    from beanops.session.investigation.wait import Waited
    from beanops.session.reservation import Reservation

if not TYPE_CHECKING:
    # Whoever only looks at a server does not wait for what changes jobs.
    job_verbs, tube_verbs = Later("beanops.session.job_verbs"), Later("beanops.session.tube_verbs")
    reading = Later("beanops.session.distributed.reading")

#: Ids of held jobs that a notebook names.
_MOST_HELD = 10


@explain_keywords
class Session:
    """A connection to one server: look at tubes and jobs, act on them, undo actions. `connect` makes it.

    After a lost connection the next call reconnects; commands without an answer are never sent twice. Threads may
    share a session. A verb raises `NotFound` when no tube matches a name or a glob; only `put`, `put_many`, `move`,
    `copy` and `import_` create tubes. A search gives an ``UnknownTubeWarning`` then, unless the tube is known to have
    been there.

    Attributes
    ----------
    address : Address
        Where the server listens.
    journal : JournalReader
        The runs and actions on this server by everybody who uses this journal.
    dashboard, browse, reserve_widget : callable
        Live views in a notebook; see `beanops.accessors`.
    migrate : callable
        Moves all jobs to another server; see `beanops.accessors`.
    plot : Plots
        Still plots of the server, as matplotlib figures; see `beanops.accessors`.
    """

    dashboard: Callable[..., Any]
    browse: Callable[..., Any]
    reserve_widget: Callable[..., Any]
    migrate: Callable[..., Any]
    plot: Any

    def __init__(self, context: Context, source: str, under: Umbrella | None = None) -> None:
        # Names with an underscore are for beanops' own faces.
        self._context = context
        self._source = source
        self._umbrella = under
        # These faces show progress and messages themselves.
        self._watched = under is None and source not in ("cli", "tui")
        unknown = under.unknown if under is not None else warn_of_tube if self._watched else None
        self._lookups = Lookups(context, partial(_probe, context, source), unknown)
        self.address: Address = context.address
        self.journal = JournalReader(
            context.journal,
            str(context.address),
            actor=context.actor,
            source=source,
            clock=context.now,
            verify=partial(_verify, context, self._lookups, source),
        )

    @cached_property
    def _executor(self) -> Executor:
        return _executor_of(self._context, self._lookups, self._source, self._umbrella)

    def _through(self, source: str) -> Session:
        """Return a session on the same connections and journal, whose runs have another `source`."""
        return Session(self._context, source)

    def _under(self, call: Umbrella) -> Session:
        """Return a session on the same connections and journal for one call on several servers."""
        return Session(self._context, self._source, call)

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        self._context.close()

    def __enter__(self) -> Self:
        self._context.check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Session {self._context.where}{' read-only' if self._context.protection.now.read_only else ''}>"

    def _repr_html_(self) -> str:
        held = sorted(self.held)
        more = f" and {len(held) - _MOST_HELD:,} more" if len(held) > _MOST_HELD else ""
        known = self._context.protection.now  # without asking the server
        facts = {
            "label": known.label or None,
            "read-only": known.read_only,
            "holds": f"{', '.join(map(str, held[:_MOST_HELD]))}{more}" if held else None,
        }
        return card(f"Session on {self._context.where}", facts)

    # -- the server --------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> Profile:
        """The server's profile: name, address, colour, label, and the rules that protect it."""
        return self._context.profile

    @property
    def read_only(self) -> bool:
        """Whether the session rejects all changes."""
        return self._context.read_only

    @property
    def capabilities(self) -> Capabilities:
        """What the server supports, and what it does in another way than beanstalkd 1.13; asked once per process.

        Examples
        --------
        >>> session.capabilities.reserve_job
        True
        >>> for trait in session.capabilities.traits:
        ...     print(trait.kind, trait.text)
        """
        return self._lookups.capabilities

    @property
    def held(self) -> frozenset[int]:
        """Ids of the jobs that this session has reserved; empty after its connection is lost."""
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
            ``reserved``, ``delayed``, ``buried`` and ``urgent`` (ready with a priority below 1024); the number of
            connections that watch the tube (``watching``), wait to reserve its jobs (``waiting``) and put into it
            (``using``); ``jobs`` put and ``deletes`` since the tube was created (all int64); the length of its
            ``pause`` and the time that is left of it, ``pause_left`` (timedelta64[us]).

        Examples
        --------
        >>> session.tubes("mail*").nlargest(5, "buried")
        """
        from beanops.monitor.frames import tubes_frame

        return tubes_frame(self._lookups.tubes(pattern))

    def watch(self, seconds: Seconds = 1, *, pattern: str | None = None) -> Iterator[pandas.DataFrame]:
        """Yield the statistics of tubes now and after every interval, with rates, until the loop ends.

        What it sees is kept for `trend`.

        Parameters
        ----------
        seconds : number, str or timedelta
            Interval between two frames: seconds, text such as ``"10s"``, or a timedelta; 1 second by default.
        pattern : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.

        Yields
        ------
        pandas.DataFrame
            One row per tube with the columns of `tubes`, and: jobs put and deleted per second over the last 10
            seconds, ``puts_per_s`` and ``deletes_per_s``, and their difference, ``growth`` (float64, missing in the
            first frame); the time until no job is ready at the present pace, ``drain``, and since the row was read,
            ``seen`` (timedelta64[us]): of more than 1,000 tubes each frame reads a part anew. ``attrs["time"]`` is
            the time of the frame.

        Examples
        --------
        >>> for tubes in session.watch(1):
        ...     print(tubes.nlargest(3, "puts_per_s")[["tube", "puts_per_s", "drain"]])
        ...     break
        """
        from beanops.monitor.frames import watched_frame
        from beanops.session.watching.looks import looks, matching

        for number, survey in enumerate(looks(self._lookups, self._context, seconds_of("seconds", seconds))):
            if pattern is not None and not number:
                self._lookups.look_for(select(pattern), survey.tubes)
            yield watched_frame(matching(survey, pattern), survey.at)

    def trend(self, tube: Tube | None = None, *, since: Seconds = "1h") -> pandas.DataFrame:
        """Return the recent past of a tube or of the server, ready to plot.

        It is what `watch` and the views of this session have seen, and before that the default recording (see
        ``beanops record``), from the beginning of it or of `since`.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            Its name, or a row of `tubes`; None is the whole server.
        since : number, str or timedelta
            How far to go back: seconds, text such as ``"2h"``, or a timedelta; an hour by default.

        Returns
        -------
        pandas.DataFrame
            One row per span of time, indexed by its end, ``time`` (datetime64[us, UTC]): jobs ``ready``,
            ``reserved``, ``delayed`` and ``buried``, the mean of the span, each with its extremes (``ready_min``,
            ``ready_max`` and so on), and ``puts_per_s`` and ``deletes_per_s`` (all float64, missing where nobody
            looked, so that a plot shows a gap). A span is a second where the frame goes back up to 10 minutes, 10
            seconds up to two hours, a minute up to two days, else 10 minutes.

        Raises
        ------
        NotFound
            There is no such tube, and nothing is known of one.

        Examples
        --------
        >>> session.trend("mail", since="2h")[["ready", "ready_max"]].plot()
        """
        from beanops.monitor.frames import trend_frame
        from beanops.session.watching.looks import trend

        now, present = time.monotonic(), datetime.now(UTC)
        name = None if tube is None else tube_of(tube)
        past = trend(self._lookups, self._context, name, seconds_of("since", since), now)
        return trend_frame(*past, now, present)

    def tube(self, name: Tube) -> TubeStats:
        """Return the statistics of one tube.

        Parameters
        ----------
        name : str, TubeStats or row
            Its exact name, or a row of `tubes`.

        Returns
        -------
        TubeStats
            Numbers of its jobs by state, its workers and its pause; a card in a notebook.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return self._lookups.tube(check_tube(tube_of(name, "name"), "name"))

    def rates(
        self, tube: Tube | None = None, *, seconds: Seconds = 10, every: Seconds = 1, progress: bool | None = None
    ) -> pandas.DataFrame:
        """Measure throughput and backlog for some time; Ctrl-C ends it and returns the rows measured so far.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            Its name, or a row of `tubes`; None measures the whole server.
        seconds : number, str or timedelta
            Length of the measurement: seconds, text such as ``"10m"``, or a timedelta; 10 seconds by default.
            ``float("inf")`` measures until Ctrl-C.
        every : number, str or timedelta
            Interval between two rows, in the same forms; 1 second by default.
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
        from beanops.session.watching.rates import measured

        length, apart = seconds_of("seconds", seconds), seconds_of("every", every)
        points = measured(self._lookups, tube, length, apart, (progress, self._watched))
        return rates_frame(points, time.monotonic())

    def wait(
        self,
        tube: Tube,
        *,
        until: str = "ready = 0 and reserved = 0 and delayed = 0",
        timeout: Seconds | None = None,
        every: Seconds = 1,
        missing_ok: bool = False,
        progress: bool | None = None,
    ) -> Waited:
        """Wait until a condition on the counts of a tube is true; by default until workers have nothing left to do.

        It waits through lost connections and restarts of the server. A tube that vanished, because it has no jobs and
        nobody uses or watches it, counts as empty.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, a glob such as ``"mail-*"``, whose tubes are summed up, or a row of `tubes`.
        until : str
            The condition. The names are ``ready``, ``reserved``, ``delayed``, ``buried``, ``urgent``, ``jobs`` (in all
            states), and the connections ``watching``, ``waiting`` and ``using``.
        timeout : number, str or timedelta, or None
            Maximum time: seconds, text such as ``"10m"``, or a timedelta; None waits for any time.
        every : number, str or timedelta
            Interval between two looks, in the same forms; 1 second by default.
        missing_ok : bool
            Whether the tube may be one of which nothing is known; it then counts as empty.
        progress : bool or None
            Whether to show a progress bar; None shows one in notebooks and terminals.

        Returns
        -------
        Waited
            True where the condition is, false after the timeout; with the ``counts`` of the last look, the
            ``seconds`` that it took, and a ``summary``.

        Raises
        ------
        NotFound
            There is no such tube, and neither the journal nor a recording has it.

        Examples
        --------
        >>> session.wait("mail", until="ready < 1000", timeout="10s").counts["ready"]
        >>> assert session.wait("mail", until="reserved = 0"), "workers are still busy"
        """
        from beanops.session.investigation.wait import wait_with_bar

        name = tube_of(tube, allowed=TUBE_OR_GLOB)
        most = None if timeout is None else seconds_of("timeout", timeout)
        how = (until, most, seconds_of("every", every))
        shown = (progress, self._watched)
        return wait_with_bar(self._lookups, self._context, name, *how, missing_ok=missing_ok, shown=shown)

    def job_times(
        self, pattern: str | None = None, *, seconds: Seconds = 10, every: Seconds = 1, progress: bool | None = None
    ) -> pandas.DataFrame:
        """Estimate how long jobs wait for a worker and how long it runs them; Ctrl-C ends it with what is known.

        The server does not know it: each look asks for a sample of the jobs put since the last one, and follows
        some of them until they are gone. Only jobs put while it looks count, so a backlog takes long to measure.

        Parameters
        ----------
        pattern : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        seconds : number, str or timedelta
            Length of the measurement: seconds, text such as ``"10m"``, or a timedelta; 10 seconds by default.
        every : number, str or timedelta
            Interval between two looks, in the same forms; 1 second by default. What is shorter cannot be told apart.
        progress : bool or None
            Whether to show a progress bar; None shows one in notebooks and terminals.

        Returns
        -------
        pandas.DataFrame
            One row per tube of which something is known: ``tube`` (text), the number of ``jobs`` in the sample
            (int64), ``wait_p50``, ``wait_p95`` and ``wait_p99`` (from ready to reserved for the first time),
            ``run_p50``, ``run_p95`` and ``run_p99`` (from reserved to deleted) and the ``resolution`` of these (all
            timedelta64[us], missing where too few jobs are known), and the number of jobs that were released, buried
            or kicked or that timed out, ``returned`` (int64). Without a pattern the last row, in which the tube is
            missing, is the whole server.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.job_times("mail*", seconds="1m")[["tube", "wait_p50", "wait_p95", "run_p50"]]
        """
        from beanops.session.watching.time_frames import job_times

        return job_times(self._lookups, pattern, seconds, every, (progress, self._watched))

    def job_classes(
        self, pattern: str | None = None, *, seconds: Seconds = 10, every: Seconds = 1, progress: bool | None = None
    ) -> pandas.DataFrame:
        """Estimate how many jobs of each class are put, from the bodies of a sample; Ctrl-C ends it with what is known.

        Parameters
        ----------
        pattern : str or None
            The name of a tube or a glob such as ``"mail-*"``; None is all tubes.
        seconds : number, str or timedelta
            Length of the measurement: seconds, text such as ``"10m"``, or a timedelta; 10 seconds by default.
        every : number, str or timedelta
            Interval between two looks, in the same forms; 1 second by default.
        progress : bool or None
            Whether to show a progress bar; None shows one in notebooks and terminals.

        Returns
        -------
        pandas.DataFrame
            One row per tube and class: ``tube`` and ``job_class`` (text; missing for jobs whose bodies name no class,
            and for those that were gone before they could be read), jobs put per second, ``puts_per_s`` (float64), and
            the number of ``jobs`` in the sample (int64).

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.job_classes("mail*", seconds="1m").nlargest(5, "puts_per_s")
        """
        from beanops.session.watching.time_frames import job_classes

        return job_classes(self._context, self._lookups, pattern, seconds, every, (progress, self._watched))

    def problems(self, pattern: str | None = None, *, seconds: Seconds = APART) -> pandas.DataFrame:
        """Return what is wrong with the server and its tubes, by two looks a moment apart.

        The thresholds are in the configuration, under ``[problems]``.

        Parameters
        ----------
        pattern : str or None
            The name of a tube or a glob such as ``"mail-*"``: the problems of these tubes alone; None is the server
            and all tubes.
        seconds : number, str or timedelta
            Time between the two looks: seconds, text such as ``"10s"``, or a timedelta; 1 second by default. With 0
            there is one look, which cannot know what grows.

        Returns
        -------
        pandas.DataFrame
            One row per problem, the worst first: ``severity`` (``"critical"`` or ``"warning"``), ``problem`` (its
            name, such as ``"no-workers"``), ``tube`` (missing for the server, and for a row on several idle tubes),
            ``reason`` with the numbers (text), ``since`` (datetime64[us, UTC]: when it was first seen, or when it
            began where the server knows that) and ``look_at``, the command that shows more.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.problems("mail*")[["problem", "reason"]]
        """
        from beanops.session.watching.problem_frames import problems_frame

        apart = seconds_of("seconds", seconds)
        return problems_frame(problems_now(self._lookups, pattern, apart, self._context.now))

    def doctor(self) -> pandas.DataFrame:
        """Examine beanops, its configuration and journal, and the server; nothing is changed.

        Returns
        -------
        pandas.DataFrame
            One row per diagnosis: ``area``, ``state`` (``"ok"``, ``"warning"`` or ``"problem"``), ``text`` and
            ``advice``, what to do (text).

        Examples
        --------
        >>> session.doctor().query("state != 'ok'")[["area", "text", "advice"]]
        """
        from beanops.session.doctor.examination import Examination
        from beanops.session.doctor.frames import diagnoses_frame

        self._context.check_open()
        return diagnoses_frame(list(Examination([self._context.profile.name], self._context.journal_url)))

    # -- jobs --------------------------------------------------------------------------------------------------------

    def tail(
        self,
        tube: Tube | None = None,
        *,
        state: str | Iterable[str] | None = None,
        where: str | None = None,
        group: Any = None,
        limit: SupportsIndex | None = None,
        seconds: Seconds | None = None,
        timeout: Seconds | None = None,
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        probe: bool = False,
        rate: float | None = None,
    ) -> Iterator[pandas.DataFrame]:
        """Yield new jobs as they are put, without reserving any, until the loop ends.

        It follows the ids of the server upwards, in at most a tenth of the server's time. A job that a worker has
        reserved and deleted between two looks is counted, and not seen.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            A name, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes. It need not exist yet.
        state : str, iterable of str, or None
            Only jobs in these states when they are seen, such as ``"ready"``; None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"priority < 10"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            End after so many jobs.
        seconds : number, str, timedelta or None
            End after this time: seconds, text such as ``"10s"``, or a timedelta; None is without an end.
        timeout : number, str, timedelta or None
            End after so long without a job.
        bodies : {"text", "bytes", False}
            Whether ``body`` is text or bytes; False leaves out the columns that need it.
        decoded : bool
            Whether ``data`` holds Python objects rather than JSON text.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        probe : bool
            Put and delete a job, recorded in the journal, to learn the newest id of a server with a binlog.
        rate : float or None
            Maximum ids requested per second.

        Yields
        ------
        pandas.DataFrame
            New jobs in the order in which they were put, with the columns of `jobs`. ``attrs["missed"]`` is the
            number of jobs put into the tubes so far that could not be read, and ``attrs["notes"]`` has lines on a
            restart of the server or a lost connection. A frame without rows has only these.

        Examples
        --------
        >>> for jobs in session.tail("mail*", seconds="1s"):
        ...     print(jobs[["id", "tube", "data"]])
        """
        from beanops.session.investigation.tail_frames import tail_frames

        how: dict[str, Any] = {"state": state, "where": where, "group": group, "limit": limit, "rate": rate}
        for name, value in {"seconds": seconds, "timeout": timeout}.items():
            how[name] = None if value is None else seconds_of(name, value)
        tail = self._lookups.tail(tube, probe=probe, **how)
        return tail_frames(tail, bodies, decoded, columns)

    @shows_scan
    def jobs(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        executor: Any = None,
        **selection: Unpack[ScanOptions],
    ) -> pandas.DataFrame:
        """Find jobs.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        where : str or None
            Only jobs that match this SQL predicate on the columns below, such as ``"age > interval 1 day"`` or
            ``"data->>'$.user' = '7'"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
        bodies : {"text", "bytes", False}
            Form of the column ``body``: text, with escapes for bytes that are not UTF-8; or bytes. False reads no
            bodies, which is faster.
        decoded : bool
            Return Python objects in ``data``; by default it is JSON text, which every file format can store.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        executor : Executor, distributed.Client or None
            Have the ids looked at by the workers of an executor of `concurrent.futures` or Dask, in parts. None looks
            at them in this process.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        pandas.DataFrame
            One row per job: ``id`` (uint64), ``tube``, ``state`` (categorical), ``priority`` (int64), ``age``,
            ``delay``, ``ttr``, ``time_left`` (timedelta64[us]), ``created`` (datetime64[us, UTC]), ``reserves``,
            ``timeouts``, ``releases``, ``buries``, ``kicks``, ``file`` (int64, the number of the binlog file, 0
            without a binlog), ``instance`` (text, the server process), and with bodies ``digest`` (text, of the
            body), ``size`` (int64, bytes), ``body`` and ``data`` (the decoded body). ``attrs["verdict"]`` says whether
            these are all jobs that match. Every verb accepts the frame, its rows, and a frame read from a file of
            it; verbs skip a job whose ``instance``, ``tube``, ``created`` or ``digest`` has changed.

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
        selection["progress"] = selection.get("progress") or False
        scan = self.scan(tube, bodies=needs_bodies(shown), **selection)
        if executor is None:
            found = jobs_frame([job for batch in scan for job in batch], shown)
        else:
            wanted = reading.Columns(bodies, decoded, None if columns is None else tuple(shown))
            found = reading.jobs_in_parts(self._context, scan, wanted, selection, executor, self._source)
        found.attrs["verdict"] = scan.conclusion
        return found

    def job(self, id: SupportsIndex | Any) -> FoundJob:
        """Return a job with its statistics and its body.

        Parameters
        ----------
        id : int, Job or row
            Its id, or a row of a frame of jobs: then only the job that the row describes.

        Returns
        -------
        FoundJob
            ``id``, ``stats`` and the redacted ``body`` (bytes); a card in a notebook.

        Raises
        ------
        NotFound
            There is no such job.

        Examples
        --------
        >>> session.job(17).stats.state
        'buried'
        """
        return self._lookups.job(id)

    def follow(self, id: SupportsIndex | Any) -> Iterator[JobEvent]:
        """Yield what has happened to a job, how it is, and all that happens to it until it is gone.

        Actions of beanops come from the journal, also those of others while the loop runs. What workers do shows in
        the counters of the job, also if it happens between two looks.

        Parameters
        ----------
        id : int, job or row
            The job.

        Yields
        ------
        JobEvent
            ``time`` (UTC), ``event`` (such as ``"reserved"``, ``"kick"`` or, at the end, ``"gone"``), how many
            ``times``, the job's ``state``, the ``run`` with its ``actor``, ``source``, ``outcome`` and ``reason`` if
            beanops did it, and ``text`` with more about it.

        Raises
        ------
        NotFound
            There is no such job, and the journal knows of none.

        Examples
        --------
        >>> for event in session.follow(17):
        ...     print(event.time, event.event, event.text)
        ...     break
        """
        from beanops.session.investigation.follow import Follow

        return iter(Follow(self._context, refs_of([id], "id").ids[0]))

    def next_jobs(self, tube: Tube) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried.

        Parameters
        ----------
        tube : str, TubeStats or row
            Its exact name, or a row of `tubes`.

        Returns
        -------
        dict of str to FoundJob or None
            By state; None where no job is in that state.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.next_jobs("mail")["buried"].id
        16
        """
        return self._lookups.next_jobs(tube)

    def scan(self, tube: Tube | None = None, *, bodies: BodyForm = True, **selection: Unpack[ScanOptions]) -> Scan:
        """Find jobs, as a stream of batches. It remembers ids, which makes the session's next scan shorter.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``. A
            column makes a single batch at the end.
        bodies : {True, "text", "bytes", False}
            Read bodies; False reads none, which is faster.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        Scan
            An iterator of batches, lists of `FoundJob` whose bodies are redacted. Its ``conclusion`` says at the end
            whether these are all jobs that match.

        Examples
        --------
        >>> for batch in session.scan("mail", state="buried"):
        ...     print(len(batch))
        """
        progress = selection.pop("progress", None)
        how = {
            "progress": progress if callable(progress) else None,
            "watch": partial(scan_bar, progress, self._watched),
        }
        return self._lookups.scan(tube, bodies=bodies, **selection, **how)

    @shows_scan
    def sql(self, query: str, tube: Tube | None = None, **selection: Unpack[ScanOptions]) -> pandas.DataFrame:
        """Query jobs with SQL, as the table ``jobs``, and ``tubes``, ``actions`` and ``runs``.

        Parameters
        ----------
        query : str
            One SELECT in DuckDB's dialect; the columns are those of `jobs`, `tubes`, and of the actions and runs on
            this server in the journal, as `journal` has them. The other parameters select jobs.
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        pandas.DataFrame
            The result. ``attrs["verdict"]`` says whether it covers all jobs, and how many rows it read ``data`` of
            although their bodies could not be decoded.

        Raises
        ------
        PredicateError
            The query is not valid.

        Examples
        --------
        >>> session.sql("select data->>'$.displayName' as job, count(*) from jobs group by 1", "mail")
        >>> session.sql("select tube, buried from tubes where buried > 100 order by buried desc")
        >>> session.sql("select actor, count(*) from actions where action = 'delete' group by actor")
        """
        prepared, scan = self._lookups.query(query, tube, {**selection})
        answer = prepared.run()
        answer.attrs["verdict"] = verdict_of(prepared, scan)
        return answer

    @shows_scan
    def groups(
        self,
        tube: Tube | None = None,
        *,
        by: str | None = None,
        most: SupportsIndex = 100,
        executor: Any = None,
        **which: Unpack[GroupOptions],
    ) -> pandas.DataFrame:
        """Group jobs by the cause that their bodies give, such as an error, or by an SQL expression.

        A group is a selection: verbs, `jobs` and this method accept the frame, its rows, and the objects of
        ``beanops groups -o json``, and act on its jobs as they are then.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        by : str or None
            SQL expression on the columns of `jobs`, such as ``"data->>'$.customer'"``; None groups by cause.
        most : int
            Maximum number of groups, the largest; jobs of other groups are counted together.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs, the newest.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        executor : Executor, distributed.Client or None
            Have the ids looked at by the workers of an executor of `concurrent.futures` or Dask, in parts. None looks
            at them in this process.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        pandas.DataFrame
            One row per group, the largest first: ``name`` (text, the same for the same cause everywhere; of an
            expression its value, missing for null), ``count`` (int64), ``share`` of all jobs (float64), ``oldest`` and
            ``newest``, the times of the first and the last put (datetime64[us, UTC]), ``trend``, the number of jobs put
            in each twelfth of the time from the first put of all to the last (tuples, empty where that is less than 12
            seconds), ``cause`` (text, missing with `by`), the sums of ``timeouts``, ``releases`` and ``buries``
            (int64), ``hint`` (text, such as ``"times out again and again"``), ``sample_id`` (uint64) and ``sample``
            (the newest job, with its body in one redacted line), and the selection of its jobs, ``tube``, ``state`` and
            ``where`` (text). ``attrs`` has ``others``
            and ``other_groups``, the number of jobs and groups beyond `most`, ``total``, ``complete`` and ``verdict``.

        Raises
        ------
        PredicateError
            The expression or the predicate is not valid.

        Examples
        --------
        >>> causes = session.groups("mail", state="buried")
        >>> session.kick(causes.iloc[0])
        >>> session.groups("mail", by="data->>'$.user'")[["name", "count"]]
        """
        from beanops.session.investigation.groups import groups

        if executor is None:
            return groups(self._context, self._lookups, tube, by=by, most=most, **which)
        return reading.groups_in_parts(self._context, self._lookups, tube, by, most, {**which}, executor, self._source)

    @shows_scan
    def facets(
        self,
        tube: Tube | None = None,
        *,
        top: SupportsIndex = 10,
        executor: Any = None,
        **selection: Unpack[ScanOptions],
    ) -> FoundFacets:
        """Find out which paths the decoded bodies of jobs have, how often, and with which values.

        One search reads all bodies, in bounded memory. Counts are exact while a path has few different values; where it
        has many, rare values are left out, and the number of different ones is an estimate.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        top : int
            Number of values of each path, at most 1,000.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        executor : Executor, distributed.Client or None
            Have the ids looked at by the workers of an executor of `concurrent.futures` or Dask, in parts. None looks
            at them in this process.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        FoundFacets
            Three frames: ``paths``, one row per path; ``values``, one row per path and value, with the ``where`` that
            selects its jobs; ``histograms``, one row per bin of age, size, priority, and of other numbers that differ.
            ``verdict`` says whether these are all jobs that match, and which bodies were not decoded; a table in a
            notebook.

        Raises
        ------
        ArgumentError, PredicateError
            An argument is not as described; nothing was sent.

        Examples
        --------
        >>> facets = session.facets("mail", state="buried")
        >>> facets.values.query("path == '$.error'")[["value", "jobs"]]
        >>> session.kick("mail", where=facets.values["where"].iloc[0])
        """
        from beanops.session.investigation.facets import find_facets

        if executor is None:
            return find_facets(self._context, self._lookups, tube, top, selection)
        return reading.facets_in_parts(self._context, self._lookups, tube, top, {**selection}, executor, self._source)

    @shows_scan
    def snapshot(
        self,
        directory: str | PathLike[str],
        tube: Tube | None = None,
        *,
        executor: Any = None,
        **selection: Unpack[ScanOptions],
    ) -> Snapshot:
        """Write jobs to Parquet files, a folder ``folder=NAME`` for each tube, in constant memory.

        pandas, DuckDB, Spark and Dask read the directory, with ``folder`` as the partition. The other columns are
        those of `jobs`, with ``age``, ``delay``, ``ttr`` and ``time_left`` in seconds, and ``body`` as bytes.

        Parameters
        ----------
        directory : str or path
            A new or empty directory. It appears when it is complete.
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            ``"newest"`` or ``"oldest"`` first, or a column such as ``"priority"``, reversed by a leading ``-``. The
            default is ``"oldest"``.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        executor : Executor, distributed.Client or None
            Have the ids looked at by the workers of an executor of `concurrent.futures` or Dask, in parts. None looks
            at them in this process.
        progress : callable, bool or None
            A function that is called with the `Progress` of the scan. False shows no progress bar, None shows one in
            notebooks and terminals after a second.

        Returns
        -------
        Snapshot
            ``jobs``, the number of jobs; ``complete``, whether these are all that match; ``verdict``, the same in
            words.

        Raises
        ------
        UsageError
            The directory exists and is not empty.
        CannotSave
            The disk is full, or a file cannot be written; the directory is removed.

        Examples
        --------
        >>> session.snapshot("saved", "mail", state="buried").jobs
        3
        """
        if executor is None:
            return self._lookups.snapshot(directory, tube, {**selection})
        return reading.snapshot_in_parts(
            self._context, self._lookups, directory, tube, {**selection}, executor, self._source
        )

    def to_dask(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        columns: str | Iterable[str] | None = None,
        size: SupportsIndex = 100_000,
        **selection: Unpack[ScanOptions],
    ) -> dd.DataFrame:
        """Return jobs as a Dask DataFrame, whose partitions are looked up when they are computed.

        Each partition is a range of ids: it has the jobs that are there then, and only those put before this call. The
        workers connect to the server themselves. Computing refuses a server that was restarted since. It needs
        ``beanops[dask]``.

        Parameters
        ----------
        tube : str, TubeStats, row or None
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`; None is all tubes.
        ids : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Only these jobs; text as in ``"5,7-9"``.
        state : str, iterable of str, or None
            ``"ready"``, ``"reserved"``, ``"delayed"``, ``"buried"``; several in a list or with commas. None is all.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : None
            Not possible here.
        order : str
            ``"newest"`` or ``"oldest"`` first.
        bodies : {"text", "bytes", False}
            Form of the column ``body``: text, with escapes for bytes that are not UTF-8; or bytes. False reads no
            bodies, which is faster.
        columns : str, iterable of str, or None
            Only these columns, in this order.
        size : int
            Maximum number of ids of a partition.
        probe : bool
            Put a job for a moment, recorded in the journal, to find the highest id; it helps only with a binlog.
        rate : float or None
            Maximum ids per second of each partition; None sets no limit.
        polite : bool
            Pause after each request for as long as it took while workers wait for jobs; True by default.
        connections : int
            Number of connections that search at once, 1 by default: more are faster where the server is far away.
        progress : callable, bool or None
            Not used: Dask shows the progress of what it computes.

        Returns
        -------
        dask.dataframe.DataFrame
            The columns of `jobs`, with bodies redacted.

        Examples
        --------
        >>> session.to_dask("mail", bodies=False).groupby("state").size().compute()
        """
        from beanops.session.distributed.frames import dask_frame

        return dask_frame(self._context, self._lookups, tube, bodies, columns, size, {**selection}, self._source)

    def __getitem__(self, tube: Tube) -> pandas.DataFrame:
        """Return the jobs of a tube as a frame, as `jobs` does; Tab completes its name.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session["mail"].query("state == 'buried'")
        """
        return self.jobs(self._lookups.tube(tube).name)

    def _ipython_key_completions_(self) -> list[str]:
        # A key pressed at the wrong time must not end in a traceback.
        with suppress(BeanopsError):
            return list(self._context.looking().list_tubes())
        return []

    # -- act ---------------------------------------------------------------------------------------------------------

    @shows_run
    def kick(self, jobs: Jobs | str, **options: Unpack[VerbOptions]) -> Run:
        """Make buried or delayed jobs ready, each by its id, so that `undo` can bury or delay each again.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        state : str, iterable of str, or None
            Only jobs in these states, ``"buried"`` or ``"delayed"``. None is buried jobs for a tube, both for ids.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Examples
        --------
        >>> session.kick([17, 18])
        >>> session.kick("mail", where="data->>'$.user' = '7'", rate=100)
        """
        return job_verbs.kick(self._executor, jobs, options)

    def canary(
        self,
        jobs: Jobs | str,
        *,
        first: SupportsIndex = 10,
        watch: Seconds = 60,
        promote_if: str | None = None,
        waves: Iterable[SupportsIndex] | None = None,
        **options: Unpack[Options],
    ) -> pandas.DataFrame:
        """Kick a few jobs, watch what becomes of them, and go on in waves as long as a condition is true.

        Without `promote_if` it stops after the first wave. All waves are one run, with the verdict on each in the
        journal; `undo` reverts what can be reverted. Later waves take only jobs that were there when it began.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        first : int
            Number of jobs in the first wave; 10 by default.
        watch : number, str or timedelta
            Maximum time to watch each wave: seconds, text such as ``"10m"``, or a timedelta; a minute by default. It
            ends as soon as all jobs are deleted, buried or lost.
        promote_if : str or None
            What must be true of a wave before the next one, such as ``"buried = 0"`` or ``"gone / jobs >= 99%"``. The
            names are the verdicts below, ``jobs`` (all of the wave) and ``gone`` (``done`` and ``unseen``).
        waves : iterable of int or None
            Number of jobs in each of the next waves; the wave after them has all that are left. None is one wave.
        state : str, iterable of str, or None
            Only jobs in these states, ``"buried"`` or ``"delayed"``. None is buried jobs for a tube, both for ids.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Rejected: a dry run of `kick` shows which jobs it would kick.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Returns
        -------
        pandas.DataFrame
            One row per job that was kicked: ``id`` (uint64), ``tube`` (text), ``wave`` (int64), ``verdict``
            (categorical): ``done`` (deleted after a worker had reserved it), ``unseen`` (deleted between two looks),
            ``reserved`` (a worker has it), ``waiting`` (nobody has taken it), ``released``, ``timed_out``, ``buried``
            (again), ``lost`` (with a restart of the server) or ``unknown`` (the server could not be reached); the time
            to the verdict, ``seconds`` (timedelta64[us]); how often it was reserved, timed out, released, buried and
            kicked by others since, ``reserves``, ``timeouts``, ``releases``, ``buries`` and ``kicks`` (int64); and
            ``instance`` (text, the server process). ``attrs`` has the id of the ``run``, the ``verdict`` in words,
            whether it ``passed``, and the number of jobs that are ``left``.

        Examples
        --------
        >>> found = session.canary("mail", first=5, watch="2s", promote_if="buried = 0", waves=[100, 1000])
        >>> found.groupby("verdict", observed=True).seconds.median()
        """
        from beanops.session.investigation.canary import Hooks, canary, stages_of
        from beanops.session.investigation.canary_frames import canary_frame

        stages = stages_of(first, watch, promote_if, waves)
        return canary_frame(canary(self._executor, jobs, stages, options, Hooks(watched=self._watched)))

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
        """Make the next buried jobs of a tube ready, or the next delayed ones if none is buried.

        The server chooses the jobs and does not report their ids, so `undo` cannot revert it. `kick` can be undone.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        n : int
            Maximum number of jobs.
        reason : str or None
            Reason for the journal.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

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
    def bury(self, jobs: Jobs | str, *, priority: SupportsIndex | None = None, **options: Unpack[VerbOptions]) -> Run:
        """Bury jobs: ready and delayed ones, and those that this session has reserved.

        beanops reserves each job and buries it in one pipeline. If the connection is lost in between, a delayed job
        becomes ready. With a `priority` it also changes buried jobs, which stay buried; it pauses their tube for that
        time if workers watch it. A server up to 1.11 can bury jobs only in a tube that no worker watches.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        priority : int or None
            New priority, from 0, the most urgent; None keeps each job's own.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

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
        **options: Unpack[VerbOptions],
    ) -> Run:
        """Make jobs ready or delayed, or change their priority: ready, delayed and buried ones, and those held.

        beanops reserves each job that it does not hold and releases it in one pipeline. If it delays buried jobs, it
        pauses their tube for that time if workers watch it: a job would become ready if the connection were lost in
        between. On a server up to 1.11 jobs get new ids where priority or delay change.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        priority : int or None
            New priority, from 0, the most urgent; None keeps each job's own.
        delay : number, str or timedelta
            Time until they are ready: seconds, text such as ``"10m"``, or a timedelta; 0 by default.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Examples
        --------
        >>> session.release("mail", state="buried", priority=10)
        """
        return job_verbs.release(self._executor, jobs, priority, delay, options)

    @shows_run
    def delete(self, jobs: Jobs | str, **options: Unpack[VerbOptions]) -> Run:
        """Delete jobs: ready, delayed and buried ones, and those that this session has reserved.

        `undo` puts them again, with new ids, unless the journal keeps no bodies.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and needs `state`,
            `where` or `group`.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Examples
        --------
        >>> session.delete([17, 18])
        >>> session.delete("mail", state="buried", dry_run=True)
        """
        return job_verbs.delete(self._executor, jobs, options)

    @shows_run
    def drain(self, tube: Tube, *, bodies: bool = True, **options: Unpack[VerbOptions]) -> Run:
        """Delete all jobs of a tube that are in the given states.

        With ``bodies=False`` a server that has ``truncate`` (see `capabilities`) deletes all ready, delayed and buried
        jobs of a tube with one command, a million as fast as one. The journal has their number by state, and not their
        ids and bodies: nothing can put them again. Jobs that are reserved are gone too, and the server answers what
        their workers say of them later with ``NOT_FOUND``.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, a glob such as ``"mail-*"``, or a row of `tubes`.
        bodies : bool
            Whether to record the bodies, so that `undo` can put the jobs again. Without them `state` has to name all
            of ready, delayed and buried, and there is no `where`, `group`, `limit`, `order` or `rate`.
        state : str or iterable of str
            States of the jobs to delete, such as ``"buried"``; required.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Examples
        --------
        >>> session.drain("mail", state="buried")
        """
        return job_verbs.drain(self._executor, tube_of(tube), options, bodies=bodies)

    @shows_run
    def move(self, jobs: Jobs | str, to: Tube, **options: Unpack[VerbOptions]) -> Run:
        """Move jobs to another tube; they keep body, priority, ttr, remaining delay and burial, and get new ids.

        beanops puts each job before it deletes the old one. A fault can leave a job twice, which the journal records,
        but never loses one. Bodies are not redacted. To bury jobs in the other tube, beanops pauses it for that time
        if workers watch it: a job would become ready if the connection were lost in between.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        to : str
            Destination tube.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.
        buried_as : {"parked", "ready"} or None
            State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them
            ready, None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.

        Examples
        --------
        >>> session.move("mail", "hospital", state="buried")
        """
        return job_verbs.move(self._executor, jobs, to, options)

    @shows_run
    def edit(
        self,
        jobs: Jobs | str,
        changes: Changes | None = None,
        *,
        unset: Iterable[str] = (),
        priority: SupportsIndex | None = None,
        ttr: Seconds | None = None,
        delay: Seconds | None = None,
        to: Tube | None = None,
        kick: bool = False,
        schema: SchemaLike | None = None,
        **options: Unpack[Options],
    ) -> Run:
        """Change the bodies and settings of jobs: beanops puts each changed job, then deletes the old one.

        Values are replaced where they are in the body, also inside of JSON in JSON, base64, gzip, zlib and serialized
        PHP; all other bytes stay. A job whose body cannot be changed so is skipped, with the reason. Jobs that need no
        change stay as they are and count as ``unchanged``.

        What is not changed is kept: priority, ttr, remaining delay, burial and tube. The new jobs have new ids. A fault
        can leave a job twice, which the journal records, but never loses one. The journal has both bodies, and `undo`
        puts the old ones back.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        changes : dict, callable or None
            New values by their paths, such as ``{"$.customer": 7, "$.items[0].sku": "A-1"}``; a last key that is
            missing is added. Or a function that takes the decoded data of a body: it returns the changed data, or
            changes its argument and returns None; bytes that it returns are the new body as it is. A job for which it
            raises an error is skipped.
        unset : iterable of str
            Paths to remove, such as ``["$.token"]``; paths that a body does not have are ignored.
        priority : int or None
            New priority; None keeps each job's own.
        ttr : number, str or timedelta, or None
            New time to run: seconds, text such as ``"10m"``, or a timedelta; None keeps each job's own.
        delay : number, str or timedelta, or None
            Time until ready and delayed jobs, or buried ones with `kick`, are ready; None keeps what is left.
        to : str or None
            Destination tube; None keeps each job's own.
        kick : bool
            Put buried and delayed jobs ready.
        schema : path, dict, validator or None
            A JSON Schema, or a validator of jsonschema; jobs whose new body does not fit are skipped.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Report what would be done, and change nothing; the run's ``sample`` has redacted bodies before and after.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.
        buried_as : {"parked", "ready"} or None
            State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them
            ready, None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.

        Examples
        --------
        >>> session.edit("mail", {"$.customer": 7}, unset=["$.token"], state="buried", kick=True)

        >>> def shout(data):
        ...     data["subject"] = data["subject"].upper()
        >>> session.edit([17], shout, dry_run=True)
        """
        return job_verbs.edit(
            self._executor, jobs, changes, unset=unset, priority=priority, ttr=ttr, delay=delay, to=to, kick=kick,
            schema=schema, options=options,
        )  # fmt: skip

    @shows_run
    def copy(
        self, jobs: Jobs | str, to: Tube | None = None, *, server: Session | None = None, **options: Unpack[VerbOptions]
    ) -> Run:
        """Copy jobs to another tube, another server, or both; copies keep body, priority, ttr, delay and burial.

        Bodies are not redacted. A session on the destination server undoes a copy to it.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, row of groups, or str
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs.
        to : str or None
            Destination tube; None keeps each job's own.
        server : Session or None
            A session on the destination server; None copies within this server.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; several in a list or with commas. None is all states.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        executor : Executor, distributed.Client or None
            Have the jobs acted on by the workers of an executor of `concurrent.futures` or Dask, in parts: one run,
            and each job at most once. None acts in this process.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.
        buried_as : {"parked", "ready"} or None
            State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them
            ready, None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.

        Examples
        --------
        >>> session.copy([17], server=beanops.connect("staging"))
        """
        there = None if server is None else server._executor
        return job_verbs.copy(self._executor, jobs, to, there, options)

    def touch(self, jobs: Jobs, *, reason: str | None = None) -> Run:
        """Restart the ttr of jobs that this session has reserved.

        Parameters
        ----------
        jobs : id, Job, Run, iterable of ids or jobs, or DataFrame with a column ``id``
            The jobs.
        reason : str or None
            Reason for the journal.

        Examples
        --------
        >>> session.touch(17)
        """
        from beanops.session.execution.verbs import KEEP

        return job_verbs.act(self._executor, "touch", jobs, KEEP, Options(reason=reason))

    def reserve(self, tube: Tube, timeout: Seconds = 0, *, reason: str | None = None) -> Reservation:
        """Reserve the next ready job of a tube and hold it until it is deleted, buried or released.

        Parameters
        ----------
        tube : str, TubeStats or row
            Its name, or a row of `tubes`.
        timeout : number, str or timedelta
            Time to wait for a job: seconds, text such as ``"10m"``, or a timedelta; 0 by default.
        reason : str or None
            Reason for the journal, also of the action that ends the reservation.

        Returns
        -------
        Reservation
            It has the job's ``id`` and ``body``, and touches the job before its ttr ends. As a context manager it
            releases the job with its own priority if it is still held; so does closing the session.

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
        tube = self._lookups.tube(tube).name  # to watch a tube would create it
        from beanops.session.reservation import Reservation, Reserver

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
        schema: SchemaLike | None = None,
        reason: str | None = None,
    ) -> Run:
        """Put a job into a tube, which is created if it does not exist; the run's ``ids`` hold the new id.

        Parameters
        ----------
        body : bytes, str, dict, list or row
            Bytes, text (put as UTF-8), a dict or list (put as JSON), or a row of a frame of jobs: its body; at most the
            server's max-job-size.
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        priority : int
            From 0, the most urgent, to 2**32 - 1; 65536 by default.
        delay : number, str or timedelta
            Time until it is ready: seconds, text such as ``"10m"``, or a timedelta; 0 by default.
        ttr : number, str or timedelta
            Time that a worker may hold it before it becomes ready again; 60 seconds by default.
        schema : path, dict, validator or None
            A JSON Schema, or a validator of jsonschema, that the decoded body must fit.
        reason : str or None
            Reason for the journal.

        Raises
        ------
        SchemaMismatch
            The body does not fit the schema; nothing was sent.

        Examples
        --------
        >>> session.put({"user": 7}, tube="mail", delay="1m").ids
        [19]
        """
        return tube_verbs.put(
            self._executor, body, tube, priority=priority, delay=delay, ttr=ttr, reason=reason, schema=schema
        )

    @shows_run
    def put_many(
        self,
        bodies: Iterable[Body],
        *,
        tube: Tube = "default",
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: Seconds = 0,
        ttr: Seconds = DEFAULT_TTR,
        schema: SchemaLike | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Put one job for each body into a tube, as one run; its ``ids`` hold the new ids in order.

        Parameters
        ----------
        bodies : iterable of bytes, str, dict or list; or DataFrame with a column ``body``
            Bytes, text (put as UTF-8), or a dict or list (put as JSON); all are checked before the first is put. A
            frame of jobs gives their exact bodies: those that it shows with escapes or redacted are refused.
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        priority : int
            Of each job, from 0, the most urgent, to 2**32 - 1; 65536 by default.
        delay : number, str or timedelta
            Time until they are ready: seconds, text such as ``"10m"``, or a timedelta; 0 by default.
        ttr : number, str or timedelta
            Time that a worker may hold each before it becomes ready again; 60 seconds by default.
        schema : path, dict, validator or None
            A JSON Schema, or a validator of jsonschema, that each decoded body must fit.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Raises
        ------
        ArgumentError
            A body cannot be put; nothing was sent.
        SchemaMismatch
            A body does not fit the schema; nothing was sent.

        Examples
        --------
        >>> session.put_many([{"user": user} for user in range(3)], tube="mail").ids
        [19, 20, 21]
        >>> session.put_many(session.jobs("mail", bodies="bytes"), tube="again").done
        """
        how = how_of(Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress))
        return job_verbs.put_many(
            self._executor, bodies, tube, priority=priority, delay=delay, ttr=ttr, how=how, schema=schema
        )

    def pause(self, tube: Tube, seconds: Seconds, *, reason: str | None = None) -> Run:
        """Pause a tube: for some time workers cannot reserve its jobs.

        Parameters
        ----------
        tube : str, TubeStats or row
            The name of a tube, or a row of `Session.tubes`.
        seconds : number, str or timedelta
            Length of the pause: seconds, text such as ``"10m"``, or a timedelta.
        reason : str or None
            Reason for the journal.

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
            Reason for the journal.

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
        """Undo a run where jobs have not changed since; each action that cannot be undone says why.

        Undo puts deleted jobs again, with new ids and their full bodies; kicks buried jobs; buries or delays kicked
        jobs that are not reserved; moves jobs back; restores priorities, delays and pauses; and deletes duplicates
        that a fault left. It skips actions that are already undone, and those whose outcome is unknown until
        `session.journal.verify` finds it out. Of two undos of one run at the same time at least one stops. An undo is a
        run too, and can be undone.

        Parameters
        ----------
        run : Run, str or row
            The run, its id, or a row of `Session.runs`.
        where : str or None
            Undo only actions on jobs that matched this SQL predicate before the run, such as ``"priority < 10"``.
        repeat : {"unknown"} or None
            Also put jobs whose delete has an unknown outcome, and those at which an earlier undo was interrupted; it
            may create duplicates.
        buried_as : {"parked", "ready"} or None
            State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them
            ready, None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

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
        """Resume a run that was cancelled or interrupted: do the rest of it, as a new run.

        It skips jobs whose outcome in that run is in the journal, and jobs of a move or copy with an unknown outcome.

        Parameters
        ----------
        run : Run, str or row
            The run, its id, or a row of `Session.runs`.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None keeps that of the run.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

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
        """Write jobs to a file of JSON lines, from which `import_` restores them.

        Bodies are not redacted; they are text if they are UTF-8, otherwise base64.

        Parameters
        ----------
        file : path or open binary file
            Destination.
        jobs : id, Job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            The jobs; a str is a tube's name or a glob such as ``"mail-*"``, and means its jobs. None is all jobs.
        delete : bool
            Delete the jobs of each batch once the file has them safely on disk, recorded in the journal. It skips a job
            that a worker has reserved in between, although the file has it.
        force : bool
            Overwrite a file that exists.
        state : str, iterable of str, or None
            Only jobs in these states, such as ``"buried"``; None is all but reserved jobs.
        where : str or None
            Only jobs that match this SQL predicate, such as ``"age > interval 1 day"``.
        group : str, row, frame, iterable of these, or None
            Only jobs of these groups: names, beginnings of names, or rows of a frame of groups.
        limit : int or None
            Maximum number of jobs.
        order : str
            Which jobs come first: ``"oldest"`` (default), ``"newest"``, or a column such as ``"priority"``.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

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
        schema: SchemaLike | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[Run] = None,
    ) -> Run:
        """Put the jobs of a file that `export` wrote, with their tube, priority, ttr, remaining delay and burial.

        A line of your own needs a tube and a body, ``{"tube": "mail", "body": "..."}``, or ``body_base64`` for bytes;
        ``priority``, ``ttr`` and ``delay`` have the defaults of `put`: 65536, 60 s and 0 s.

        beanops checks the whole file before it puts anything. It skips lines that the journal has as imported to this
        server from a file of the same content, unless that import was undone. Of two imports of the same file at the
        same time at least one stops.

        Parameters
        ----------
        file : path or open binary file
            A file of JSON lines.
        repeat : {"unknown", "all"} or None
            ``"unknown"`` also puts lines whose outcome is unknown because an import was interrupted; ``"all"`` puts
            all lines. Both may create duplicates.
        buried_as : {"parked", "ready"} or None
            State of the new jobs for buried ones: ``"parked"`` delays them for 136 years, ``"ready"`` makes them
            ready, None buries them. A server up to 1.11 can bury them only in a tube that no worker watches.
        schema : path, dict, validator or None
            A JSON Schema, or a validator of jsonschema, that each decoded body must fit.
        reason : str or None
            Reason for the journal.
        rate : float or None
            Maximum jobs per second; None sets no limit.
        dry_run : bool
            Report what would be done, and change nothing.
        progress : callable, bool or None
            A function that is called with the `Run` before the first batch and after each. False shows no progress
            bar, None shows one in notebooks and terminals after a second.

        Raises
        ------
        LineError
            A line is not a job; nothing was put.
        SchemaMismatch
            The body of a line does not fit the schema; nothing was put.
        UsageError
            The file cannot be read.

        Examples
        --------
        >>> session.import_("poison.jsonl")
        """
        from beanops.session.files.import_ import import_

        options = Options(buried_as=buried_as, reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return import_(self._executor, file, repeat, options, schema=schema)

    # -- what this session did ---------------------------------------------------------------------------------------

    @property
    def actions(self) -> pandas.DataFrame:
        """The actions of this session, newest first, one row per action. `session.journal.actions` has everybody's.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``actor``, ``source``, ``action``, ``tube``
            (text), ``id`` (UInt64, missing for actions on a tube), ``state_before`` (categorical),
            ``priority`` (Int64), ``delay`` (timedelta64[us]), ``outcome`` (``done``, ``skipped``, ``failed``
            or ``unknown``), ``error``, ``reason``, ``instance`` (text, the server process), ``new_id``
            (UInt64, the new job of a put, move or copy) and ``jobs`` (int64, the number of jobs: 1, except for
            `kick_next`).

        Examples
        --------
        >>> session.actions.query("outcome != 'done'")[["id", "error"]]
        """
        from beanops.journal.frames import actions_frame

        return actions_frame(self._lookups.own_pages())

    @property
    def runs(self) -> pandas.DataFrame:
        """The runs of this session, newest first, one row per run. `session.journal.runs` has everybody's.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``instance``, ``actor``, ``source``, ``action``,
            ``reason``, ``undoes``, ``about`` (text, the jobs that were asked for), ``done``, ``skipped``, ``failed``,
            ``unknown`` (int64), and ``fleet`` (text, the id of a call on several servers, missing for others).

        Examples
        --------
        >>> session.runs.query("action == 'delete'").head()
        """
        from beanops.journal.frames import runs_frame

        return runs_frame(self._lookups.own_runs())


def _executor_of(context: Context, lookups: Lookups, source: str, under: Umbrella | None = None) -> Executor:
    from beanops.session.execution.executor import Executor  # what only looks needs no verbs

    return Executor(context, lookups, source, under)


# These two have an executor of their own: a reference cycle would leave a dropped session to the garbage collector.
def _probe(context: Context, source: str) -> int:
    from beanops.session.probe import probe_id

    return probe_id(_executor_of(context, Lookups(context), source))


def _verify(context: Context, lookups: Lookups, source: str, run: str) -> Run:
    from beanops.session.past_runs.recovery import verify

    return verify(_executor_of(context, lookups, source), run)
