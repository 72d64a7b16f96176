"""What all parts of a session share: its server and connections, the journal, the clock, and what protects the server.

Sessions that `Session.through` made of one another share one context.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from beanops.client.address import Address
from beanops.client.reading import ANSWER, ReadingClient
from beanops.client.sync import Client
from beanops.jobs.bodies import DEFAULT_PATTERNS, Decoded, Reader, decode
from beanops.jobs.identity import JobRef
from beanops.jobs.search.id_map import IdMaps
from beanops.journal.records import Refused, RunRow
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError, ConnectionClosed
from beanops.session.config import Profile, default_journal
from beanops.session.execution.connection_use import is_awake, restarted
from beanops.session.old_servers.capabilities import Capabilities
from beanops.session.protection import Protection

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


class Closes(Protocol):
    """Something that ends with the session, such as a view in a notebook."""

    def close(self) -> None:
        """End it."""


class Context:
    """A server as one session, or several made by `Session.through`, use it.

    Parameters
    ----------
    known : Profile
        The server as the configuration has it.
    actor : str
        Who acts, for the journal.
    timeouts : (float, float)
        Seconds to connect, and to wait for an answer.
    query_timeout : float or None
        Seconds that a predicate may take for a batch of jobs, or a query; None means any.
    clock : callable
        Returns the time, UTC.
    journal : str, Journal or None
        Where the journal is; None takes what the configuration says.
    keep_bodies : bool
        Whether bodies are written down; without them a delete cannot be undone.

    Attributes
    ----------
    protection : Protection
        What the configuration says of the server.
    held : set of int
        Ids of the jobs that the acting connection has reserved.
    runs : list of RunRow
        The runs that were begun, oldest first, without what was asked for.
    turn : Lock
        The tubes that a connection uses and watches belong to one action at a time.
    id_maps : IdMaps
        What scans learned of the server's ids.
    capable : dict of str to Capabilities
        What each server process can do that was asked.
    views : WeakSet
        What is open on the session and ends with it.
    """

    def __init__(
        self,
        known: Profile,
        *,
        actor: str,
        timeouts: tuple[float, float],
        query_timeout: float | None,
        clock: Callable[[], datetime],
        journal: str | Journal | None,
        keep_bodies: bool,
    ) -> None:
        self.address = Address.parse(known.address)
        self.actor = actor
        self.query_timeout = query_timeout
        self.keep_bodies = keep_bodies
        self.now = clock
        self.held: set[int] = set()
        self.runs: list[RunRow] = []
        self.turn = threading.Lock()
        self.id_maps = IdMaps()
        self.capable: dict[str, Capabilities] = {}
        self.views: WeakSet[Closes] = WeakSet()
        self._timeouts = timeouts
        self._lock = threading.RLock()
        self._closed = False
        self._clients: dict[str, Client] = {}
        self._journal_at = journal
        self._own_journal: Journal | None = None
        self._reader = Reader(known.redact)
        self.protection = Protection(known, self.looking().peer, lambda: self.looking().execute(commands.stats()).id)

    # -- connections ---------------------------------------------------------------------------------------------

    def looking(self) -> Client:
        """Return the connection that looks and never reserves; it renews itself."""
        with self._lock:
            self.check_open()
            client = self._clients.get("looking")
            if client is None:
                client = self._clients["looking"] = self._connect(ReadingClient)
            return client

    def acting(self) -> Client:
        """Return the connection that acts: a new one to the same server process where the last was lost.

        Raises
        ------
        Refused
            Another server process answers than the one that was looked at.
        """
        with self._lock:
            self.check_open()
            known = self._clients.get("acting")
            # A session that holds jobs waits longer: they go back to the workers with the connection.
            patience = self._timeouts[1] if self.held else ANSWER
            if known is not None and is_awake(known, patience):
                return known
            self.held.clear()  # the server took its reservations back with the connection
            client = known
            if client is None or client.closed:
                # Not reconnected: a tube that an interrupted action used or watched must not come back.
                client = self._clients["acting"] = self._connect(Client)
            client.last_instance = before = known.last_instance if known is not None else ""
            instance = client.instance
            if before and instance not in (before, self.looking().last_instance):
                raise Refused(restarted(self.address))
            return client

    def _connect(self, kind: type[Client]) -> Client:
        connect_timeout, read_timeout = self._timeouts
        return kind(self.address, connect_timeout=connect_timeout, read_timeout=read_timeout)

    def check_process(self) -> None:
        """Refuse when another server process answers than the one that was looked at."""
        looking = self.looking()
        before, now = looking.last_instance, looking.stats().id
        if before and now != before:
            raise Refused(restarted(self.address))

    @property
    def held_now(self) -> frozenset[int]:
        """Ids of the jobs that are reserved; none once the connection is lost."""
        acting = self._clients.get("acting")
        return frozenset() if acting is None or acting.notice_end() else frozenset(self.held)

    def holds(self, job: JobRef) -> bool:
        """Whether a job is held, and not another one that got its id on another server process."""
        acting = self._clients.get("acting")
        return job.id in self.held_now and acting is not None and acting.instance == job.instance

    # -- the end -------------------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise `ConnectionClosed` when the session was closed."""
        if self._closed:
            raise ConnectionClosed(f"{self.address}: this session was closed by close(); connect again to go on")

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:  # each is closed, whatever another raises; the last one here first
            if self._own_journal is not None:
                ends.callback(self._own_journal.close)
            ends.callback(self.held.clear)
            ends.callback(self._close_connections)
            for view in list(self.views):
                ends.callback(view.close)

    def _close_connections(self) -> None:
        with self._lock:
            self._closed = True
            for client in self._clients.values():
                client.close()

    # -- the journal ---------------------------------------------------------------------------------------------

    def journal(self) -> Journal:
        """Return the journal, opened when it is first needed: SQLAlchemy costs a third of a second."""
        from beanops.journal.journal import Journal

        with self._lock:
            self.check_open()
            if not isinstance(self._journal_at, Journal):
                self._journal_at = self._own_journal = Journal(self._journal_at or default_journal())
            return self._journal_at

    # -- what protects the server --------------------------------------------------------------------------------

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

    @property
    def reader(self) -> Reader:
        """The reader of all bodies that are shown; what acts on jobs and keeps them reads past it."""
        patterns = self.redact
        if self._reader.patterns != patterns:
            self._reader = Reader(patterns)
        return self._reader

    def shown(self, body: bytes) -> bytes:
        """Return what may be shown of a body; see `beanops.jobs.bodies.redact_body`."""
        return self.reader.shown(body)

    def decode(self, body: bytes, *, kept: bool = False) -> Decoded:
        """Return a body decoded, without what `redact` names.

        What is `kept`, as a notebook keeps what it shows, is without all that looks like a secret.
        """
        return decode(body).redacted((*DEFAULT_PATTERNS, *self.redact)) if kept else self.reader.decode(body)
