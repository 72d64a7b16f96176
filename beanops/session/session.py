"""The session: one server, looked at and acted upon, with what follows from a run, files and reservations.

`look` and `find` see, `recorded` reads the record, `acting` has the verbs; `act` is the funnel of all actions.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from copy import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Unpack

from beanops.client.address import Address
from beanops.client.reading import ANSWER
from beanops.client.sync import Client
from beanops.jobs.identity import JobRef
from beanops.jobs.sql.engine import TIMEOUT, check_timeout
from beanops.journal import nothing_there
from beanops.journal.prune import this_actor
from beanops.journal.records import Refused
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import MAX_RESERVE_TIMEOUT, U32_MAX
from beanops.session.acting import Acting
from beanops.session.arguments import Seconds, run_id_of, whole_seconds
from beanops.session.config import Profile, profile, strictest
from beanops.session.connection_use import is_awake, restarted
from beanops.session.executor import How, Who
from beanops.session.protection import Protection
from beanops.session.reservation import Reservation, Reserver
from beanops.session.run import Run
from beanops.session.show import session_html
from beanops.session.targets import Jobs, Options, how_of
from beanops.session.views import Views

if TYPE_CHECKING:
    from beanops.journal.journal import Journal
    from beanops.session.files.import_ import Repeat
    from beanops.session.files.jsonl import File


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
    query_timeout: float | None = TIMEOUT,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Session:
    """Open a session on a server.

    Parameters
    ----------
    target : str or Address
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path``, ``/path``, or the name of
        a server in the configuration, see `beanops.session.config`.
    source : str
        For the record: ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    actor : str or None
        For the record; by default the user and the host.
    read_only : bool or None
        Refuse everything that would change a queue; None does what the configuration says, else False.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden in all that is shown, such as ``"*token*"``, beside those
        of the configuration; see `beanops.redact`. All jobs, frames and reservations that the session gives out have
        bodies without them; only `export`, `move`, `copy`, `undo` and the journal have the bytes.
    journal : str, Journal or None
        Path of a SQLite file or URL of a database; None takes ``BEANOPS_JOURNAL``, then the configuration's,
        then a file in the user's data directory.
    keep_bodies : bool or None
        Write down the bodies of jobs that are deleted, so that it can be undone; None does what the configuration
        says, else True.
    connect_timeout, read_timeout : float
        Seconds, as in `Client`.
    query_timeout : float or None
        Seconds that a predicate may take for a batch of jobs, or a query in SQL; None means any.
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
    # A profile that is read-only stays so: what protects production must not be lost to an argument.
    given = Profile("", "", read_only=bool(read_only), redact=(redact,) if isinstance(redact, str) else tuple(redact))
    keeps = known.keep_bodies if keep_bodies is None else keep_bodies
    return Session(
        strictest(known, [given])._replace(keep_bodies=keeps),
        source=source,
        actor=actor or this_actor(),
        timeouts=(connect_timeout, read_timeout),
        query_timeout=check_timeout(query_timeout),
        clock=clock,
        journal=journal,
        keep_bodies=keeps,
    )


