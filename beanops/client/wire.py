"""One connection of the blocking client: a socket and its framing. The client decides which thread may use it."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any

from beanops.client.address import Address
from beanops.client.alike import Alike
from beanops.client.instances import recogniser
from beanops.client.pipeline_window import Window
from beanops.client.transport import hint_of, is_ready, reason
from beanops.protocol import Command, Connection
from beanops.protocol.errors import BeanopsError, ConnectionClosed, ReadTimeout

_RECEIVE = 64 * 1024
#: A server answers each command on its own. While so many are left, a pause of so many seconds takes them together.
_MANY, _FEW, _PAUSE = 100, 2048, 0.0002


class Wire:
    """A connected socket. One thread at a time may exchange commands on it; any thread may hang up.

    Parameters
    ----------
    connected : socket
        Non-blocking; it raises `BlockingIOError` where it would block, also with TLS.
    address : Address
        Where it leads, for errors.

    Attributes
    ----------
    socket : socket
        The socket.
    connection : Connection
        The framing; its ``error`` says why the connection has ended.
    heard : float
        Time of the last bytes from the server, by `clock`.
    clock : callable
        Returns the time, in seconds.
    give_up : float
        Time by which all must be answered, by `clock`; there is none by default.
    """

    def __init__(self, connected: socket.socket, address: Address) -> None:
        self.socket = connected
        self.connection = Connection(hint_of(address))
        self.connection.recognise = recogniser(address)
        self.clock = time.monotonic
        self.heard = self.clock()
        self.give_up = math.inf
        self.address = address
        self._unsent = memoryview(b"")

    def hang_up(self, why: str) -> None:
        """End the connection without freeing the socket: a thread that waits for it wakes up."""
        if self.connection.error is None:
            self.connection.error = ConnectionClosed(why)
        with suppress(OSError):  # the server may have been first
            self.socket.shutdown(socket.SHUT_RDWR)

    def exchange(
        self, commands: Iterable[Command[Any]], patience: float, alike: Alike | None = None, *, eager: bool = False
    ) -> Generator[Any, None, None]:
        """Send commands and yield the result of each; wait `patience` seconds for the server's next bytes.

        `alike` are sent before. Their results are yielded from the first that is not as expected. If it is `eager`, it
        yields None before the results, once as many commands are sent as can be without waiting.
        """
        connection = self.connection
        window = Window(connection, commands)
        settled = False
        try:
            self.look_for_end()
            if alike is not None:
                yield from self._compare(alike, patience)
            while True:
                if not self._unsent and not window.exhausted:
                    self._unsent = memoryview(window.take())
                if eager:
                    eager = False
                    self._send_ahead()
                    yield None
                if not connection.waiting:
                    break
                yield from self._move(patience)
                if connection.error is not None and not (window.exhausted and not connection.waiting):
                    raise self._with_address(connection.error)
            settled = True
        except GeneratorExit:
            self._drain(patience)
            settled = True
            raise
        finally:
            # After Ctrl-C anywhere, nobody knows where the next reply starts.
            if not settled and connection.error is None:
                connection.error = ConnectionClosed("it was interrupted in the middle of a command")
        if window.failure is not None:
            raise window.failure

    def _compare(self, alike: Alike, patience: float) -> Generator[Any, None, None]:
        """Send commands that are alike, and take their replies as long as they are as expected.

        From the first other reply on, `connection` has the commands; yield what it knows of them.
        """
        connection, held = self.connection, bytearray()
        alike.recognise = connection.recognise
        self._unsent = memoryview(alike.data)
        failure: OSError | None = None
        data: bytes | None = b""
        while not alike.over:
            try:
                data = self._transfer()
                if data is None and is_ready(self.socket, bool(self._unsent), patience):
                    continue
            except OSError as error:
                failure = error
                break
            if not data:
                break
            held += data
            connection.heard = True
            del held[: alike.take(held, not self._unsent)]
            if len(data) < _FEW and alike.left > _MANY and not self._unsent:
                time.sleep(_PAUSE)
        connection.waiting.extend(alike.rest())
        if held:
            yield from connection.receive_data(bytes(held), unsent=bool(self._unsent))
        if connection.waiting and connection.error is None:
            if failure is not None:
                raise self._lost(failure) from None
            if data is None:
                raise self._silent(patience)
            if not data:
                yield from connection.receive_data(b"")
        if connection.waiting and connection.error is not None:
            raise self._with_address(connection.error)

    def look_for_end(self) -> None:
        """Raise if the server has closed the idle connection, or has sent something unasked."""
        try:
            data = self.socket.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            raise self._lost(error) from None
        self.connection.receive_data(data)
        raise self._with_address(self.connection.error)

    def _move(self, patience: float) -> list[Any]:
        """Write and read as much as possible, waiting for either; return the results."""
        try:
            data = self._transfer()
            if data is None:
                patience += self.connection.waiting[0].wait
                left = max(0.0, self.give_up - self.clock())
                if not is_ready(self.socket, bool(self._unsent), min(patience, left)):
                    raise self._silent(patience)
                return []
        except OSError as error:
            raise self._lost(error) from None
        return self.connection.receive_data(data, unsent=bool(self._unsent))

    def _send_ahead(self) -> None:
        try:
            self._send()
        except OSError as error:
            raise self._lost(error) from None

    def _send(self) -> None:
        if self._unsent:
            with suppress(BlockingIOError):
                self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def _transfer(self) -> bytes | None:
        """Write and read as much as possible; None where there is nothing to read yet."""
        self._send()
        try:
            data = self.socket.recv(_RECEIVE)
        except BlockingIOError:
            return None
        self.heard = self.clock()
        return data

    def _silent(self, patience: float) -> BeanopsError:
        self.connection.error = ReadTimeout(
            f"no answer to '{self.connection.waiting[0].line}' within {round(patience, 2):g} s"
        )
        return self._with_address(self.connection.error)

    def _drain(self, patience: float) -> None:
        """Read and drop the replies of a pipeline that was left early, so that the connection stays usable."""
        connection = self.connection
        try:
            while connection.waiting and connection.error is None:
                if math.isinf(connection.waiting[0].wait):
                    connection.error = ConnectionClosed("a pipeline was closed while it waited in a reserve")
                else:
                    self._move(patience)
        except BeanopsError:
            pass  # the connection knows why it is closed; the error being raised matters more

    def _lost(self, error: OSError) -> BeanopsError:
        self.connection.break_off(reason(error))
        return self._with_address(self.connection.error)

    def _with_address(self, error: BeanopsError | None) -> BeanopsError:
        """Return the error with the server's address in front of it."""
        assert error is not None
        return type(error)(f"{self.address}: {error}")
