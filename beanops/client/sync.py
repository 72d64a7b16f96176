"""The blocking client: one socket, one lock, one pump. What commands mean is in `beanops.protocol.commands`."""

from __future__ import annotations

import math
import socket
import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, SupportsIndex, TypeVar

from beanops.client.address import Address
from beanops.client.pipeline_window import Window
from beanops.client.places import Place, peer
from beanops.client.transport import JobLike, coming_back, dial, hang_up, is_ready, job_id, restoring
from beanops.protocol import Command, Connection, Job, JobStats, ServerStats, TubeStats, commands
from beanops.protocol.errors import (
    BeanopsError,
    ConnectionClosed,
    ReadTimeout,
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

_RECEIVE = 64 * 1024


class Client:
    """A connection to a beanstalkd.

    Threads may share a client: each command and each pipeline has the connection to itself. A reserve that waits
    holds up everybody else, so reserve on a client of its own.

    Parameters
    ----------
    address : str or Address
        ``host``, ``host:port``, ``[::1]:11300``, ``beanstalkd://host:port``, ``unix:/path`` or ``/path``.
    connect_timeout : float
        Seconds to wait for the connection; all addresses of a name share them. Resolving the name is not counted.
    read_timeout : float
        Seconds to wait for the server's next bytes. A reserve may take its own time on top.

    Attributes
    ----------
    address : Address
        Where the server listens.
    max_job_size : int
        Most bytes a body may have: the server's own limit once `stats` was asked, the protocol's 1 GiB before.
    last_instance : str
        The server process that was seen last, maybe over an earlier connection; empty before `stats` was asked.

    Raises
    ------
    ConnectFailed
        No connection could be made.
    ArgumentError
        `address` is none.

    Examples
    --------
    >>> with Client("127.0.0.1:11300") as client:       # doctest: +SKIP
    ...     id = client.put(b"hello", tube="greetings")
    ...     client.stats_job(id).state
    'ready'
    """

    def __init__(
        self, address: str | Address = "127.0.0.1:11300", *, connect_timeout: float = 5.0, read_timeout: float = 30.0
    ) -> None:
        self.address = Address.parse(address)
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.last_instance = ""
        self._clock = time.monotonic
        self._forgotten: weakref.finalize[..., Any] = weakref.finalize(self, bool)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._connection = Connection()
        self._open()

    # -- the connection ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._socket = dial(self.address, self.connect_timeout)
        # The socket of a client that nobody closed ends with it, or with the process.
        self._forgotten.detach()
        self._forgotten = weakref.finalize(self, hang_up, self._socket)
        self._connection = Connection()
        self._unsent = memoryview(b"")
        self._heard = self._clock()
        self.max_job_size = MAX_BODY
        self._instance = ""

    @property
    def instance(self) -> str:
        """The server process at the other end, the ``id`` of its statistics; asked for once on each connection."""
        if not self._instance:
            self.stats()
        return self._instance

    def close(self) -> None:
        """Close the connection; jobs that it reserved become ready. A command that waits in another thread ends."""
        self._end("it was closed by close()")

    def _end(self, why: str) -> None:
        if self._connection.error is None:
            self._connection.error = ConnectionClosed(why)
        with suppress(OSError):  # the server may have been first
            self._socket.shutdown(socket.SHUT_RDWR)
        # A thread inside a command must see the shutdown on a live descriptor; it frees the socket on its way out.
        if self._lock.acquire(blocking=False):
            self._socket.close()
            self._lock.release()

    @property
    def closed(self) -> bool:
        """Whether the connection can no longer be used; `reconnect` makes a new one."""
        return self._connection.error is not None

    @property
    def peer(self) -> frozenset[Place]:
        """The place that it is connected to; none once the connection is lost."""
        return peer(self._socket)

    def notice_end(self) -> bool:
        """Look whether the server has ended the connection, which closes it; nothing is sent. Return `closed`."""
        if self._connection.error is None and self._lock.acquire(blocking=False):  # else a command finds out
            try:
                with suppress(BeanopsError):
                    self._look_for_end()
            finally:
                if self.closed:  # maybe by another thread just now, which left the socket to who has the lock
                    self._socket.close()
                self._lock.release()
        return self.closed

    @property
    def idle(self) -> float:
        """Seconds since the server was heard last."""
        return self._clock() - self._heard

    def reconnect(self) -> None:
        """Open a new connection and restore what was used and watched. Nothing is sent twice.

        Raises
        ------
        ConnectFailed
            No connection could be made; the client stays closed.
        """
        self._end("another reconnect() came after it")
        with self._turn(closed=True):
            old = self._connection
            self._socket.close()  # that of a thread which was faster
            self._open()
            try:
                for result in self._exchange(restoring(old)):
                    if isinstance(result, ReplyError):
                        self._connection.error = ConnectionClosed("what it used and watched could not be restored")
                        raise result
            finally:
                # Also after a failure: the next attempt must restore the same.
                self._connection.used, self._connection.watched = old.used, old.watched

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}{' closed' if self.closed else ''}>"

    # -- the pump ------------------------------------------------------------------------------------------------

    @contextmanager
    def _turn(self, closed: bool = False) -> Iterator[None]:
        """Have the connection to oneself."""
        if self._owner == threading.get_ident():
            raise UsageError("a pipeline is open on this client: finish it first, or use another client")
        with self._lock:
            if self._connection.error is not None and not closed:
                raise ConnectionClosed(f"{self.address}: not connected, {self._connection.error}")
            try:
                self._owner = threading.get_ident()
                yield
            finally:
                self._owner = None
                if self._connection.error is not None:
                    self._socket.close()

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
            The connection is gone; the command may have been executed.
        ProtocolError
            The server sent what it must not; the connection was closed.
        """
        with self._turn():
            (result,) = self._exchange((command,))
        if isinstance(result, ReplyError):
            raise result
        return result  # type: ignore[no-any-return]

    def pipeline(self, commands: Iterable[Command[T]]) -> Generator[T | ReplyError, None, None]:
        """Send many commands without waiting for each reply.

        Up to 1,024 commands are read ahead of the results, so memory stays constant whatever their number. The
        connection belongs to the pipeline until it is finished or closed; commands that were sent before it is
        closed early are still executed.

        Parameters
        ----------
        commands : iterable of Command
            From `beanops.commands`; a generator will do.

        Yields
        ------
        object
            One result for each command, in order. The result of a refused command is its `ReplyError`.

        Raises
        ------
        ConnectionLost, ProtocolError
            As in `execute`; the results so far were yielded.

        Examples
        --------
        >>> from beanops import commands, errors
        >>> for result in client.pipeline(commands.delete(id) for id in ids):   # doctest: +SKIP
        ...     print("gone" if isinstance(result, errors.NotFound) else "deleted")
        """
        with self._turn():
            yield from self._exchange(commands)

    def _exchange(self, commands: Iterable[Command[Any]], within: float | None = None) -> Generator[Any, None, None]:
        connection = self._connection
        window = Window(connection, commands)
        settled = False
        try:
            self._look_for_end()
            while True:
                if not self._unsent and not window.exhausted:
                    self._unsent = memoryview(window.take())
                if not connection.waiting:
                    break
                yield from self._move(within)
                if connection.error is not None and not (window.exhausted and not connection.waiting):
                    raise self._told(connection.error)
            settled = True
        except GeneratorExit:
            self._drain()
            settled = True
            raise
        finally:
            # Only after an ordinary stop is it known where the next reply starts. Ctrl-C can be anywhere.
            if not settled and connection.error is None:
                connection.error = ConnectionClosed("it was interrupted in the middle of a command")
        if window.failure is not None:
            raise window.failure

    def _look_for_end(self) -> None:
        """Find out before sending whether the server went away or spoke unasked while the connection was idle."""
        try:
            data = self._socket.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            raise self._lost(error) from None
        self._connection.receive_data(data)
        raise self._told(self._connection.error)

    def _move(self, within: float | None = None) -> list[Any]:
        """Write what can be written, read what can be read, waiting for either; return the results."""
        try:
            if self._unsent:
                with suppress(BlockingIOError):
                    self._unsent = self._unsent[self._socket.send(self._unsent) :]
            try:
                data = self._socket.recv(_RECEIVE)
            except BlockingIOError:
                self._wait(self.read_timeout if within is None else within)
                return []
        except OSError as error:
            raise self._lost(error) from None
        self._heard = self._clock()
        return self._connection.receive_data(data, unsent=bool(self._unsent))

    def _wait(self, seconds: float) -> None:
        head = self._connection.waiting[0]
        patience = seconds + head.wait
        if not is_ready(self._socket, bool(self._unsent), patience):
            self._connection.error = ReadTimeout(f"no answer to '{head.line}' within {patience:g} s")
            raise self._told(self._connection.error)

    def _drain(self) -> None:
        """Read the replies that nobody wants any more, so that the connection stays usable."""
        connection = self._connection
        try:
            while connection.waiting and connection.error is None:
                if math.isinf(connection.waiting[0].wait):
                    connection.error = ConnectionClosed("a pipeline was left while it waited in a reserve")
                else:
                    self._move()
        except BeanopsError:
            pass  # the connection says why it is closed; the error on its way matters more

    def _lost(self, error: OSError) -> BeanopsError:
        if self._connection.error is None:  # a close() from another thread breaks it too
            head = f" before it answered '{self._connection.waiting[0].line}'" if self._connection.waiting else ""
            self._connection.error = ConnectionClosed(f"the connection broke{head}: {error.strerror or error}")
        return self._told(self._connection.error)

    def _told(self, error: BeanopsError | None) -> BeanopsError:
        """Return the error with the server's address in front."""
        assert error is not None
        return type(error)(f"{self.address}: {error}")

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
                # The put waits for the answer to use: were use refused, the job would land in another tube.
                (result,) = self._exchange((there,))
                if not isinstance(result, ReplyError):
                    result, _ = self._exchange((command, commands.use(used)))
        if isinstance(result, ReplyError):
            raise result
        return int(result)

    def use(self, tube: str) -> str:
        """Use a tube for puts, heads and kicks, creating it."""
        return self.execute(commands.use(tube))

    def reserve(self, timeout: SupportsIndex | None = None) -> Job:
        """Reserve the next ready job of the watched tubes; wait `timeout` seconds (`TimedOut`), or for ever."""
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
        """Start the ttr of a job that this client reserved anew."""
        self.execute(commands.touch(job_id(job)))

    def watch(self, tube: str) -> int:
        """Watch a tube, creating it; return how many tubes are watched."""
        return self.execute(commands.watch(tube))

    def ignore(self, tube: str) -> int:
        """Watch a tube no longer; return how many tubes are watched. `NotIgnored` for the last one."""
        return self.execute(commands.ignore(tube))

    def peek(self, id: SupportsIndex) -> Job:
        """Look at any job, whichever its tube and state."""
        return self.execute(commands.peek(id))

    def peek_ready(self) -> Job:
        """Look at the next ready job of the used tube."""
        return self.execute(commands.peek_ready())

    def peek_delayed(self) -> Job:
        """Look at the delayed job of the used tube that is ready soonest."""
        return self.execute(commands.peek_delayed())

    def peek_buried(self) -> Job:
        """Look at the job of the used tube that has been buried longest."""
        return self.execute(commands.peek_buried())

    def kick(self, bound: SupportsIndex) -> int:
        """Kick up to `bound` buried jobs of the used tube, or delayed ones if none is buried; return how many."""
        return self.execute(commands.kick(bound))

    def kick_job(self, id: SupportsIndex) -> None:
        """Make one buried or delayed job ready."""
        self.execute(commands.kick_job(id))

    def pause_tube(self, tube: str, seconds: SupportsIndex) -> None:
        """Hold back the ready jobs of a tube from reserves for `seconds`; 0 resumes."""
        self.execute(commands.pause_tube(tube, seconds))

    def stats(self) -> ServerStats:
        """Ask for the server's statistics."""
        stats = self.execute(commands.stats())
        self.max_job_size, self._instance = stats.max_job_size, stats.id
        self.last_instance = stats.id
        return stats

    def stats_tube(self, tube: str) -> TubeStats:
        """Ask for a tube's statistics; this does not create the tube."""
        return self.execute(commands.stats_tube(tube))

    def stats_job(self, job: JobLike) -> JobStats:
        """Ask for a job's statistics, whichever its tube and state."""
        return self.execute(commands.stats_job(job_id(job)))

    def list_tubes(self) -> list[str]:
        """Ask for the names of all tubes."""
        return self.execute(commands.list_tubes())

    def list_tube_used(self) -> str:
        """Ask for the name of the used tube."""
        return self.execute(commands.list_tube_used())

    def list_tubes_watched(self) -> list[str]:
        """Ask for the names of the watched tubes."""
        return self.execute(commands.list_tubes_watched())