class Session(Views, Acting):
    """A server, with what was done to it. Made by `connect`.

    Looking and acting use a connection each, because a server counts every connection that ever reserved
    among its workers. A lost connection is made anew by the next call; what was in flight is never sent again.
    Threads may share a session.

    Attributes
    ----------
    protection : Protection
        What the configuration says of the server.
    """

    _actor: Reserver

    def __init__(
        self,
        known: Profile,
        *,
        source: str,
        actor: str,
        timeouts: tuple[float, float],
        query_timeout: float | None,
        clock: Callable[[], datetime],
        journal: str | Journal | None,
        keep_bodies: bool,
    ) -> None:
        super().__init__(known.address, timeouts, known.redact, journal)
        self.protection = Protection(known, self._looking().peer, lambda: self._looking().execute(commands.stats()).id)
        self.query_timeout = query_timeout
        self.origin = self
        self.now = clock
        who = Who(str(self.address), actor, source)
        self._actor = Reserver(
            who, self.journal, keep_bodies, self._acting, self._check_process, clock, lambda: self.read_only
        )
        self._actor.shown = self.shown

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:  # each is closed, whatever another raises; the last one here first
            if self.origin._own_journal is not None:
                ends.callback(self.origin._own_journal.close)
            ends.callback(self._actor.held.clear)
            ends.callback(super().close)
            for view in list(self.origin.opened):
                ends.callback(view.close)

    def _probe_id(self) -> int:
        tube = f"beanops-probe-{secrets.token_hex(8)}"
        why = "the highest id was looked for"
        put = self.put(b"beanops looks for the highest id", tube=tube, delay=U32_MAX, reason=why)
        if not put.complete:
            raise BeanopsError(f"the probe could not be put into tube {tube}; {put.summary}")
        deleted = self.delete(put.refs, reason=why)
        if not deleted.complete:
            raise BeanopsError(f"the probe could not be deleted from tube {tube}; {deleted.summary}")
        return put.ids[0]

    @property
    def read_only(self) -> bool:
        """Whether everything that would change a queue is refused."""
        return self.protection.settled.read_only

    @property
    def profile(self) -> Profile:
        """The server as the user named it, with what protects it: what a face shows of it, and asks before it acts."""
        with suppress(BeanopsError):
            return self.protection.settled
        return self.protection.now

    @property
    def redact(self) -> tuple[str, ...]:
        """Patterns of keys whose values are hidden in everything that is shown; see `beanops.redact`."""
        return self.protection.settled.redact

    def _acting(self) -> Client:
        """Return the connection that acts: a new one to the same server process where the last was lost."""
        with self._lock:
            known = self._clients.get("acting")
            # Who holds jobs waits longer: they go back to the workers with the connection.
            patience = self._timeouts[1] if self._actor.held else ANSWER
            if known is not None and is_awake(known, patience):
                return known
            self._actor.held.clear()  # the server took its reservations back with the connection
            client = self._client("acting")
            client.last_instance = before = known.last_instance if known is not None else ""
            instance = client.instance
            if before and instance not in (before, self._looking().last_instance):
                raise Refused(restarted(self.address))
            return client

    def _check_process(self) -> None:
        """Refuse when another server process answers than the one that was looked at."""
        looking = self._looking()
        before, now = looking.last_instance, looking.stats().id
        if before and now != before:
            raise Refused(restarted(self.address))

    def through(self, source: str) -> Session:
        """Return this session as another face uses it: the same connections and record, where it stands as `source`."""
        other = copy(self)
        other._actor = self._actor.through(source)
        return other

    _repr_html_ = session_html

    def __repr__(self) -> str:
        return f"<Session {self.address}{' read-only' if self.protection.now.read_only else ''}>"

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
        progress: Callable[[Run], None] | None = None,
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
        >>> run = session.delete([17])          # doctest: +SKIP
        >>> session.undo(run)
        """
        from beanops.session.undo import undo

        how = how_of(Options(buried_as=buried_as, reason=reason, rate=rate, dry_run=dry_run, progress=progress))
        id = run_id_of(run)
        going_on = self.journal().going_on(id, self.now())
        undoing = undo(self, self._actor, id, where, how, repeat)
        about = [] if going_on is None else [f"run {going_on} still went on: undo that again when it has ended"]
        if not undoing.counted and undoing.stopped is None:
            about.append(nothing_there.of_run(self.journal(), self.journal().run(id), where))
        undoing.besides = "; ".join(filter(None, [*about, undoing.besides])) or None
        return undoing

    def resume(
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
        run : Run, str or row
            The run, its id, or a row of `Session.runs`.
        reason, rate, dry_run, progress
            How, see `Options`; without a `rate` it keeps the run's own.

        Examples
        --------
        >>> session.resume(session.runs["run"].iloc[-1])          # doctest: +SKIP
        """
        from beanops.session.recovery import resume

        how = Options(reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return resume(self, self._actor, run_id_of(run), how)

    def verify(self, run: Run | str) -> Run:
        """Ask the server what became of the actions of a run whose outcome is unknown, and write that down.

        What a worker may have done as well, or the end of a delay, stays unknown, and says so. Who asked is in the
        ``error`` of each action.

        Examples
        --------
        >>> session.verify(run)          # doctest: +SKIP
        """
        from beanops.session.recovery import verify

        return verify(self, self._actor.who.actor, run_id_of(run))

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
        >>> session.export("poison.jsonl", "mail", state="buried")          # doctest: +SKIP
        """
        from beanops.session.files.export import export

        return export(self, self._actor, file, jobs, delete, force, options)

    def import_(
        self,
        file: File,
        *,
        repeat: Repeat | None = None,
        buried_as: Literal["parked", "ready"] | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Callable[[Run], None] | None = None,
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
        >>> session.import_("poison.jsonl")          # doctest: +SKIP
        """
        from beanops.session.files.import_ import import_

        options = Options(buried_as=buried_as, reason=reason, rate=rate, dry_run=dry_run, progress=progress)
        return import_(self, self._actor, file, repeat, options)

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
        >>> with session.reserve("mail", timeout=5) as job:          # doctest: +SKIP
        ...     job.bury()
        """
        seconds = whole_seconds("timeout", timeout, MAX_RESERVE_TIMEOUT)
        self.tube(tube)  # to watch a tube would create it
        return Reservation(self, self._actor.keep, self._actor.reserve(tube, seconds, How(reason=reason)), reason)

    @property
    def held(self) -> frozenset[int]:
        """Ids of the jobs that this session has reserved; none once its connection is lost."""
        acting = self._clients.get("acting")
        return frozenset() if acting is None or acting.notice_end() else frozenset(self._actor.held)

    def _holds(self, job: JobRef) -> bool:
        """Whether a job is held, and not another one that got its id on another server process."""
        acting = self._clients.get("acting")
        return job.id in self.held and acting is not None and acting.instance == job.instance
