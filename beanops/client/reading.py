"""The client for reading: its commands change nothing, so it may send them twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, suppress
from itertools import chain, islice
from typing import Any, TypeVar

from beanops.client.address import Address
from beanops.client.alike import Alike
from beanops.client.pipeline_window import MAX_WAITING
from beanops.client.reach import Reach
from beanops.client.sync import Client
from beanops.protocol import Command, Connection, commands
from beanops.protocol.errors import BeanopsError, ConnectionLost, ProtocolError, ReadTimeout

T = TypeVar("T")

#: Seconds of silence after which a connection is checked before it is used.
IDLE = 5.0
#: Seconds to wait for the answer to that check.
ANSWER = 2.0
_END = object()


def is_alive(client: Client, within: float) -> bool:
    """Send a cheap command; a connection without an answer within `within` seconds is closed.

    A firewall may have dropped an idle connection without a sign to either end.
    """
    if not client.notice_end():
        with suppress(ConnectionLost, ProtocolError), client._turn():
            for _ in client._exchange((commands.list_tube_used(),), min(within, client.read_timeout)):
                pass
    return not client.closed


class ReadingClient(Client):
    """A client for commands that change nothing. When the connection is lost, it reconnects and asks again, once.

    Servers, proxies and firewalls close idle connections; callers need not notice. A pipeline with answers is not sent
    again: the new connection may reach another process, which has other jobs. A new connection uses and watches
    nothing.

    Parameters
    ----------
    address, connect_timeout, read_timeout
        As in `Client`.

    Attributes
    ----------
    renewed : callable or None
        Called with this client once it has a new connection, before anything else goes over it.
    """

    def __init__(
        self,
        address: str | Address | Reach | socket.socket = "127.0.0.1:11300",
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
    ) -> None:
        self.renewed: Callable[[Client], object] | None = None
        self._renewer = 0
        self._over = False
        self._renewing = threading.Lock()
        super().__init__(address, connect_timeout=connect_timeout, read_timeout=read_timeout)

    def close(self) -> None:
        """Close the connection for good."""
        self._over = True
        super().close()

    def execute(self, command: Command[T]) -> T:
        """Send one command and return its result, over a new connection if this one is lost."""
        if self._renewer == threading.get_ident():
            return super().execute(command)
        connection = self._awake()
        try:
            return super().execute(command)
        except ConnectionLost as lost:
            self._renew(connection, lost)
        return super().execute(command)

    def pipeline(self, commands: Iterable[Command[T]]) -> Generator[Any, None, None]:
        """As `Client.pipeline`, over a new connection if this one is lost before the first answer."""
        if self._renewer == threading.get_ident():
            yield from super().pipeline(commands)
            return
        left = iter(commands)
        first = list(islice(left, MAX_WAITING))  # as many as a pipeline reads ahead of its answers
        connection = self._awake()
        with closing(super().pipeline(chain(first, left))) as results:
            try:
                result = next(results, _END)
            except ConnectionLost as lost:
                self._renew(connection, lost)
            else:
                if result is not _END:
                    yield result
                    yield from results
                return
        yield from super().pipeline(chain(first, left))

    def begin(self, commands: Sequence[Command[T]]) -> Generator[Any, None, None]:
        """Send the first commands of a pipeline at once, and return its results, to be read later in the same thread.

        Other threads wait until they are read, or the generator is closed.
        """
        results = self._begun(commands)
        next(results)
        return results

    def _begun(self, commands: Sequence[Command[T]]) -> Generator[Any, None, None]:
        """Yield None once commands are sent, then the results as `pipeline` does."""
        connection, results = self._awake(), 0
        try:
            with self._turn(), closing(self._wire.exchange(commands, self.read_timeout, eager=True)) as exchanged:
                for result in exchanged:
                    yield result
                    results += 1
            return
        except ConnectionLost as lost:
            if results > 1:
                raise
            self._renew(connection, lost)
        if not results:
            yield None
        yield from super().pipeline(commands)

    def send_alike(self, alike: Alike) -> Generator[Any, None, None]:
        """As `Client.send_alike`, over a new connection if this one is lost before the first answer."""
        connection = self._awake()
        with closing(super().send_alike(alike)) as results:
            try:
                result = next(results, _END)
            except ConnectionLost as lost:
                if alike.answered:
                    raise
                self._renew(connection, lost)
            else:
                if result is not _END:
                    yield result
                    yield from results
                return
        yield from super().pipeline(alike.rest())

    def _awake(self) -> Connection:
        """Return the connection, after a check if it was idle for long."""
        connection = self._connection
        if self.idle >= IDLE and not self.closed:
            is_alive(self, ANSWER)
        return connection

    def _renew(self, lost: Connection, error: ConnectionLost) -> None:
        """Connect again, unless another thread did, or the client was closed for good."""
        with self._renewing:
            if self._over:
                raise error
            if self._connection is lost:
                self._end("it was lost")
                with self._turn(closed=True):
                    self._wire.socket.close()
                    self._open()
                if not isinstance(error, ReadTimeout):  # a busy server is asked as little as possible
                    self._tell()
            # Do not ask a busy server twice.
            if isinstance(error, ReadTimeout) and not is_alive(self, ANSWER):
                raise error

    def _tell(self) -> None:
        """Call `renewed`, whose commands go over the new connection or fail."""
        if self.renewed is None:
            return
        self._renewer = threading.get_ident()
        try:
            with suppress(BeanopsError):
                self.renewed(self)
        finally:
            self._renewer = 0
