"""The asyncio client: the methods of `Client`, awaited. `beanops.protocol.commands` has their meaning."""

from __future__ import annotations

import asyncio
import math
import socket
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self, SupportsIndex, TypeVar

from beanops.client.address import Address
from beanops.client.instances import recogniser
from beanops.client.opening import check_hello, encrypts, prepared, refused, shares, together
from beanops.client.pipeline_window import Window
from beanops.client.reach import Reach
from beanops.client.stream import Stream
from beanops.client.transport import JobLike, coming_back, hint_of, job_id, restoring
from beanops.protocol import Command, Connection, Job, JobStats, ServerStats, TubeStats, commands
from beanops.protocol.errors import BeanopsError, ConnectFailed, ConnectionClosed, ReadTimeout, ReplyError, UsageError
from beanops.protocol.limits import (
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    MAX_BODY,
    U32_MAX,
    check_body,
    check_number,
)

T = TypeVar("T")


def _hang_up(dialed: asyncio.Future[tuple[socket.socket, Any]]) -> None:
    if dialed.exception() is None:
        dialed.result()[0].close()


def _abort(loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
    if not (loop.is_closed() or transport.is_closing()):
        loop.call_soon_threadsafe(transport.abort)


class AsyncClient:
    """A connection to a beanstalkd for asyncio, with the methods of `Client`.

    Tasks may share one: each command and each pipeline has the connection to itself, in turn. A task that is
    cancelled in the middle of a command closes the connection.

    Parameters
    ----------
    address : str, Address, Reach or socket
        As in `Client`.
    connect_timeout, read_timeout : float
        Seconds, as in `Client`.

    Examples
    --------
    >>> async def hello() -> int:
    ...     async with AsyncClient("127.0.0.1:11300") as client:
    ...         return await client.put(b"hello", tube="greetings")
    >>> id = asyncio.run(hello())
    """

    def __init__(
        self,
        address: str | Address | Reach | socket.socket = "127.0.0.1:11300",
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
    ) -> None:
        self.reach = Reach.of(address)
        self.endpoint = self.reach.address
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self.max_job_size = MAX_BODY
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._stream: Stream | None = None
        self._connection = Connection()
        self._connection.error = ConnectionClosed("enter 'async with' or await reconnect() first")

    # -- the connection ------------------------------------------------------------------------------------------

    async def reconnect(self) -> None:
        """Open a connection; use and watch the same tubes as the one before. Nothing is sent twice.

        Raises
        ------
        ConnectFailed
            No connection could be made; the client stays closed.
        """
        await self.close()
        async with self._turn(closed=True):
            self._end("another reconnect() came after it")
            old = self._connection
            try:
                await self._open()
                self.max_job_size = MAX_BODY
                for result in await self._all(*restoring(old)):
                    if isinstance(result, ReplyError):
                        self._end("what it used and watched could not be restored")
                        raise result
            finally:
                # Also after a failure: the next attempt must use and watch the same.
                self._connection.used, self._connection.watched = old.used, old.watched

    async def _open(self) -> None:
        """Connect to the first address that answers, as `opening.open_wire` does."""
        failures = []
        for address, seconds in shares(self.reach, self.connect_timeout):
            try:
                return await self._dial(address, seconds)
            except BeanopsError as error:
                failures.append(error)
        raise together(failures)

    async def _dial(self, address: Address, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + timeout
        # Resolving a name, or a command for the token, may take long: another thread waits for it, and this task can
        # be cancelled.
        dialing = loop.run_in_executor(None, prepared, self.reach, address, timeout)
        try:
            made, words = await asyncio.shield(dialing)
        except asyncio.CancelledError:
            dialing.add_done_callback(_hang_up)
            raise
        connection = Connection(hint_of(address))
        connection.recognise = recogniser(address)
        try:
            secure = self._security(address, give_up - loop.time()) if encrypts(self.reach, address) else {}
            _, stream = await loop.create_connection(lambda: Stream(connection), sock=made, **secure)
        except OSError as error:
            raise await self._refused(error, address, made) from None
        except BaseException:  # nothing else would close the socket
            made.close()
            raise
        # A client that nobody closes is closed when it is collected, as long as its loop runs.
        weakref.finalize(self, _abort, loop, stream.transport).atexit = False
        # Only once there is a stream: a task cancelled above leaves the client closed.
        self._connection, self._stream, self.endpoint = connection, stream, address
        try:
            async with asyncio.timeout(give_up - loop.time() if words else None):
                for result in await self._all(*words):
                    check_hello(result, address)
        except TimeoutError:
            late = ConnectFailed(f"cannot connect to beanstalkd at {address}: no answer to '{words[0].line}' in time")
            raise await self._refused(late, address, made) from None
        except BeanopsError as error:
            self._end("it could not be opened")
            raise await self._refused(error, address, made) from None

    async def _refused(self, error: Exception, address: Address, made: socket.socket) -> BeanopsError:
        child = getattr(made, "child", None)
        complaint = "" if child is None else await asyncio.to_thread(child.complaint)
        made.close()
        return refused(error, self.reach, address, complaint)

    def _security(self, address: Address, timeout: float) -> dict[str, Any]:
        from beanops.client.tls import context_of, server_name

        times = {"ssl_handshake_timeout": max(0.001, timeout), "ssl_shutdown_timeout": 1.0}
        return {"ssl": context_of(self.reach.tls), "server_hostname": server_name(self.reach.tls, address), **times}

    async def close(self) -> None:
        """Close the connection; jobs that it reserved become ready. A command that waits in another task ends."""
        self._end("it was closed by close()")

    def _end(self, why: str) -> None:
        if self._connection.error is None:
            self._connection.error = ConnectionClosed(why)
        if self._stream is not None:
            self._stream.transport.abort()

    @property
    def address(self) -> Address:
        """Where the server listens; of several addresses the first."""
        return self.reach.address

    @property
    def closed(self) -> bool:
        """Whether the connection has ended; `reconnect` opens a new one."""
        return self._connection.error is not None

    async def __aenter__(self) -> Self:
        await self.reconnect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        by = f" by {self.endpoint}" if self.endpoint != self.address else ""
        return f"<{type(self).__name__} {self.address}{by}{' closed' if self.closed else ''}>"

    # -- the pump ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, closed: bool = False) -> AsyncIterator[None]:
        """Hold the connection exclusively."""
        if self._owner is not None and self._owner is asyncio.current_task():
            raise UsageError("a pipeline is open on this client: finish it first, or use another client")
        async with self._lock:
            if self._connection.error is not None and not closed:
                raise ConnectionClosed(f"{self.address}: not connected, {self._connection.error}")
            try:
                self._owner = asyncio.current_task()
                yield
            finally:
                self._owner = None
                if self._connection.error is not None and self._stream is not None:
                    self._stream.transport.abort()

    async def execute(self, command: Command[T]) -> T:
        """Send one command and return its result. Raises as `Client.execute` does."""
        async with self._turn():
            (result,) = await self._all(command)
        if isinstance(result, ReplyError):
            raise result
        return result  # type: ignore[no-any-return]

    async def pipeline(self, commands: Iterable[Command[T]]) -> AsyncGenerator[T | ReplyError, None]:
        """Send many commands without waiting for each reply; yields and raises as `Client.pipeline` does.

        Leave it early with ``aclose()`` (`contextlib.aclosing`), or it holds the connection until the generator is
        collected.
        """
        # Closed while the connection is held: draining must not run into the next command.
        async with self._turn(), aclosing(self._exchange(commands)) as batches:
            async for batch in batches:
                for result in batch:
                    yield result

    async def _all(self, *commands: Command[Any]) -> list[Any]:
        return [result async for batch in self._exchange(commands) for result in batch]

    async def _exchange(self, commands: Iterable[Command[Any]]) -> AsyncGenerator[list[Any], None]:
        """Send commands and yield their results in batches, as they arrive."""
        connection, stream = self._connection, self._stream
        assert stream is not None
        window = Window(connection, commands)
        settled = False
        try:
            while True:
                sent = stream.transport.get_write_buffer_size() == 0
                if sent and not window.exhausted and connection.error is None:
                    stream.write(window.take())
                if not stream.results:
                    if window.exhausted and not connection.waiting:
                        break
                    await self._more(stream)
                # Replies may come at any await of the consumer, so take the last even when nothing waits.
                yield stream.take()
            settled = True
        except GeneratorExit:
            await self._drain(stream)
            settled = True
            raise
        finally:
            if not settled:
                self._end("it was interrupted in the middle of a command")
        if window.failure is not None:
            raise window.failure

    async def _more(self, stream: Stream) -> None:
        """Wait for data; a large body may take several calls."""
        connection = self._connection
        if connection.error is None:
            head = connection.waiting[0]
            patience = self.read_timeout + head.wait
            unsent = stream.transport.get_write_buffer_size()
            try:
                await stream.more(patience)
            except TimeoutError:
                if stream.transport.get_write_buffer_size() < unsent:
                    return  # the server cannot answer what is not sent yet
                connection.error = ReadTimeout(f"no answer to '{head.line}' within {patience:g} s")
        if connection.error is not None and not stream.results:
            raise type(connection.error)(f"{self.endpoint}: {connection.error}")

    async def _drain(self, stream: Stream) -> None:
        """Read and drop the replies of a pipeline that was left early, so that the connection stays usable."""
        connection = self._connection
        stream.take()
        with suppress(BeanopsError):  # the connection says why it is closed
            while connection.waiting and connection.error is None:
                if math.isinf(connection.waiting[0].wait):
                    connection.error = ConnectionClosed("a pipeline was closed while it waited in a reserve")
                else:
                    await self._more(stream)
                    stream.take()

    # -- the commands --------------------------------------------------------------------------------------------

    async def put(
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
            return await self.execute(command)
        there = commands.use(tube)
        async with self._turn():
            with coming_back(self._connection) as used:
                if tube == used:
                    (result,) = await self._all(command)
                else:
                    # Wait for the reply to use before the put: if use fails, the job must not land in another tube.
                    (result,) = await self._all(there)
                    if not isinstance(result, ReplyError):
                        result, _ = await self._all(command, commands.use(used))
        if isinstance(result, ReplyError):
            raise result
        return int(result)

    async def use(self, tube: str) -> str:
        """Use a tube for puts, peeks and kicks; the server creates it if needed."""
        return await self.execute(commands.use(tube))

    async def reserve(self, timeout: SupportsIndex | None = None) -> Job:
        """Reserve the next ready job of the watched tubes; wait `timeout` seconds (`TimedOut`) or without a limit."""
        return await self.execute(commands.reserve(timeout))

    async def reserve_job(self, id: SupportsIndex) -> Job:
        """Reserve one ready, buried or delayed job; needs beanstalkd 1.12 or newer (`BadFormat` before)."""
        return await self.execute(commands.reserve_job(id))

    async def delete(self, job: JobLike) -> None:
        """Delete a job that is ready, delayed, buried, or reserved by this client."""
        await self.execute(commands.delete(job_id(job)))

    async def release(self, job: JobLike, *, priority: SupportsIndex | None = None, delay: SupportsIndex = 0) -> None:
        """Release a job that this client reserved; without a `priority` it keeps its own (one more command)."""
        check_number("delay", delay, U32_MAX)
        if priority is None:
            priority = (await self.stats_job(job)).priority
        await self.execute(commands.release(job_id(job), priority=priority, delay=delay))

    async def bury(self, job: JobLike, *, priority: SupportsIndex | None = None) -> None:
        """Bury a job that this client reserved; without a `priority` it keeps its own (one more command)."""
        if priority is None:
            priority = (await self.stats_job(job)).priority
        await self.execute(commands.bury(job_id(job), priority=priority))

    async def touch(self, job: JobLike) -> None:
        """Restart the TTR of a job that this client reserved."""
        await self.execute(commands.touch(job_id(job)))

    async def watch(self, tube: str) -> int:
        """Watch a tube, which the server creates if needed; return the number of watched tubes."""
        return await self.execute(commands.watch(tube))

    async def ignore(self, tube: str) -> int:
        """Stop watching a tube; return the number of watched tubes. `NotIgnored` for the last one."""
        return await self.execute(commands.ignore(tube))

    async def peek(self, id: SupportsIndex) -> Job:
        """Return any job, in any tube and state."""
        return await self.execute(commands.peek(id))

    async def peek_ready(self) -> Job:
        """Return the next ready job of the used tube."""
        return await self.execute(commands.peek_ready())

    async def peek_delayed(self) -> Job:
        """Return the delayed job of the used tube that becomes ready first."""
        return await self.execute(commands.peek_delayed())

    async def peek_buried(self) -> Job:
        """Return the job of the used tube that was buried first."""
        return await self.execute(commands.peek_buried())

    async def kick(self, bound: SupportsIndex) -> int:
        """Kick up to `bound` buried jobs of the used tube, or delayed jobs if none is buried; return the number."""
        return await self.execute(commands.kick(bound))

    async def kick_job(self, id: SupportsIndex) -> None:
        """Make one buried or delayed job ready."""
        await self.execute(commands.kick_job(id))

    async def pause_tube(self, tube: str, seconds: SupportsIndex) -> None:
        """Pause a tube for `seconds`: its ready jobs cannot be reserved. 0 unpauses it."""
        await self.execute(commands.pause_tube(tube, seconds))

    async def truncate(self, tube: str) -> int:
        """Delete all ready, delayed and buried jobs of a tube at once, on a fork that can; return the number."""
        return await self.execute(commands.truncate(tube))

    async def stats(self) -> ServerStats:
        """Return the server's statistics."""
        stats = await self.execute(commands.stats())
        self.max_job_size = stats.max_job_size
        return stats

    async def stats_tube(self, tube: str) -> TubeStats:
        """Return a tube's statistics, without creating the tube."""
        return await self.execute(commands.stats_tube(tube))

    async def stats_job(self, job: JobLike) -> JobStats:
        """Return a job's statistics, in any tube and state."""
        return await self.execute(commands.stats_job(job_id(job)))

    async def list_tubes(self) -> list[str]:
        """Return the names of all tubes."""
        return await self.execute(commands.list_tubes())

    async def list_tube_used(self) -> str:
        """Return the name of the used tube."""
        return await self.execute(commands.list_tube_used())

    async def list_tubes_watched(self) -> list[str]:
        """Return the names of the watched tubes."""
        return await self.execute(commands.list_tubes_watched())
