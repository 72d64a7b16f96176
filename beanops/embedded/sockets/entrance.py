"""The way in: TLS first, then a token, and out again for those that lack either.

Whoever is on this way is no client of the queue yet, holds no more than a line, and has only so long.
"""

from __future__ import annotations

import contextlib
import hmac
import selectors
import socket
from collections.abc import Collection

from beanops.embedded.sockets.links import Link
from beanops.embedded.sockets.loop import Loop
from beanops.embedded.sockets.streams import PeerStream

#: Seconds to get in.
PATIENCE = 10.0
#: Seconds in which one that was turned away can read why.
_GOODBYE = 2.0
#: Bytes of the line with the token.
_MAX_LINE = 4096
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Entrance:
    """A connection on its way in.

    Parameters
    ----------
    loop : Loop
        What watches its socket.
    stream : PeerStream
        Its bytes.
    tokens : collection of bytes
        Those of which it must show one, if there are any.
    """

    def __init__(self, loop: Loop, stream: PeerStream, tokens: Collection[bytes]) -> None:
        self.id = loop.next_id()
        self._loop = loop
        self._stream = stream
        self._tokens = tokens
        self._line = b""
        self._number = stream.peer.fileno()
        loop.members.add(self)
        loop.start(self, PATIENCE)
        loop.selector.register(stream.peer, _READ, self)

    def take(self, events: int) -> None:
        """Go on as far as its bytes allow."""
        try:
            self._stream.handshake()
            if not self._tokens:
                self._admit(b"", b"")
            else:
                self._read_line()
                line, _, rest = self._line.partition(b"\r\n")
                if self._may_enter(line):
                    self._admit(rest, b"AUTHENTICATED\r\n")
                else:
                    self._turn_away("no valid token", b"UNAUTHORIZED\r\n")
        except (BlockingIOError, InterruptedError):
            self._loop.selector.modify(self._stream.peer, _READ | (_WRITE if self._stream.unsent else 0), self)
        except OSError as error:
            self._turn_away(getattr(error, "reason", None) or error.strerror or str(error))

    def expire(self) -> None:
        """Drop the connection: it took too long."""
        self.close()
        self._loop.log(f"close {self._number}: not in within {PATIENCE:g} seconds")

    def close(self) -> None:
        """Drop the connection."""
        self._leave()
        self._stream.peer.close()

    def _read_line(self) -> None:
        """Read until there is a line, or more than one may have."""
        while b"\r\n" not in self._line and len(self._line) < _MAX_LINE:
            data = self._stream.receive()
            if not data:
                raise ConnectionResetError("closed before it showed a token")
            self._line += data

    def _may_enter(self, line: bytes) -> bool:
        word, _, token = line.partition(b" ")
        # All are compared, each in the same time: how long it takes says nothing of any.
        return word == b"auth" and sum(hmac.compare_digest(token, each) for each in self._tokens) > 0

    def _admit(self, received: bytes, reply: bytes) -> None:
        self._leave()
        link = Link(self._loop, self._stream, received, reply)
        link.take(_READ | _WRITE)

    def _turn_away(self, reason: str, reply: bytes = b"") -> None:
        self._leave()
        with contextlib.suppress(OSError):
            if reply:
                self._stream.send(memoryview(reply))
        self._stream.finish()
        self._loop.log(f"close {self._number}: {reason}")
        Farewell(self._loop, self._stream.peer)

    def _leave(self) -> None:
        self._loop.members.discard(self)
        if self in self._loop.timers:
            self._loop.timers.remove(self)
        self._loop.selector.unregister(self._stream.peer)


class Farewell:
    """A connection that was turned away, until it has closed its side.

    To close it at once would throw away what it was told, if it has sent anything else since.
    """

    def __init__(self, loop: Loop, peer: socket.socket) -> None:
        self.id = loop.next_id()
        self._loop = loop
        self._peer = peer
        loop.members.add(self)
        loop.start(self, _GOODBYE)
        loop.selector.register(peer, _READ, self)
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_WR)

    def take(self, events: int) -> None:
        """Throw away what it says."""
        try:
            if self._peer.recv(65536):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self.close()

    def expire(self) -> None:
        """Drop the connection: it had its time to read."""
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        self._loop.members.discard(self)
        if self in self._loop.timers:
            self._loop.timers.remove(self)
        self._loop.selector.unregister(self._peer)
        self._peer.close()
