"""The session: one server, looked at and acted upon. Looking is in `look`; the funnel of actions is in `act`."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterable
from copy import copy
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, SupportsIndex

from beanops.client.address import Address
from beanops.client.sync import Client
from beanops.jobs.read import FoundJob
from beanops.jobs.select import ids_of
from beanops.protocol import Job, JobStats, commands
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import (
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    MAX_RESERVE_TIMEOUT,
    U32_MAX,
    check_body,
    check_number,
    check_tube,
)
from beanops.session.act import Actor, Who
from beanops.session.look import Looking
from beanops.session.record import Action, Record, actions_frame
from beanops.session.run import Run
from beanops.session.verbs import VERBS, Settings

if TYPE_CHECKING:
    import pandas

#: What a verb can be asked to act on: an id, a job, several of either, or a frame with a column ``id``.
Jobs = SupportsIndex | Job | JobStats | FoundJob | Iterable[Any]


def connect(
    target: str | Address = "127.0.0.1:11300",
    *,
    source: str = "script",
    actor: str | None = None,
    read_only: bool = False,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Session:
    """Open a session on a server.

    Parameters
    ----------
    target : str or Address
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalk://host:port`` or ``unix:/path``.
    source : str
        For the record: ``"cli"``, ``"tui"``, ``"notebook"`` or ``"script"``.
    actor : str or None
        For the record; by default the user and the host.
    read_only : bool
        Refuse everything that would change a queue.
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
    <Run 20260102-030405-1f2e kick: 2 done>
    """
    return Session(
        target,
        source=source,
        actor=actor or f"{_user()}@{socket.gethostname()}",
        read_only=read_only,
        timeouts=(connect_timeout, read_timeout),
        clock=clock,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"uid {os.getuid()}"


class Session(Looking):
    """A server, with what was done to it. Made by `connect`.

    Looking and acting use a connection each, because a server counts every connection that ever reserved
    among its workers. A lost connection is made anew by the next call; what was in flight is never sent again.
    Threads may share a session.
    """

    def __init__(
        self,
        target: str | Address,
        *,
        source: str,
        actor: str,
        read_only: bool,
        timeouts: tuple[float, float],
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(target, timeouts)
        self._record = Record()
        self._actor = Actor(
            Who(str(self.address), actor, source), self._record, self._looking, self._acting, clock, read_only
        )

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

    def dashboard(self, name: str = "dashboard") -> Any:
        """Return a live view of the tubes for a notebook, with buttons to act; needs ``beanops[notebook]``.

        Parameters
        ----------
        name : str
            A view of the same name and server that is shown already is closed, so that a cell can run again.

        Returns
        -------
        beanops.notebook.dashboard.Dashboard
            Shown by a notebook when it ends a cell; closed by ``close()`` or a ``with`` block.

        Examples
        --------
        >>> view = session.dashboard()          # doctest: +SKIP
        >>> view.select("mail")
        >>> view.pause(60)
        """
        # By its name: the session must not know the faces, which import it.
        return import_module("beanops.notebook.open").dashboard(self, name)

    def __repr__(self) -> str:
        return f"<Session {self.address}{' read-only' if self.read_only else ''}>"

    @property
    def actions(self) -> pandas.DataFrame:
        """What this session did, one row an action.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``actor``, ``source``, ``action``, ``tube``
            (text), ``job_id`` (UInt64, missing for actions on a tube), ``state_before`` (categorical),
            ``priority`` (UInt32), ``delay`` (timedelta64[us]), ``outcome`` (``done``, ``skipped``, ``failed``
            or ``unknown``) and ``error`` (text).
        """
        return actions_frame(self.action_rows())

    def action_rows(self) -> list[Action]:
        """Return what this session did as records, without pandas."""
        return self._record.rows()

    # -- act -----------------------------------------------------------------------------------------------------

    def kick(self, jobs: Jobs | str, *, limit: SupportsIndex | None = None) -> Run:
        """Make buried or delayed jobs ready.

        Parameters
        ----------
        jobs : id, Job, iterable of these, DataFrame with a column ``id``, or str
            The jobs. A tube's name kicks its buried jobs, oldest burial first, or its delayed ones if none is
            buried (the server never takes both).
        limit : int
            Most jobs to kick, needed with a tube.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        if not isinstance(jobs, str):
            return self._act("kick", jobs)
        if limit is None:
            raise UsageError(f"kick of tube {jobs!r} needs a limit: how many jobs at most?")
        command = commands.kick(limit)
        self._looking().stats_tube(jobs)  # to use a tube would create it
        return self._actor.act_on_tube("kick", jobs, command, use=True)

    def bury(self, jobs: Jobs, *, priority: SupportsIndex | None = None) -> Run:
        """Bury jobs: ready and delayed ones, and those this session has reserved (server 1.12 on).

        Parameters
        ----------
        jobs : id, Job, iterable of these, or DataFrame with a column ``id``
            The jobs.
        priority : int or None
            New priority; None keeps each job's own.
        """
        return self._act("bury", jobs, priority=priority)

    def release(self, jobs: Jobs, *, priority: SupportsIndex | None = None, delay: SupportsIndex = 0) -> Run:
        """Make jobs ready, or delayed: ready, delayed and buried ones, and those this session has reserved.

        Jobs that are not yet reserved need a server from 1.12 on.

        Parameters
        ----------
        jobs : id, Job, iterable of these, or DataFrame with a column ``id``
            The jobs.
        priority : int or None
            New priority; None keeps each job's own.
        delay : int
            Seconds until they are ready.
        """
        return self._act("release", jobs, priority=priority, delay=delay)

    def delete(self, jobs: Jobs) -> Run:
        """Delete jobs: ready, delayed and buried ones, and those this session has reserved.

        Parameters
        ----------
        jobs : id, Job, iterable of these, or DataFrame with a column ``id``
            The jobs.
        """
        return self._act("delete", jobs)

    def _act(self, verb: str, jobs: Jobs, *, priority: SupportsIndex | None = None, delay: SupportsIndex = 0) -> Run:
        settings = Settings(
            None if priority is None else check_number("priority", priority, U32_MAX),
            check_number("delay", delay, U32_MAX),
        )
        return self._actor.act_on_jobs(VERBS[verb], ids_of(jobs), settings)

    def reserve(self, tube: str, timeout: SupportsIndex = 0) -> Job:
        """Reserve the next ready job of a tube; this session holds it until it acts on it, or closes.

        Parameters
        ----------
        tube : str
            Its name.
        timeout : int
            Seconds to wait for one.

        Raises
        ------
        TimedOut
            No job became ready in that time.
        NotFound
            There is no such tube.
        """
        seconds = check_number("timeout", timeout, MAX_RESERVE_TIMEOUT)
        self._looking().stats_tube(tube)  # to watch a tube would create it
        return self._actor.reserve(tube, seconds)

    @property
    def held(self) -> frozenset[int]:
        """Ids of the jobs that this session has reserved."""
        return frozenset(self._actor.held)

    def pause(self, tube: str, seconds: SupportsIndex) -> Run:
        """Hold back the ready jobs of a tube from workers for `seconds`."""
        delay = check_number("seconds", seconds, U32_MAX)
        return self._actor.act_on_tube("pause", tube, commands.pause_tube(tube, delay), delay=delay)

    def resume(self, tube: str) -> Run:
        """End the pause of a tube."""
        return self._actor.act_on_tube("resume", tube, commands.pause_tube(tube, 0))

    def put(
        self,
        tube: str,
        body: bytes,
        *,
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: SupportsIndex = 0,
        ttr: SupportsIndex = DEFAULT_TTR,
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
        """
        command = commands.put(check_body(body, self._looking().max_job_size), priority=priority, delay=delay, ttr=ttr)
        details = {"priority": int(priority), "delay": int(delay)}
        return self._actor.act_on_tube("put", check_tube(tube), command, use=True, **details)
