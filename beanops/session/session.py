"""The session: one server, looked at and acted upon. It opens connections; `act` does what changes anything."""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from datetime import UTC, datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from beanops.client.address import Address
from beanops.client.sync import Client
from beanops.jobs.read import FoundJob, read_heads, read_jobs
from beanops.monitor.sample import Snapshot, sample, sweep
from beanops.protocol import Job, JobStats, ServerStats, TubeStats, commands
from beanops.protocol.errors import ArgumentError, NotFound, UsageError
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
from beanops.session.act import Actor, Who
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


class Session:
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
        self.address = Address.parse(target)
        self._timeouts = timeouts
        self._lock = threading.RLock()
        self._clients: dict[str, Client] = {}
        self._record = Record()
        self._actor = Actor(
            Who(str(self.address), actor, source), self._record, self._looking, self._acting, clock, read_only
        )
        self._looking()

    @property
    def read_only(self) -> bool:
        """Whether everything that would change a queue is refused."""
        return self._actor.read_only

    def _client(self, purpose: str) -> Client:
        with self._lock:
            client = self._clients.get(purpose)
            if client is None:
                connect_timeout, read_timeout = self._timeouts
                client = Client(self.address, connect_timeout=connect_timeout, read_timeout=read_timeout)
                self._clients[purpose] = client
            elif client.closed:
                client.reconnect()
            return client

    def _looking(self) -> Client:
        return self._client("looking")

    def _acting(self) -> Client:
        with self._lock:
            known = self._clients.get("acting")
            if known is not None and known.closed:
                self._actor.held.clear()  # the server took its reservations back with the connection
            return self._client("acting")

    def close(self) -> None:
        """Close the connections; jobs that are still reserved become ready."""
        with self._lock:
            for client in self._clients.values():
                client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

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

    # -- look ----------------------------------------------------------------------------------------------------

    def server(self) -> ServerStats:
        """Return the server's statistics."""
        return self._looking().stats()

    def snapshot(self, clock: Callable[[], float] = time.monotonic) -> Snapshot:
        """Return the statistics of the server and all its tubes as one frozen value."""
        return sample(self._looking(), clock)

    def tube_stats(self) -> list[TubeStats]:
        """Return the statistics of all tubes as records, without pandas."""
        return sweep(self._looking())

    def tube(self, name: str) -> TubeStats:
        """Return the statistics of one tube.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return self._looking().stats_tube(name)

    def tubes(self) -> pandas.DataFrame:
        """Return the statistics of all tubes.

        Returns
        -------
        pandas.DataFrame
            One row a tube, in the server's order, columns as the fields of `TubeStats`: ``name`` is text,
            ``pause`` and ``pause_time_left`` are timedelta64[us], the others are uint64.
        """
        from beanops.session.frames import frame

        counts: dict[str, Any] = {field: "uint64" for field in TubeStats._fields if field != "name"}
        return frame(self.tube_stats(), TubeStats, {**counts, "pause": "seconds", "pause_time_left": "seconds"})

    def peek(self, id: SupportsIndex) -> Job:
        """Return a job with its body, whichever its tube and state.

        Raises
        ------
        NotFound
            There is no such job.
        """
        return self._looking().peek(id)

    def job(self, id: SupportsIndex) -> FoundJob:
        """Return a job with its statistics and its body.

        Raises
        ------
        NotFound
            There is no such job.
        """
        (found,) = read_jobs(self._looking(), [check_number("id", id, U64_MAX)])
        if found is None:
            raise NotFound(f"stats-job {id}")
        return found

    def jobs_by_id(self, ids: Iterable[SupportsIndex]) -> Iterator[FoundJob | None]:
        """Yield each job in turn with its statistics and its body, None for one that does not exist."""
        return read_jobs(self._looking(), (check_number("id", id, U64_MAX) for id in ids))

    def heads(self, tube: str) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        return read_heads(self._looking(), tube)

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


def ids_of(jobs: Any) -> list[int]:
    """Return the ids of what a verb was asked to act on, each once, in order.

    Raises
    ------
    ArgumentError
        It names no jobs.
    """
    if isinstance(jobs, str | bytes):
        raise ArgumentError("jobs", jobs, "ids, jobs, or a frame with a column 'id'")
    if hasattr(jobs, "columns"):
        if "id" not in jobs.columns:
            raise ArgumentError("jobs", list(jobs.columns), "a frame with a column 'id'")
        jobs = jobs["id"]
    one = isinstance(jobs, Job | JobStats | FoundJob) or not isinstance(jobs, Iterable)
    several: Iterable[Any] = [jobs] if one else jobs
    return list(dict.fromkeys(check_number("id", getattr(job, "id", job), U64_MAX) for job in several))
