"""What a session sees at known places: the server, its tubes, jobs by id and at the heads. `find` has the searches."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self, SupportsIndex

from beanops.client.address import Address
from beanops.client.reading import ReadingClient
from beanops.client.sync import Client
from beanops.jobs.bodies import Reader
from beanops.jobs.hiding import hide, hide_body
from beanops.jobs.read import FoundJob, find_jobs, read_heads, read_jobs
from beanops.jobs.select import is_glob, select
from beanops.jobs.tube_names import NoTube, is_any
from beanops.monitor.survey import Survey, Surveyor
from beanops.monitor.sweep import sweep
from beanops.protocol import Job, ServerStats, TubeStats
from beanops.protocol.errors import ConnectionClosed, NotFound
from beanops.protocol.limits import U64_MAX, check_number
from beanops.session.old_servers.capabilities import Capabilities, probe

if TYPE_CHECKING:
    import pandas


class Looking:
    """The half of a session that looks. It keeps a connection that never reserves.

    Attributes
    ----------
    address : Address
        Where the server listens.
    """

    def __init__(self, address: str | Address, timeouts: tuple[float, float]) -> None:
        self.address = Address.parse(address)
        self._timeouts = timeouts
        self._lock = threading.RLock()
        self._closed = threading.Event()  # which sessions that share the connections share too
        self._clients: dict[str, Client] = {}
        self._capable: dict[str, Capabilities] = {}
        self._looking()

    def _client(self, purpose: str) -> Client:
        """Return the connection for a purpose; one that looks renews itself, one that acts is made anew when lost."""
        with self._lock:
            self.check_open()
            client = self._clients.get(purpose)
            if client is None or (client.closed and not isinstance(client, ReadingClient)):
                # Made anew, not reconnected: a tube that an interrupted action used or watched must not come back.
                connect_timeout, read_timeout = self._timeouts
                kind = ReadingClient if purpose == "looking" else Client
                client = kind(self.address, connect_timeout=connect_timeout, read_timeout=read_timeout)
                self._clients[purpose] = client
            return client

    def check_open(self) -> None:
        """Raise `ConnectionClosed` when the session was closed."""
        if self._closed.is_set():
            raise ConnectionClosed(f"{self.address}: this session was closed by close(); connect again to go on")

    @property
    def redact(self) -> tuple[str, ...]:
        """Patterns of keys whose values are hidden in everything that is shown; see `beanops.redact`."""
        return ()

    @property
    def reader(self) -> Reader:
        """What all bodies that are shown go through; what acts on jobs and keeps them goes past it."""
        return Reader(self.redact)

    @property
    def read_only(self) -> bool:
        """Whether everything that would change a queue is refused."""
        return True

    def _looking(self) -> Client:
        return self._client("looking")

    def close(self) -> None:
        """Close the connections; jobs that are still reserved become ready."""
        with self._lock:
            self._closed.set()
            for client in self._clients.values():
                client.close()

    def __enter__(self) -> Self:
        self.check_open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def server(self) -> ServerStats:
        """Return the server's statistics."""
        return self._looking().stats()

    @property
    def capabilities(self) -> Capabilities:
        """What the server that answers can do.

        Examples
        --------
        >>> session.capabilities.reserve_job          # doctest: +SKIP
        True
        """
        return self.capabilities_of(self.server())

    def capabilities_of(self, server: ServerStats) -> Capabilities:
        """Return what a server can do whose statistics were just read; each process is asked once."""
        known = self._capable.get(server.id)
        if known is None:
            known = self._capable[server.id] = probe(self._looking(), server)
        return known

    def known_capabilities(self, instance: str) -> Capabilities | None:
        """Return what a server process can do, None where it was not asked yet; nothing is sent."""
        return self._capable.get(instance)

    def survey(self, surveyor: Surveyor, wanted: Collection[str] = ()) -> Survey:
        """Return what a surveyor sees, who remembers; it asks for `wanted` tubes with each look."""
        survey = surveyor.look(self._looking(), wanted)
        self.capabilities_of(survey.server)  # so that a screen knows without asking
        return survey

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
        try:
            return self._looking().stats_tube(name)
        except NotFound:
            raise NoTube(name, self._looking().list_tubes()) from None

    def check_tube(self, which: str) -> None:
        """Raise `NotFound` when a name or a glob means no tube that exists; the error names those that are near.

        A tube that nobody uses or watches vanishes with its last job.
        """
        if not is_glob(which):
            self.tube(which)
        elif not is_any(which, names := self._looking().list_tubes()):
            raise NoTube(which, names)

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
        >>> session.tubes("mail*").nlargest(5, "buried")          # doctest: +SKIP
        """
        from beanops.monitor.frames import tubes_frame

        wanted = None if pattern is None else select(pattern).in_tube
        return tubes_frame([tube for tube in self.tube_stats() if wanted is None or wanted(tube.name)])

    def peek(self, id: SupportsIndex) -> Job:
        """Return a job with its body, whichever its tube and state.

        Raises
        ------
        NotFound
            There is no such job.
        """
        return hide_body(self._looking().peek(id), self.reader)

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
        return hide(found, self.reader)

    def jobs_by_id(self, ids: Iterable[SupportsIndex], *, bodies: bool = True) -> Iterator[FoundJob | None]:
        """Yield each job in turn with its statistics and its body, None for one that does not exist."""
        wanted = (check_number("id", id, U64_MAX) for id in ids)
        if not bodies:
            return find_jobs(self._looking(), wanted)
        found = read_jobs(self._looking(), wanted)
        return (job and hide(job, self.reader) for job in found) if self.redact else found

    def next_jobs(self, tube: str) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried.

        Raises
        ------
        NotFound
            There is no such tube.
        """
        try:
            heads = read_heads(self._looking(), tube)
        except NotFound:
            raise NoTube(tube, self._looking().list_tubes()) from None
        return {state: job and hide(job, self.reader) for state, job in heads.items()}
