"""The sockets around the state machine: one loop over all connections, fairness, back-pressure both ways, the clock.

A turn of the loop first takes in what all peers have sent, and who has gone, and answers then: whoever learned that
a connection was closed finds that the server knows it too.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import sys
from collections import deque
from collections.abc import Callable

from beanops.embedded.dialogue import Dialogue, Mode
from beanops.embedded.dispatch import Service
from beanops.embedded.listening import Listener
from beanops.embedded.machine import Machine
from beanops.embedded.model import NEVER, SECOND
from beanops.embedded.options import ServerOptions

#: Steps that one connection may do before the others have their turn.
_STEPS = 256
#: Received bytes that are kept for later before the connection is read no more.
_MAX_HELD = 65536
_CHUNK = 65536
_NONE, _READ, _WRITE = 0, selectors.EVENT_READ, selectors.EVENT_WRITE
#: Seconds that the loop waits at most: some systems take no more than 24 days.
_LONGEST = 3600.0


class Server:
    """One server; `run` it in any thread, `stop` it from any other or from the handler of a signal.

    Parameters
    ----------
    listener : Listener
        Where clients connect; the server closes it at its end.
    options : ServerOptions
        What it is like.
    log : callable
        Called with a line of text for each connection that comes or goes.
    """

    def __init__(
        self,
        listener: Listener,
        options: ServerOptions,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.service = Service(
            Machine(),
            options.dialect,
            options.max_job_size,
            options.stats_kept,
            options.nodes,
            options.max_memory,
        )
        self.log = log
        self.links: set[Link] = set()
        self.selector = selectors.DefaultSelector()
        self.ends = Ends(self.selector)
        self._listener = listener
        self._accept_at = NEVER
        self._queued: deque[Link] = deque()
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self.selector.register(self._woken, _READ)
        self.selector.register(listener.socket, _READ)

    def run(self) -> None:
        """Serve until it is stopped."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._close()

    def stop(self) -> None:
        """End `run` soon, and drop all connections."""
        self._stopping = True
        with contextlib.suppress(OSError):  # it is full of such words, or closed
            self._wake.send(b"\0")

    def drain(self) -> None:
        """Refuse puts from now on."""
        self.service.machine.draining = True

    def queue(self, link: Link) -> None:
        """Give a connection that has something to do its turn."""
        if not link.queued:
            link.queued = True
            self._queued.append(link)

    def _turn(self) -> None:
        for key, events in self.selector.select(self._patience()):
            if isinstance(key.data, Link):
                key.data.take(events)
            elif key.fileobj is self._listener.socket:
                self._accept()
            elif isinstance(key.data, Ends):
                key.data.take()
        machine = self.service.machine
        machine.advance()
        if machine.now >= self._accept_at:
            self._accept_at = NEVER
            self.selector.register(self._listener.socket, _READ)
        for _ in range(len(self._queued)):
            link = self._queued.popleft()
            link.queued = False
            link.work()

    def _patience(self) -> float | None:
        """Return how many seconds the loop may wait for its peers; None for any number."""
        if self._queued:
            return 0
        machine = self.service.machine
        due = min(machine.due, self._accept_at)
        return None if due == NEVER else min(_LONGEST, max(0, due - machine.clock()) / SECOND)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # too many open files, mostly: others may close theirs
                print(f"beanops serve: cannot accept a connection: {error.strerror}", file=sys.stderr)
                self.selector.unregister(self._listener.socket)
                self._accept_at = self.service.machine.now + SECOND
                return
            self.links.add(Link(self, peer))

    def _close(self) -> None:
        self._listener.close()
        for link in list(self.links):
            link.close()
        self.ends.close()
        self.selector.close()
        self._wake.close()
        self._woken.close()


