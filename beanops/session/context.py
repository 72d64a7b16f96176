"""What all parts of a session share: connections, journal, clock, and the rules that protect the server.

A session and those that `Session._through` makes of it share one context.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakSet

from beanops.client.instances import is_same
from beanops.client.reading import ANSWER, IDLE, ReadingClient
from beanops.client.several import SeveralConnections
from beanops.client.sync import Client
from beanops.jobs.cluster import join_if_free, may_be_shared
from beanops.jobs.search.id_map import IdMaps
from beanops.journal.records import Refused, RunRow
from beanops.journal.shared import SharedJournal
from beanops.monitor.past import Past
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError, ConnectionClosed
from beanops.session.config import Profile, default_journal
from beanops.session.old_servers.capabilities import Capabilities
from beanops.session.protection import Protection
from beanops.session.watching.recorded_past import OlderPast

if TYPE_CHECKING:
    from beanops.jobs.bodies import Decoded, Reader
    from beanops.jobs.identity import JobRef
    from beanops.journal.journal import Journal
    from beanops.session.execution.run import Run


C = TypeVar("C", bound=Client)


class Closes(Protocol):
    """Something that ends with the session, such as a view in a notebook."""

    def close(self) -> None:
        """End it."""


class Umbrella(Protocol):
    """A call on several servers, of which the first run of an executor is a part."""

    def enter(self) -> str | None:
        """Return the id of the call for the first run; None for those that serve it. Refuse if nobody waits for it."""

    def began(self, run: Run) -> None:
        """Note that a run has begun."""

    def unknown(self, message: str) -> None:
        """Note that a search names a tube of which nothing is known."""


class Context:
    """The connections and settings of one session, or of several that share them.

    Parameters
    ----------
    known : Profile
        The profile of the server, from the configuration.
    actor : str
        User and host, for the journal.
    timeouts : (float, float)
        Seconds to connect, and to wait for an answer.
    query_timeout : float or None
        Maximum seconds of a query, or of a predicate on one batch of jobs; None sets no limit.
    clock : callable
        Returns the time, UTC.
    journal : str, Journal, SharedJournal or None
        Path or URL of the journal, or an open one; None takes that of the configuration.
    keep_bodies : bool
        Whether the journal keeps bodies; without them a delete cannot be undone.

    Attributes
    ----------
    protection : Protection
        The rules that protect the server.
    timeouts : (float, float)
        Seconds to connect, and to wait for an answer.
    denied : frozenset of str
        Names of actions that the user's role does not allow, besides what `protection` rejects.
    held : set of int
        Ids of the jobs that the acting connection has reserved.
    runs : list of RunRow
        The runs of this session, oldest first, without their requests.
    turn : Lock
        Held by one action at a time, which decides the tubes that the acting connection uses and watches.
    id_maps : IdMaps
        Ids of the server that scans have found.
    capable : dict of str to Capabilities
        Capabilities by server process, as far as known.
    views : WeakSet
        Open views, which end with the session.
    past : Past
        What watching the server has seen, and before that the default recording, in seconds of the monotonic clock.
    """

    def __init__(
        self,
        known: Profile,
        *,
        actor: str,
        timeouts: tuple[float, float],
        query_timeout: float | None,
        clock: Callable[[], datetime],
        journal: str | Journal | SharedJournal | None,
        keep_bodies: bool,
    ) -> None:
        self.reach = known.reach
        self.address = self.reach.address
        self.actor = actor
        self.query_timeout = query_timeout
        self.keep_bodies = keep_bodies
        self.now = clock
        self.denied: frozenset[str] = frozenset()
        self.held: set[int] = set()
        self.runs: list[RunRow] = []
        self.turn = threading.Lock()
        self.id_maps = IdMaps()
        self.capable: dict[str, Capabilities] = {}
        self.views: WeakSet[Closes] = WeakSet()
        self._older = OlderPast(self.address)
        self.past = Past(self._older)
        self.timeouts = timeouts
        self._lock = threading.RLock()
        self._closed = False
        self._clients: dict[str, Client] = {}
        self._journal_at = journal
        self._own_journal: Journal | None = None
        self._reader: Reader | None = None
        if known.redact:
            self._reader = self._reader_of(known.redact)  # a wrong pattern fails here
        self.protection = self._protect(known)

    def _protect(self, known: Profile) -> Protection:
        return Protection(
            known,
            self.looking().peer,
            lambda: self.looking().execute(commands.stats()).id,
            joins=lambda client: join_if_free(self.looking(), client),
        )

    # -- connections ---------------------------------------------------------------------------------------------

    def looking(self) -> Client:
        """Return the connection for lookups, which never reserves and reconnects by itself."""
        with self._lock:
            self.check_open()
            client = self._clients.get("looking")
            if client is None:
                client = self._clients["looking"] = reading = self._connect(ReadingClient)
                reading.renewed = self._recognise
            return client

    def _recognise(self, looking: Client) -> None:
        """Find out whether a new connection for lookups is to a process that shares the jobs of the acting one."""
        from beanops.session.execution.connection_use import is_awake

        acting = self._clients.get("acting")
        # To ask a silent one could end it, and with it the reservations.
        if acting is not None and (acting.idle < IDLE if self.held else is_awake(acting)):
            join_if_free(acting, looking)

    def looking_over(self, connections: int) -> Client:
        """Return the client for lookups that spreads long ones over several connections."""
        if connections == 1:
            return self.looking()
        with self._lock:
            self.check_open()
            name = f"looking over {connections}"
            client = self._clients.get(name)
            if client is None:
                client = several = self._connect(partial(SeveralConnections, connections=connections))
                self._clients[name] = client
                for one in (several, *several.others):
                    join_if_free(self.looking(), one)
            return client

    def acting(self) -> Client:
        """Return the acting connection; after a lost one, a new one to the same server process.

        Raises
        ------
        Refused
            The server was restarted since the last lookup, or another one answered.
        """
        from beanops.session.execution.connection_use import is_awake, restarted

        with self._lock:
            self.check_open()
            known = self._clients.get("acting")
            # A session with reserved jobs waits longer: closing the connection would release them.
            patience = self.timeouts[1] if self.held else ANSWER
            if known is not None and is_awake(known, patience):
                if self.held or self._is_looked_at(known):
                    return known
                known.close()
            self.held.clear()  # the server released them with the connection
            client, seen = known, self.looking().last_instance  # before it is asked again
            if client is None or client.closed:
                # A new client: a reconnect would use and watch the tubes of an interrupted action again.
                client = self._only_looked_at(self._connect(Client))
                self._clients["acting"] = client
            before, instance = known.last_instance if known is not None else "", client.instance
            if before and not (is_same(instance, before) or is_same(instance, seen)):
                raise Refused(restarted(self.address))
            return client

    @property
    def answering(self) -> str:
        """The address that answers, if it is another one than the first; else an empty text."""
        client = self._clients.get("looking")
        return "" if client is None or client.endpoint == self.address else str(client.endpoint)

    @property
    def where(self) -> str:
        """The server's address, and the one that answers instead of it."""
        return f"{self.address} by {self.answering}" if self.answering else str(self.address)

    def another(self) -> Client:
        """Return one more connection to the server, for the caller to close.

        Raises
        ------
        Refused
            Another server answered than the one that the session looks at.
        """
        return self._only_looked_at(self._connect(Client))

    def _only_looked_at(self, client: Client) -> Client:
        """Return a new connection if it is to the server that the session looks at; else close it and refuse."""
        try:
            looking = self.looking()
            join_if_free(looking, client)
            if not self._is_looked_at(client):
                by = "" if client.endpoint == looking.endpoint else f", at {client.endpoint}"
                raise Refused(f"{self.where}: a new connection reached another server than the one seen{by}; try again")
        except BaseException:
            client.close()
            raise
        return client

    def _is_looked_at(self, client: Client) -> bool:
        """Whether a connection is to the server that the session looks at."""
        looking = self.looking()
        instance = client.last_instance or client.instance
        if is_same(instance, looking.last_instance):
            return True
        if len(self.reach.addresses) == 1 and may_be_shared(client.stats()):
            return True  # maybe another process of a cluster without proof, so jobs are compared one by one
        return is_same(instance, looking.stats().id)

    def _connect(self, kind: Callable[..., C]) -> C:
        connect_timeout, read_timeout = self.timeouts
        looking = self._clients.get("looking")
        # All connections should be to one server, also where the first address answers again.
        reach = self.reach if looking is None else self.reach._replace(preferred=looking.endpoint)
        return kind(reach, connect_timeout=connect_timeout, read_timeout=read_timeout)

    def check_process(self) -> None:
        """Raise `Refused` if the server was restarted since the last lookup."""
        looking = self.looking()
        before, now = looking.last_instance, looking.stats().id
        if before and not is_same(now, before):
            from beanops.session.execution.connection_use import restarted

            raise Refused(restarted(self.address))

    @property
    def looked_at(self) -> str:
        """The server process that was looked at last, asked for once per connection; empty before the first lookup."""
        client = self._clients.get("looking")
        return "" if client is None else client.instance

    @property
    def waiting(self) -> float:
        """Seconds since the server should have answered a command that is under way; 0 if none is."""
        return max((client.waiting for client in list(self._clients.values())), default=0.0)

    @property
    def held_now(self) -> frozenset[int]:
        """Ids of the reserved jobs; empty after the connection is lost."""
        acting = self._clients.get("acting")
        return frozenset() if acting is None or acting.notice_end() else frozenset(self.held)

    def holds(self, job: JobRef) -> bool:
        """Whether a job is reserved here, rather than another one with its id after a restart."""
        acting = self._clients.get("acting")
        return job.id in self.held_now and acting is not None and is_same(acting.instance, job.instance)

    # -- the end -------------------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise `ConnectionClosed` if the session is closed."""
        if self._closed:
            raise ConnectionClosed(f"{self.address}: this session was closed by close(); connect again to continue")

    def close(self) -> None:
        """Close the views, the connections and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:  # each is closed even if another raises, in reverse order
            if self._own_journal is not None:
                ends.callback(self._own_journal.close)
            ends.callback(self._older.close)
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
        """Return the journal; the first call opens it, because SQLAlchemy takes a third of a second."""
        from beanops.journal.journal import Journal

        with self._lock:
            self.check_open()
            if isinstance(self._journal_at, SharedJournal):
                return self._journal_at.opened()
            if not isinstance(self._journal_at, Journal):
                self._journal_at = self._own_journal = Journal(self._journal_at or default_journal())
            return self._journal_at

    @property
    def journal_url(self) -> str | None:
        """The path or URL of the journal, which may have a password; None is that of the configuration."""
        known = self._journal_at
        return known if known is None or isinstance(known, str) else known.url

    # -- the rules that protect the server -----------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether the session rejects all changes."""
        return self.protection.settled.read_only

    def check_allowed(self, action: str) -> None:
        """Raise `Refused` if the user's role does not allow an action."""
        if action in self.denied:
            raise Refused(f"{action} was refused: your role does not allow it")

    @property
    def profile(self) -> Profile:
        """The server's profile: name, colour and label, and the rules that protect it."""
        with suppress(BeanopsError):
            return self.protection.settled
        return self.protection.now

    @property
    def redact(self) -> tuple[str, ...]:
        """Patterns of keys whose values are hidden wherever bodies are shown, such as ``"*token*"``."""
        return self.protection.settled.redact

    @property
    def reader(self) -> Reader:
        """The reader that redacts all bodies to show; verbs and exports read full bodies instead."""
        patterns = self.redact
        if self._reader is None or self._reader.patterns != patterns:
            self._reader = self._reader_of(patterns)
        return self._reader

    @staticmethod
    def _reader_of(patterns: tuple[str, ...]) -> Reader:
        from beanops.jobs.bodies import Reader  # tubes have no bodies

        return Reader(patterns)

    def shown(self, body: bytes) -> bytes:
        """Return a body with the values of redacted keys hidden."""
        return self.reader.shown(body)

    def decode(self, body: bytes, *, kept: bool = False) -> Decoded:
        """Return a decoded body with the values of redacted keys hidden.

        `kept` also hides everything that looks like a secret, for notebooks, which store what they show.
        """
        from beanops.jobs.bodies import DEFAULT_PATTERNS, decode

        return decode(body).redacted((*DEFAULT_PATTERNS, *self.redact)) if kept else self.reader.decode(body)
