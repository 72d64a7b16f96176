"""The blocking client: one connection and one lock. `beanops.protocol.commands` has the meaning of the commands."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from types import TracebackType
from typing import Any, Self, SupportsIndex, TypeVar

from beanops.client.address import Address
from beanops.client.alike import Alike
from beanops.client.opening import open_wire
from beanops.client.places import Place, peer
from beanops.client.reach import Reach, TlsFacts
from beanops.client.transport import JobLike, coming_back, hang_up, job_id, restoring
from beanops.protocol import Command, Connection, Job, JobStats, ServerStats, TubeStats, commands
from beanops.protocol.errors import (
    BeanopsError,
    ConnectionClosed,
    ReplyError,
    UsageError,
)
from beanops.protocol.limits import (
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    MAX_BODY,
    U32_MAX,
    check_body,
    check_number,
)

T = TypeVar("T")


class Client:
    """A connection to a beanstalkd.

    Threads may share a client: each command and each pipeline has the connection to itself. A reserve that waits
    blocks all other threads, so reserve on a separate client.

    Parameters
    ----------
    address : str, Address, Reach or socket
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path`` or ``/path``;
        ``beanstalks://host:port`` with TLS, ``ssh://jump/host:port`` through ssh; a `Reach` for several addresses,
        options of TLS and a token; or a connected socket, which the client closes.
    connect_timeout : float
        Seconds to wait for the connection, for all addresses together, after a host name is resolved.
    read_timeout : float
        Seconds to wait for the server's next bytes, in addition to the timeout of a reserve.

    Attributes
    ----------
    max_job_size : int
        Maximum size of a body in bytes: the server's limit after the first `stats`, the protocol's 1 GiB before.
    last_instance : str
        Id of the server process of the last `stats`, maybe over an earlier connection; empty before the first.

    Raises
    ------
    ConnectFailed
        No connection could be made.
    ArgumentError
        `address` cannot be read.

    Examples
    --------
    >>> with Client("127.0.0.1:11300") as client:
    ...     id = client.put(b"hello", tube="greetings")
    ...     client.stats_job(id).state
    'ready'
    """

    def __init__(
        self,
        address: str | Address | Reach | socket.socket = "127.0.0.1:11300",
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
    ) -> None:
        self.reach = Reach.of(address)
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.last_instance = ""
        self._forgotten: weakref.finalize[..., Any] = weakref.finalize(self, bool)
        self._lock = threading.Lock()
        self._reconnects = count(1)
        self._last_reconnect = 0
        self._owner: int | None = None
        self._began: float | None = None
        self._open()

    # -- the connection ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._wire = open_wire(self.reach, self.connect_timeout)
        # The socket of a client that nobody closes is closed when the client is collected, or with the process.
        self._forgotten.detach()
        self._forgotten = weakref.finalize(self, hang_up, self._wire.socket)
        self.max_job_size = MAX_BODY
        self._instance = ""

    @property
    def address(self) -> Address:
        """Where the server listens; of several addresses the first."""
        return self.reach.address

    @property
    def endpoint(self) -> Address:
        """The address that it is, or was last, connected to."""
        return self._wire.address

    @property
    def tls(self) -> TlsFacts | None:
        """What was agreed on for the connection; None without TLS."""
        if not self.endpoint.tls:
            return None
        from beanops.client.tls import facts_of

        return facts_of(self._wire.socket)

    @property
    def _connection(self) -> Connection:
        return self._wire.connection

    @property
    def instance(self) -> str:
        """Id of the server process, from its statistics; asked for once per connection."""
        if not self._instance:
            self.stats()
        return self._instance

    def close(self) -> None:
        """Close the connection; jobs that it reserved become ready. A command that waits in another thread ends."""
        self._end("it was closed by close()")

    def _end(self, why: str) -> None:
        self._wire.hang_up(why)
        # A thread inside a command must see the shutdown on an open descriptor; it closes the socket when it ends.
        if self._lock.acquire(blocking=False):
            self._wire.socket.close()
            self._lock.release()

    @property
    def closed(self) -> bool:
        """Whether the connection has ended; `reconnect` opens a new one."""
        return self._connection.error is not None

    @property
    def peer(self) -> frozenset[Place]:
        """The address that it is connected to, in all forms; empty once the connection is lost."""
        return peer(self._wire.socket)

    @property
    def busy(self) -> bool:
        """Whether a command or a pipeline is under way."""
        return self._lock.locked()

    def notice_end(self) -> bool:
        """Check without sending anything whether the server has closed the connection; return `closed`."""
        if self._connection.error is None and self._lock.acquire(blocking=False):  # else a command finds out
            try:
                with suppress(BeanopsError):
                    self._wire.look_for_end()
            finally:
                if self.closed:  # maybe another thread closed it, which left the socket to the holder of the lock
                    self._wire.socket.close()
                self._lock.release()
        return self.closed

    @property
    def idle(self) -> float:
        """Seconds since the last bytes from the server."""
        return self._wire.clock() - self._wire.heard

    @property
    def waiting(self) -> float:
        """Seconds since the last bytes from the server while a command is under way; 0 if none is."""
        began = self._began
        return 0.0 if began is None else self._wire.clock() - max(began, self._wire.heard)

    def reconnect(self) -> None:
        """Open a new connection; use and watch the same tubes as before. Nothing is sent twice.

        Of several threads that reconnect at once, the last one opens the connection.

        Raises
        ------
        ConnectFailed
            No connection could be made; the client stays closed.
        """
        mine = self._last_reconnect = next(self._reconnects)
        self._end("another reconnect() came after it")
        with self._turn(closed=True):
            old = self._connection
            self._wire.socket.close()  # of another thread that reconnected first
            self._open()
            try:
                for result in self._exchange(restoring(old)):
                    if isinstance(result, ReplyError):
                        self._connection.error = ConnectionClosed("could not use and watch the same tubes again")
                        raise result
            except ConnectionClosed:
                if self._last_reconnect == mine:
                    raise
            finally:
                # Also after a failure: the next attempt must use and watch the same.
                self._connection.used, self._connection.watched = old.used, old.watched

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        by = f" by {self.endpoint}" if self.endpoint != self.address else ""
        return f"<{type(self).__name__} {self.address}{by}{' closed' if self.closed else ''}>"

    # -- the pump ------------------------------------------------------------------------------------------------

    @contextmanager
    def _turn(self, closed: bool = False) -> Iterator[None]:
        """Hold the connection exclusively."""
        if self._owner == threading.get_ident():
            raise UsageError("a pipeline is open on this client: finish it first, or use another client")
        with self._lock:
            if self._connection.error is not None and not closed:
                raise ConnectionClosed(f"{self.address}: not connected, {self._connection.error}")
            try:
                self._owner = threading.get_ident()
                self._began = self._wire.clock()
                yield
            finally:
                self._owner = self._began = None
                if self._connection.error is not None:
                    self._wire.socket.close()

    def execute(self, command: Command[T]) -> T:
        """Send one command and return its result.

        Parameters
        ----------
        command : Command
            From `beanops.commands`.

        Raises
        ------
        ReplyError
            The server refused it.
        ConnectionLost
            The connection was lost; the server may have executed the command.
        ProtocolError
            The server broke the protocol; the connection is closed.
        """
        with self._turn():
            (result,) = self._exchange((command,))
        if isinstance(result, ReplyError):
            raise result
        return result  # type: ignore[no-any-return]

    def pipeline(self, commands: Iterable[Command[T]]) -> Generator[T | ReplyError, None, None]:
        """Send many commands without waiting for each reply.

        The pipeline reads up to 1,024 commands ahead of the results, so memory use is constant. It holds the
        connection until it is exhausted or closed; the server still executes the commands sent before an early close.

        Parameters
        ----------
        commands : iterable of Command
            From `beanops.commands`; it may be a generator.

        Yields
        ------
        object
            One result for each command, in order. The result of a refused command is its `ReplyError`.

        Raises
        ------
        ConnectionLost, ProtocolError
            As in `execute`, after the results that have arrived.

        Examples
        --------
        >>> from beanops import commands, errors
        >>> for result in client.pipeline(commands.delete(id) for id in ids):
        ...     print("gone" if isinstance(result, errors.NotFound) else "deleted")
        """
        with self._turn():
            yield from self._exchange(commands)

    def send_alike(self, alike: Alike) -> Generator[Any, None, None]:
        """Send commands that are all alike; yield results from the first that is not as expected.

        Parameters
        ----------
        alike : Alike
            The commands, from `beanops.client.alike`. It counts the replies that were as expected.

        Yields
        ------
        object
            As in `pipeline`, for the commands that `alike` has left.

        Raises
        ------
        ConnectionLost, ProtocolError
            As in `pipeline`.

        Examples
        --------
        >>> from beanops.client.alike import Changes
        >>> deletes = Changes("delete", ids)
        >>> others = list(client.send_alike(deletes))
        >>> print(deletes.answered, "deleted, of others:", others)
        """
        with self._turn():
            yield from self._wire.exchange((), self.read_timeout, alike)

    def _exchange(self, commands: Iterable[Command[Any]], within: float | None = None) -> Generator[Any, None, None]:
        return self._wire.exchange(commands, self.read_timeout if within is None else within)

    # -- the commands --------------------------------------------------------------------------------------------

    def put(
        self,
        body: bytes,
        *,
        priority: SupportsIndex = DEFAULT_PRIORITY,
        delay: SupportsIndex = 0,
        ttr: SupportsIndex = DEFAULT_TTR,
        tube: str | None = None,
    ) -> int:
        """Put a job into `tube`, or into the used tube, and return its id. See `commands.put`."""
        command = commands.put(check_body(body, self.max_job_size), priority=priority, delay=delay, ttr=ttr)
        if tube is None:
            return self.execute(command)
        there = commands.use(tube)
        with self._turn(), coming_back(self._connection) as used:
            if tube == used:
                (result,) = self._exchange((command,))
            else:
                # Wait for the reply to use before the put: if use fails, the job must not land in another tube.
                (result,) = self._exchange((there,))
                if not isinstance(result, ReplyError):
                    result, _ = self._exchange((command, commands.use(used)))
        if isinstance(result, ReplyError):
            raise result
        return int(result)

    def use(self, tube: str) -> str:
        """Use a tube for puts, peeks and kicks; the server creates it if needed."""
        return self.execute(commands.use(tube))

    def reserve(self, timeout: SupportsIndex | None = None) -> Job:
        """Reserve the next ready job of the watched tubes; wait `timeout` seconds (`TimedOut`) or without a limit."""
        return self.execute(commands.reserve(timeout))

    def reserve_job(self, id: SupportsIndex) -> Job:
        """Reserve one ready, buried or delayed job; needs beanstalkd 1.12 or newer (`BadFormat` before)."""
        return self.execute(commands.reserve_job(id))

    def delete(self, job: JobLike) -> None:
        """Delete a job that is ready, delayed, buried, or reserved by this client."""
        self.execute(commands.delete(job_id(job)))

    def release(self, job: JobLike, *, priority: SupportsIndex | None = None, delay: SupportsIndex = 0) -> None:
        """Release a job that this client reserved; without a `priority` it keeps its own (one more command)."""
        check_number("delay", delay, U32_MAX)
        if priority is None:
            priority = self.stats_job(job).priority
        self.execute(commands.release(job_id(job), priority=priority, delay=delay))

    def bury(self, job: JobLike, *, priority: SupportsIndex | None = None) -> None:
        """Bury a job that this client reserved; without a `priority` it keeps its own (one more command)."""
        if priority is None:
            priority = self.stats_job(job).priority
        self.execute(commands.bury(job_id(job), priority=priority))

    def touch(self, job: JobLike) -> None:
        """Restart the TTR of a job that this client reserved."""
        self.execute(commands.touch(job_id(job)))

    def watch(self, tube: str) -> int:
        """Watch a tube, which the server creates if needed; return the number of watched tubes."""
        return self.execute(commands.watch(tube))

    def ignore(self, tube: str) -> int:
        """Stop watching a tube; return the number of watched tubes. `NotIgnored` for the last one."""
        return self.execute(commands.ignore(tube))

    def peek(self, id: SupportsIndex) -> Job:
        """Return any job, in any tube and state."""
        return self.execute(commands.peek(id))

    def peek_ready(self) -> Job:
        """Return the next ready job of the used tube."""
        return self.execute(commands.peek_ready())

    def peek_delayed(self) -> Job:
        """Return the delayed job of the used tube that becomes ready first."""
        return self.execute(commands.peek_delayed())

    def peek_buried(self) -> Job:
        """Return the job of the used tube that was buried first."""
        return self.execute(commands.peek_buried())

    def kick(self, bound: SupportsIndex) -> int:
        """Kick up to `bound` buried jobs of the used tube, or delayed jobs if none is buried; return the number."""
        return self.execute(commands.kick(bound))

    def kick_job(self, id: SupportsIndex) -> None:
        """Make one buried or delayed job ready."""
        self.execute(commands.kick_job(id))

    def pause_tube(self, tube: str, seconds: SupportsIndex) -> None:
        """Pause a tube for `seconds`: its ready jobs cannot be reserved. 0 unpauses it."""
        self.execute(commands.pause_tube(tube, seconds))

    def truncate(self, tube: str) -> int:
        """Delete all ready, delayed and buried jobs of a tube at once, on a fork that can; return the number."""
        return self.execute(commands.truncate(tube))

    def stats(self) -> ServerStats:
        """Return the server's statistics."""
        stats = self.execute(commands.stats())
        self.max_job_size, self._instance = stats.max_job_size, stats.id
        self.last_instance = stats.id
        return stats

    def stats_tube(self, tube: str) -> TubeStats:
        """Return a tube's statistics, without creating the tube."""
        return self.execute(commands.stats_tube(tube))

    def stats_job(self, job: JobLike) -> JobStats:
        """Return a job's statistics, in any tube and state."""
        return self.execute(commands.stats_job(job_id(job)))

    def list_tubes(self) -> list[str]:
        """Return the names of all tubes."""
        return self.execute(commands.list_tubes())

    def list_tube_used(self) -> str:
        """Return the name of the used tube."""
        return self.execute(commands.list_tube_used())

    def list_tubes_watched(self) -> list[str]:
        """Return the names of the watched tubes."""
        return self.execute(commands.list_tubes_watched())
