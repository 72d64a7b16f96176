"""A loopback server that plays given bytes: for replies that no healthy beanstalkd sends."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class Scripted:
    """Answer each piece of bytes that comes in with the next of `replies`, then close, or stay silent.

    Parameters
    ----------
    *replies : bytes
        What to send, one for each time that something came in; ``b""`` lets one pass without an answer.
    hold : bool
        Stay connected after the last reply, without ever answering again.
    greeting : bytes
        Sent as soon as somebody connects.

    Attributes
    ----------
    address : str
        Where it listens.
    received : bytearray
        Everything that came in, over all connections.
    """

    def __init__(self, *replies: bytes, hold: bool = False, greeting: bytes = b"") -> None:
        self._replies = replies
        self._hold = hold
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.received = bytearray()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(peer)
            self._threads.append(threading.Thread(target=self._play, args=(peer,)))
            self._threads[-1].start()

    def _play(self, peer: socket.socket) -> None:
        try:
            peer.sendall(self._greeting)
            for reply in self._replies:
                data = peer.recv(1 << 20)
                if not data:
                    return
                self.received += data
                peer.sendall(reply)
            while self._hold and (data := peer.recv(1 << 20)):
                self.received += data
        except OSError:
            pass  # the client may leave at any moment
        finally:
            peer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # shutdown wakes a blocked accept or recv, close alone does not
        for opened in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join(5)
