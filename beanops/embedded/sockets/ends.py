"""The end of connections that are not read, as far as the system reports it."""

from __future__ import annotations

import select
import selectors
import socket
import sys
from typing import Protocol

_READ = selectors.EVENT_READ


class Unread(Protocol):
    """A connection that wants to know of its peer's end."""

    def hang_up(self) -> None:
        """Note that the peer has ended its side."""


class Ends:
    """Notices the end of peers that are not read, if the system reports it: their reserves must not wait then.

    Elsewhere it shows once the peer is read again.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._links: dict[int, Unread] = {}
        self._epoll = select.epoll() if sys.platform == "linux" else None
        if self._epoll is not None:
            selector.register(self._epoll, _READ, self)

    def look_for(self, peer: socket.socket, link: Unread) -> None:
        """Hang the link up once when its peer ends."""
        if self._epoll is not None and peer.fileno() not in self._links:
            self._links[peer.fileno()] = link
            self._epoll.register(peer, select.EPOLLRDHUP)

    def forget(self, peer: socket.socket) -> None:
        """Look no more."""
        if self._epoll is not None and self._links.pop(peer.fileno(), None) is not None:
            self._epoll.unregister(peer)

    def take(self, events: int = 0) -> None:
        """Hang up the links whose peers have ended."""
        assert self._epoll is not None
        for number, _ in self._epoll.poll(0):
            link = self._links.pop(number)
            self._epoll.unregister(number)
            link.hang_up()

    def close(self) -> None:
        """Free what it holds."""
        if self._epoll is not None:
            self._epoll.close()
