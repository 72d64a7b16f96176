"""The session: one server, looked at and acted upon. `look` and `find` see, `act` is the funnel of actions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from copy import copy
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal, SupportsIndex, Unpack

from beanops.client.address import Address
from beanops.client.sync import Client
from beanops.jobs.select import is_glob
from beanops.monitor.sample import sweep
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.protocol.limits import (
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    MAX_RESERVE_TIMEOUT,
    U32_MAX,
    U64_MAX,
    check_body,
    check_number,
    check_tube,
)
from beanops.session.act import Actor, How, Who
from beanops.session.config import Profile, default_journal, profile
from beanops.session.find import Finding
from beanops.session.orders import (
    Jobs,
    Options,
    how_of,
    kick_steps,
    optional_priority,
    orders_of,
    request_of,
)
from beanops.session.record import Action, Intent, JournalError, Refused, action_of, actions_frame, runs_frame
from beanops.session.reservation import Reservation
from beanops.session.retention import this_actor
from beanops.session.run import Run
from beanops.session.shelter import Shelter
from beanops.session.show import session_html
from beanops.session.verbs import KEEP, Settings, TubeStep, verb_of
from beanops.session.views import Views

if TYPE_CHECKING:
    import pandas

    from beanops.session.journal import Journal
    from beanops.session.transfer import File, Repeat


def connect(
    target: str | Address = "127.0.0.1:11300",
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool | None = None,
    redact: Iterable[str] = (),
    journal: str | Journal | None = None,
    keep_bodies: bool | None = None,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Session:
    """Open a session on a server.

    Parameters
    ----------
    target : str or Address
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalk://host:port``, ``unix:/path``, or the name of a server
        in the configuration, see `beanops.session.config`.
    source : str
        For the record: ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    actor : str or None
        For the record; by default the user and the host.
    read_only : bool or None
        Refuse everything that would change a queue; None does what the configuration says, else False.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden in all that is shown, such as ``"*token*"``, beside those
        of the configuration; see `beanops.redact`.
    journal : str, Journal or None
        Path of a SQLite file or URL of a database; None takes ``BEANOPS_JOURNAL``, then the configuration's,
        then a file in the user's data directory.
    keep_bodies : bool or None
        Write down the bodies of jobs that are deleted, so that it can be undone; None does what the configuration
        says, else True.
    connect_timeout, read_timeout : float
        Seconds, as in `Client`.
    clock : callable
        Tells the time, UTC.

    Raises
    ------
    ConnectFailed
        Nobody answers there.

    Examples
    --------
    >>> session = beanops.connect("127.0.0.1:11300")       # doctest: +SKIP
    >>> session.tubes()
    >>> session.kick([17, 18])
    <Run 20260102-030405-1f2e3d4c kick: 2 done>
    """
    known = profile(target)
    return Session(
        known,
        source=source,
        actor=actor or this_actor(),
        # A profile that is read-only stays so: what protects production must not be lost to an argument.
        read_only=known.read_only or bool(read_only),
        redact=(*known.redact, *((redact,) if isinstance(redact, str) else redact)),
        timeouts=(connect_timeout, read_timeout),
        clock=clock,
        journal=journal,
        keep_bodies=known.keep_bodies if keep_bodies is None else keep_bodies,
    )


class Session(Views, Finding):
    """A server, with what was done to it. Made by `connect`.

    Looking and acting use a connection each, because a server counts every connection that ever reserved
    among its workers. A lost connection is made anew by the next call; what was in flight is never sent again.
    Threads may share a session.

    Attributes
    ----------
    profile : Profile
        The server as the user named it, with what a face shows of it and asks before it acts.
    origin : Session
        The session that this one was made of by `through`, else itself: what is open on both is kept there.
    """

    def __init__(
        self,
        known: Profile,
        *,
        source: str,
        actor: str,
        read_only: bool,
        redact: Iterable[str],
        timeouts: tuple[float, float],
        clock: Callable[[], datetime],
        journal: str | Journal | None,
        keep_bodies: bool,
    ) -> None:
        super().__init__(known.address, timeouts, redact)
        self.profile = known
        self.origin = self
        self.now = clock
        self._journal_at = journal
        self._own_journal: Journal | None = None
        who = Who(str(self.address), actor, source)
        self._actor = Actor(who, self.journal, keep_bodies, self._acting, lambda: self.server().id, clock, read_only)

    def journal(self) -> Journal:
        """Return the journal, opened when it is first needed: SQLAlchemy costs a third of a second."""
        from beanops.session.journal import Journal

        at = self.origin
        with self._lock:
            if not isinstance(at._journal_at, Journal):
                at._journal_at = at._own_journal = Journal(at._journal_at or default_journal())
            return at._journal_at

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:  # each is closed, whatever another raises; the last one here first
            if self.origin._own_journal is not None:
                ends.callback(self.origin._own_journal.close)
            ends.callback(self._actor.held.clear)
            ends.callback(super().close)
            for view in list(self.origin.opened):
                ends.callback(view.close)

    def _known_id(self, instance: str) -> int:
        try:
            return self.journal().highest_id(instance)
        except JournalError:  # looking must not depend on the record
            return 0

    def _probe_id(self) -> int:
        tube = f"beanops-probe-{secrets.token_hex(8)}"
        why = "the highest id was looked for"
        put = self.put(tube, b"beanops looks for the highest id", delay=U32_MAX, reason=why)
        if not put.complete:
            raise BeanopsError(f"the probe could not be put into tube {tube}; {put.summary}")
        deleted = self.delete(put.ids, reason=why)
        if not deleted.complete:
            raise BeanopsError(f"the probe could not be deleted from tube {tube}; {deleted.summary}")
        return put.ids[0]

    @property
    def read_only(self) -> bool:
        """Whether everything that would change a queue is refused."""
        return self._actor.read_only

    def _acting(self) -> Client:
        with self._lock:
            known = self._clients.get("acting")
            if known is not None and known.closed:
                self._actor.held.clear()  # the server took its reservations back with the connection
            return self._client("acting")

    def through(self, source: str) -> Session:
        """Return this session as another face uses it: the same connections and record, where it stands as `source`."""
        other = copy(self)
        other._actor = self._actor.through(source)
        return other

    _repr_html_ = session_html

    def __repr__(self) -> str:
        return f"<Session {self.address}{' read-only' if self.read_only else ''}>"

    # -- the record ----------------------------------------------------------------------------------------------

    @property
    def actions(self) -> pandas.DataFrame:
        """What this session did, one row an action; `history` has what everybody did.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``actor``, ``source``, ``action``, ``tube``
            (text), ``job_id`` (UInt64, missing for actions on a tube), ``state_before`` (categorical),
            ``priority`` (UInt32), ``delay`` (timedelta64[us]), ``outcome`` (``done``, ``skipped``, ``failed``
            or ``unknown``), ``error``, ``reason``, ``instance`` (text, the server's process), ``new_id``
            (UInt64, of a job that was put for it) and ``jobs`` (uint64, how many: 1 but for a kick of a tube).

        Examples
        --------
        >>> session.actions.query("outcome != 'done'")[["job_id", "error"]]          # doctest: +SKIP
        """
        return actions_frame(self.action_rows(limit=None))

    def action_rows(self, limit: int | None = 1000) -> list[Action]:
        """Return the newest actions of this session as records, oldest first, without pandas."""
        runs = self._actor.runs
        return list(islice(self.journal().actions(reversed(runs)), limit))[::-1] if runs else []

    def history(self, limit: int | None = None) -> pandas.DataFrame:
        """Return what was done on this server by anybody whom the journal knows, with the columns of `actions`.

        The server may have been restarted in between: ``job_id`` names the same job only where ``instance`` is the
        same.

        Parameters
        ----------
        limit : int or None
            Most actions, the newest; None for all.

        Examples
        --------
        >>> session.history(limit=1000).groupby("actor").size()          # doctest: +SKIP
        """
        journal = self.journal()
        return actions_frame(list(islice(journal.actions(journal.each_run(str(self.address))), limit))[::-1])

    def job_actions(self, id: SupportsIndex) -> list[Action]:
        """Return what the journal knows of one job of the server process that answers, oldest first."""
        return self.journal().of_job(self.server().id, check_number("id", id, U64_MAX))

    @property
    def runs(self) -> pandas.DataFrame:
        """The runs on this server by anybody whom the journal knows, one row each.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``instance``, ``actor``, ``source``, ``action``,
            ``reason``, ``undoes`` (text), ``done``, ``skipped``, ``failed``, ``unknown`` (uint64).

        Examples
        --------
        >>> session.runs.query("action == 'delete'").tail()          # doctest: +SKIP
        """
        return runs_frame(self.journal(), str(self.address))

    def run_actions(self, run: Run | str) -> pandas.DataFrame:
        """Return the actions of one run, with the columns of `actions`.

        Raises
        ------
        JournalError
            There is no such run.

        Examples
        --------
        >>> session.run_actions(run)["outcome"].value_counts()          # doctest: +SKIP
        """
        id = run if isinstance(run, str) else run.id
        row = self.journal().run(id)
        return actions_frame(action_of(row, entry) for entry in self.journal().entries(id))

    # -- act -----------------------------------------------------------------------------------------------------

    def kick(self, jobs: Jobs | str, **options: Unpack[Options]) -> Run:
        """Make buried or delayed jobs ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs. A tube's name or a glob means its buried jobs, each kicked by its id: so each has its row on
            record, is kicked again by nothing that goes on with the run, and can be buried again by `undo`. With a
            `limit` and nothing else they are kicked as the server does it, in chunks, oldest burial first, delayed
            ones if none is buried, without a row for each.
        **options
            Which and how, see `Options`.

        Raises
        ------
        NotFound
            There is no such tube.

        Examples
        --------
        >>> session.kick([17, 18])          # doctest: +SKIP
        >>> session.kick("mail", where="data->>'$.user' = '7'", rate=100)
        """
        limit = options.get("limit")
        plain = options.keys() <= {"limit", "reason", "dry_run", "progress"}
        if isinstance(jobs, str) and limit is not None and plain and not is_glob(jobs):
            tube = self.tube(jobs)  # to use one that does not exist would create it
            how = how_of(options)
            most = check_number("limit", limit, U32_MAX)
            # One command kicks buried jobs or delayed ones, never both, and so do all chunks together. Where there
            # are none, one is asked for all the same: then the record says so.
            waiting = tube.current_jobs_buried or tube.current_jobs_delayed or int(not how.dry)
            run = self._actor.begin("kick", {"tube": jobs, "limit": most}, how)
            return self._actor.act_on_tube(run, kick_steps(jobs, min(most, waiting)), how, use=True)
        if isinstance(jobs, str):
            options.setdefault("state", "buried")
        return self._act("kick", jobs, KEEP, options)

    def bury(self, jobs: Jobs | str, *, priority: SupportsIndex | None = None, **options: Unpack[Options]) -> Run:
        """Bury jobs: ready and delayed ones, and those this session has reserved (server 1.12 on).

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
        >>> session.bury(session.jobs("mail", where="age > interval 1 day"), reason="INC-42")          # doctest: +SKIP
        """
        return self._act("bury", jobs, Settings(optional_priority(priority)), options)

    def release(
        self,
        jobs: Jobs | str,
        *,
        priority: SupportsIndex | None = None,
        delay: SupportsIndex = 0,
        **options: Unpack[Options],
    ) -> Run:
        """Make jobs ready, or delayed, or give them another priority; ready, delayed, buried and held ones.

        Jobs that are not yet reserved need a server from 1.12 on; they are reserved for it, in the same breath. If
        buried jobs are given a `delay`, their tube is paused meanwhile if workers watch it: were the connection lost
        in between, a job would become ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs, or those of a tube (name or glob).
        priority : int or None
            New priority; None keeps each job's own.
        delay : int
            Seconds until they are ready.
        **options
            Which and how, see `Options`.

        Examples
        --------
        >>> session.release("mail", state="buried", priority=10)          # doctest: +SKIP
        """
        settings = Settings(optional_priority(priority), check_number("delay", delay, U32_MAX))
        return self._act("release", jobs, settings, options)

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
        >>> session.delete([17, 18])          # doctest: +SKIP
        >>> session.delete("mail", state="buried", dry_run=True)
        """
        if isinstance(jobs, str) and not options.get("state") and not options.get("where"):
            raise UsageError(f"delete of tube {jobs!r} needs to know which jobs: name the states, or a predicate")
        return self._act("delete", jobs, KEEP, options)

    def drain_tube(self, tube: str, states: str | Iterable[str], **options: Unpack[Options]) -> Run:
        """Delete all jobs of a tube that are in the named states, and no others.

        Examples
        --------
        >>> session.drain_tube("mail", "buried")          # doctest: +SKIP
        """
        options["state"] = states
        return self.delete(tube, **options)

    def move(self, jobs: Jobs | str, to: str, **options: Unpack[Options]) -> Run:
        """Put jobs into another tube and delete them here, keeping body, priority, ttr, delay left and burial.

        They get new ids, which are on record. A job is put before it is deleted: a fault leaves it twice, which
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
        >>> session.move("mail", "hospital", state="buried")          # doctest: +SKIP
        """
        return self._act("move", jobs, Settings(target=check_tube(to, "to")), options)

    def copy(
        self, jobs: Jobs | str, to: str | None = None, *, server: Session | None = None, **options: Unpack[Options]
    ) -> Run:
        """Put copies of jobs into another tube, another server, or both; as `move` without the delete.

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
        >>> session.copy([17], server=beanops.connect("staging"))          # doctest: +SKIP
        """
        if to is None and server is None:
            raise UsageError("copy needs to know where to: another tube, another server, or both")
        if server is not None and server.read_only:
            raise Refused(f"copy was refused: the session on {server.address} is read-only")
        target = None if to is None else check_tube(to, "to")
        settings = Settings(target=target, there=server is not None)
        return self._act("copy", jobs, settings, options, there=server)

    def touch(self, jobs: Jobs, *, reason: str | None = None) -> Run:
        """Start the ttr of jobs that this session has reserved anew.

        Examples
        --------
        >>> session.touch(17)          # doctest: +SKIP
        """
        return self._act("touch", jobs, KEEP, Options(reason=reason))

    def _act(
        self, verb: str, jobs: Jobs | str, settings: Settings, options: Options, there: Session | None = None
    ) -> Run:
        batches, cancel = orders_of(self, verb_of(verb, settings), jobs, settings, options, self._actor.keep_bodies)
        how = how_of(options)
        run = self._actor.begin(verb, request_of(jobs, settings, options, there), how)
        run.when_cancelled(cancel)
        if there is None:
            return self._actor.act_on_jobs(run, batches, how, Shelter(self))
        # A connection of its own: what `there` uses itself meanwhile must not decide where copies end.
        with Client(there.address) as copying:
            return self._actor.act_on_jobs(run, batches, how, Shelter(there), copying)

    def undo(
        self,
        run: Run | str,
        *,
        where: str | None = None,
        repeat: Literal["unknown"] | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Callable[[Run], None] | None = None,
    ) -> Run:
        """Take back what a run did, as far as the world has not moved on; each action that cannot be says why.

        Jobs that were deleted are put again with new ids; buries are kicked, kicks buried again where the job is
        still at rest, moves moved back, priorities, delays and pauses restored; what a fault left twice is deleted.
        What an earlier undo took back already is left alone; so is what nobody knows to be done, see `verify`. An undo
        is a run itself, and can be undone.

        Parameters
        ----------
        run : Run or str
            The run, or its id.
        where : str or None
            A predicate on the jobs as they were before, see `beanops.jobs.where`.
        repeat : {"unknown"} or None
            Put jobs also where nobody knows whether they are there already: whose delete has an unknown outcome and
            which are gone, and those that an earlier undo was cut off at. A job may then be there twice.
        reason, rate, dry_run, progress
            How, see `Options`.

        Examples
        --------
        >>> run = session.delete([17])          # doctest: +SKIP
        >>> session.undo(run)
        """
        from beanops.session.undo import undo

        how = how_of(Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress))
        return undo(self, self._actor, run if isinstance(run, str) else run.id, where, how, repeat)

    def resume_run(
        self,
        run: Run | str,
        *,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Callable[[Run], None] | None = None,
    ) -> Run:
        """Go on with a run that was cancelled or cut off: do the rest of what it was asked for.

        Jobs whose fate in that run is on record are left out; so are those of a move or copy whose fate is unknown.

        Parameters
        ----------
        run : Run or str
            The run, or its id.
        reason, rate, dry_run, progress
            How, see `Options`; without a `rate` it keeps the run's own.

        Examples
        --------
        >>> session.resume_run(session.runs["run"].iloc[-1])          # doctest: +SKIP
        """
        from beanops.session.afterwards import resume_run

        how = Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return resume_run(self, self._actor, run if isinstance(run, str) else run.id, how)

    def verify(self, run: Run | str) -> Run:
        """Ask the server what became of the actions of a run whose outcome is unknown, and write that down.

        What a worker may have done as well, or the end of a delay, stays unknown, and says so. Who asked is in the
        ``error`` of each action.

        Examples
        --------
        >>> session.verify(run)          # doctest: +SKIP
        """
        from beanops.session.afterwards import verify

        return verify(self, self._actor.who.actor, run if isinstance(run, str) else run.id)

    # -- files ---------------------------------------------------------------------------------------------------

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

        Bodies stand in it as text where they are UTF-8, else as base64. A reserved job is left out unless `state`
        names it.

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
        >>> session.export("poison.jsonl", "mail", state="buried")          # doctest: +SKIP
        """
        from beanops.session.transfer import export

        return export(self, self._actor, file, jobs, delete, force, options)

    def import_(self, file: File, *, repeat: Repeat | None = None, **options: Unpack[Options]) -> Run:
        """Put the jobs of a file that `export` wrote, with their tube, priority, ttr, delay left and burial.

        The whole file is checked before anything is put. A line that the journal knows as imported into this server,
        by whichever address, is not put again, unless that was undone; that of a file with other content is another
        line. Of two imports of the same file at once, one ends.

        Parameters
        ----------
        file : path or open binary file
            Of JSON lines.
        repeat : {"unknown", "all"} or None
            Put lines again whose fate is unknown because an import was cut off, or all lines.
        **options
            How, see `Options`: `reason`, `dry_run`, `rate` and `progress`.

        Raises
        ------
        LineError
            A line describes no job; nothing was put.
        UsageError
            The file cannot be read.

        Examples
        --------
        >>> session.import_("poison.jsonl")          # doctest: +SKIP
        """
        from beanops.session.transfer import import_

        return import_(self, self._actor, file, repeat, options)

    def reserve(self, tube: str, timeout: SupportsIndex = 0, *, reason: str | None = None) -> Reservation:
        """Reserve the next ready job of a tube and hold it until it is acted on, let go, or the session closes.

        Parameters
        ----------
        tube : str
            Its name.
        timeout : int
            Seconds to wait for one.
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
        >>> with session.reserve("mail", timeout=5) as job:          # doctest: +SKIP
        ...     job.bury()
        """
        seconds = check_number("timeout", timeout, MAX_RESERVE_TIMEOUT)
        self._looking().stats_tube(tube)  # to watch a tube would create it
        job, stats = self._actor.reserve(tube, seconds, How(reason=reason))
        return Reservation(self, self._actor.keep, job, stats, reason)

    @property
    def held(self) -> frozenset[int]:
        """Ids of the jobs that this session has reserved; none once its connection is lost."""
        acting = self._clients.get("acting")
        return frozenset() if acting is None or acting.closed else frozenset(self._actor.held)

    def pause(self, tube: str, seconds: SupportsIndex, *, reason: str | None = None) -> Run:
        """Hold back the ready jobs of a tube from workers for `seconds`.

        Examples
        --------
        >>> session.pause("mail", 600)          # doctest: +SKIP
        """
        return self._pause("pause", tube, check_number("seconds", seconds, U32_MAX), reason)

    def resume(self, tube: str, *, reason: str | None = None) -> Run:
        """End the pause of a tube.

        Examples
        --------
        >>> session.resume("mail")          # doctest: +SKIP
        """
        return self._pause("resume", tube, 0, reason)

    def _pause(self, action: str, tube: str, seconds: int, reason: str | None) -> Run:
        command = commands.pause_tube(tube, seconds)
        left = next((stats.pause_time_left for stats in sweep(self._looking(), tube.__eq__)), 0)
        intent = Intent(action, tube, delay=seconds, time_left=left)
        how = How(reason=reason)
        run = self._actor.begin(action, {"tube": tube, "seconds": seconds}, how)
        return self._actor.act_on_tube(run, [TubeStep(command, intent)], how)

    def put(
        self,
        tube: str,
        body: bytes,
        *,
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: SupportsIndex = 0,
        ttr: SupportsIndex = DEFAULT_TTR,
        reason: str | None = None,
    ) -> Run:
        """Put a job into a tube, creating it; the run's ``ids`` hold the new job's.

        Parameters
        ----------
        tube : str
            Its name.
        body : bytes
            Any bytes, up to the server's max-job-size.
        priority : int
            0 is most urgent, 2**32 - 1 least.
        delay, ttr : int
            Seconds.
        reason : str or None
            Why, for the record.

        Examples
        --------
        >>> session.put("mail", b'{"user": 7}', delay=60).ids          # doctest: +SKIP
        [19]
        """
        command = commands.put(check_body(body, self._looking().max_job_size), priority=priority, delay=delay, ttr=ttr)
        intent = Intent("put", check_tube(tube), priority=int(priority), delay=int(delay), ttr=int(ttr))
        how = How(reason=reason)
        run = self._actor.begin("put", {"tube": tube}, how)
        return self._actor.act_on_tube(run, [TubeStep(command, intent)], how, use=True)
