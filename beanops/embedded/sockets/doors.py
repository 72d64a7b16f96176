"""Where connections come in: accepting them, and what they must show."""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
from collections.abc import Collection

from beanops.embedded.sockets.entrance import Entrance
from beanops.embedded.sockets.links import Link
from beanops.embedded.sockets.listening import Listener
from beanops.embedded.sockets.loop import Loop
from beanops.embedded.sockets.streams import PlainStream

_READ = selectors.EVENT_READ


class Door:
    """A listener at which connections are accepted.

    Parameters
    ----------
    loop : Loop
        What watches it and them.
    listener : Listener
        Where it listens; closed with the door.
    tokens : collection of bytes
        Those of which a connection must show one, if there are any.
    """

    def __init__(self, loop: Loop, listener: Listener, tokens: Collection[bytes]) -> None:
        self.id = loop.next_id()
        self._loop = loop
        self._listener = listener
        self._tokens = tokens
        loop.members.add(self)
        loop.selector.register(listener.socket, _READ, self)

    def take(self, events: int) -> None:
        """Accept those that wait."""
        while True:
            try:
                peer, _ = self._listener.socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # too many open files, mostly: others may close theirs
                print(f"beanops serve: cannot accept a connection: {error.strerror}", file=sys.stderr)
                self._loop.selector.unregister(self._listener.socket)
                self._loop.start(self, 1)
                return
            self._welcome(peer)

    def expire(self) -> None:
        """Accept again."""
        self._loop.selector.register(self._listener.socket, _READ, self)

    def close(self) -> None:
        """Stop listening."""
        self._loop.members.discard(self)
        self._listener.close()

    def _welcome(self, peer: socket.socket) -> None:
        peer.setblocking(False)
        if peer.family != getattr(socket, "AF_UNIX", None):
            with contextlib.suppress(OSError):  # the peer has gone again
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.log(f"accept {peer.fileno()}")
        most = self._loop.max_connections
        if most is not None and self._loop.service.machine.connections >= most:
            self._loop.log(f"close {peer.fileno()}: too many connections")
            peer.close()
            return
        tls = self._listener.tls
        if tls is not None:
            from beanops.embedded.sockets.tls import TlsStream

            Entrance(self._loop, TlsStream(peer, tls), self._tokens)
        elif self._tokens:
            Entrance(self._loop, PlainStream(peer), self._tokens)
        else:
            Link(self._loop, PlainStream(peer))