class Link:
    """One connection: moves bytes between its socket and its dialogue."""

    def __init__(self, server: Server, peer: socket.socket) -> None:
        self.open = True
        self.queued = False
        self._server = server
        self._peer = peer
        self._events = _NONE
        self._unsent = memoryview(b"")
        self._ended = False
        self._hung_up = False
        peer.setblocking(False)
        if peer.family != getattr(socket, "AF_UNIX", None):
            with contextlib.suppress(OSError):  # the peer has gone again
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._dialogue = Dialogue(server.service, self._queue)
        self._number = peer.fileno()
        server.log(f"accept {self._number}")
        self._watch()

    def take(self, events: int) -> None:
        """Take in what the peer has sent, and what there is room for."""
        if events & _WRITE:
            self._send(b"")
        if events & _READ and self.open:
            self._read()
        if self.open:
            self._watch()

    def hang_up(self) -> None:
        """Note that the peer has ended its side, although more may be received that it sent before."""
        self._hung_up = True
        self._dialogue.hang_up()
        self._queue()

    def work(self) -> None:
        """Do a bounded number of steps, send the replies, and continue later if there is more to do."""
        if not self.open:
            return
        # To one that has hung up each reply is sent by itself: the first that it does not take ends the connection,
        # and what was asked behind it is never done.
        steps, turns = (1, _STEPS) if self._hung_up else (_STEPS, 1)
        more = True
        while turns > 0 and more and self.open and not self._unsent:
            turns -= 1
            more = self._dialogue.run(steps)
            self._send(self._dialogue.take_replies())
        if self._dialogue.mode is Mode.CLOSED and not self._unsent:
            self.close()
        elif self.open:
            if more and not self._unsent:
                self._queue()
            self._watch()

    def close(self) -> None:
        """Drop the connection: what it had reserved is ready at once."""
        if not self.open:
            return
        self.open = False
        self._watch(_NONE)
        self._server.ends.forget(self._peer)
        self._server.links.discard(self)
        self._peer.close()
        self._dialogue.close()
        self._server.log(f"close {self._number}")

    def _queue(self) -> None:
        self._server.queue(self)

    def _read(self) -> None:
        """Read what there is, so that an end behind it is known before it is answered."""
        while self._dialogue.held <= _MAX_HELD:
            try:
                data = self._peer.recv(_CHUNK)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.close()
                return
            if not data:
                self._ended = self._hung_up = True
                self._dialogue.receive_end()
                self.work()
                return
            self._dialogue.receive(data)
            self._queue()

    def _send(self, data: bytes) -> None:
        unsent = memoryview(data) if data else self._unsent
        if not unsent:
            return
        try:
            sent = self._peer.send(unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.close()
            return
        self._unsent = unsent[sent:]
        if not self._unsent and not data:
            self._queue()

    def _watch(self, events: int | None = None) -> None:
        """Let the loop look for what this connection needs next."""
        if events is None:
            reads = not self._ended and self._dialogue.mode is not Mode.CLOSED and self._dialogue.held <= _MAX_HELD
            events = (_READ if reads else _NONE) | (_WRITE if self._unsent else _NONE)
        if events == self._events:
            return
        selector = self._server.selector
        if not events:
            selector.unregister(self._peer)
            self._server.ends.look_for(self._peer, self)
        elif not self._events:
            self._server.ends.forget(self._peer)
            selector.register(self._peer, events, self)
        else:
            selector.modify(self._peer, events, self)
        self._events = events


class Ends:
    """Notices the end of peers that are not read, if the system reports it: their reserves must not wait then.

    Elsewhere it shows once the peer is read again.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._links: dict[int, Link] = {}
        self._epoll = select.epoll() if sys.platform == "linux" else None
        if self._epoll is not None:
            selector.register(self._epoll, _READ, self)

    def look_for(self, peer: socket.socket, link: Link) -> None:
        """Hang the link up once when its peer ends."""
        if self._epoll is not None and peer.fileno() not in self._links:
            self._links[peer.fileno()] = link
            self._epoll.register(peer, select.EPOLLRDHUP)

    def forget(self, peer: socket.socket) -> None:
        """Look no more."""
        if self._epoll is not None and self._links.pop(peer.fileno(), None) is not None:
            self._epoll.unregister(peer)

    def take(self) -> None:
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
