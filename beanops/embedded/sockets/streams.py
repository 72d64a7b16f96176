"""The bytes of one connection as they are; those through TLS are in `tls`. Nothing here waits."""

from __future__ import annotations

import socket
from typing import Protocol

#: Bytes that are asked of the system at once.
CHUNK = 65536


class PeerStream(Protocol):
    """What a connection does with its bytes; what cannot be done at once is a `BlockingIOError`.

    Attributes
    ----------
    peer : socket.socket
        The socket below.
    unsent : bool
        Some of what `send` has taken waits for room.
    """

    peer: socket.socket

    @property
    def unsent(self) -> bool:
        """Say whether something waits for room."""

    def handshake(self) -> None:
        """Go on with the handshake; it is over when this returns."""

    def receive(self) -> bytes:
        """Return what has come, ``b""`` at the end."""

    def send(self, data: memoryview) -> int:
        """Take bytes to be sent, and return how many."""

    def flush(self) -> None:
        """Send what waits."""

    def finish(self) -> None:
        """Say that nothing more follows, if that can be said at once."""


class PlainStream:
    """Bytes as they are."""

    unsent = False

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer

    def handshake(self) -> None:
        """Return at once: there is none."""

    def receive(self) -> bytes:
        """Return what has come, ``b""`` at the end."""
        return self.peer.recv(CHUNK)

    def send(self, data: memoryview) -> int:
        """Send bytes, and return how many."""
        return self.peer.send(data)

    def flush(self) -> None:
        """Return at once: nothing waits here."""

    def finish(self) -> None:
        """Return at once: the end of the connection says it."""
