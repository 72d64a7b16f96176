"""The asyncio server around the state machine: sockets, fairness, back-pressure in both directions, the timer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import sys
from collections.abc import Callable

from beanops.embedded.dialects import Dialect
from beanops.embedded.dialogue import Dialogue, Mode
from beanops.embedded.dispatch import Service
from beanops.embedded.machine import Machine
from beanops.embedded.model import NEVER, SECOND

#: Steps that one connection may do before the others have their turn.
_STEPS = 256
#: Received bytes that are kept for later before the connection is read no more.
_MAX_HELD = 65536
_BACKLOG = 1024
#: How often peers that are not read are looked at.
_LOOK_SECONDS = 1.0


class Server:
    """One server; it lives in the running event loop.

    Parameters
    ----------
    dialect : {"1.13", "1.12", "1.11", "1.10"}
        Which release of beanstalkd to be.
    max_job_size : int
        Bytes that a body may have.
    log : callable
        Called with a line of text for each connection that comes or goes.
    """

    def __init__(self, dialect: Dialect, max_job_size: int, log: Callable[[str], None]) -> None:
        self.service = Service(Machine(), dialect, max_job_size)
        self.log = log
        self.links: set[Link] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._listener: asyncio.Server | None = None
        self._path = ""
        self._inode = 0

    async def listen(self, address: str, port: int) -> str:
        """Start to accept connections at a host or ``unix:PATH``; return the address that clients use."""
        if address.startswith("unix:"):
            if not hasattr(socket, "AF_UNIX"):
                raise OSError("this system has no unix sockets")
            if self.service.release.old:
                raise OSError("beanstalkd has unix sockets from 1.12 on")
            path = address.removeprefix("unix:")
            self._listener = await self._loop.create_unix_server(lambda: Link(self), path, backlog=_BACKLOG)
            self._path = path
            self._inode = os.stat(path).st_ino
            return address
        # A name with two addresses would have two sockets, and with port 0 two ports: as beanstalkd, take the first
        # that can be had.
        found = await self._loop.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        while self._listener is None:
            host = str(found.pop(0)[4][0])
            try:
                self._listener = await self._loop.create_server(lambda: Link(self), host, port, backlog=_BACKLOG)
            except OSError:
                if not found:
                    raise
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._listener is not None:
            self._listener.close()
        if self._path:
            with contextlib.suppress(FileNotFoundError):
                # A server that was started on the same path since has its own socket there.
                if os.stat(self._path).st_ino == self._inode:
                    os.unlink(self._path)
        for link in list(self.links):
            link.abort()
        if self._timer is not None:
            self._timer.cancel()

    def drain(self) -> None:
        """Refuse puts from now on."""
        self.service.machine.draining = True

    def set_timer(self) -> None:
        """Make sure that the machine gets its turn when something is due."""
        due = self.service.machine.due
        if due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = self._loop.call_later(max(0, due - self.service.machine.now) / SECOND, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        self.service.machine.advance()
        self.set_timer()


class Link(asyncio.Protocol):
    """One connection: moves bytes between its transport and its dialogue."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._blocked = False
        self._queued = False
        self._reading = True
        self._looking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio calls it)."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._dialogue = Dialogue(self._server.service, self._queue)
        self._server.links.add(self)
        peer = transport.get_extra_info("socket")
        if peer.family != getattr(socket, "AF_UNIX", None):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._number = peer.fileno()
        self._server.log(f"accept {self._number}")

    def data_received(self, data: bytes) -> None:
        """Take bytes from the peer (asyncio calls it)."""
        self._dialogue.receive(data)
        if self._queued or self._blocked:
            self._limit_reading()
        else:
            self._work()

    def eof_received(self) -> bool:
        """Note that the peer sends no more, and keep the connection until all is answered (asyncio calls it)."""
        self._dialogue.receive_end()
        self._queue()
        return True

    def pause_writing(self) -> None:
        """Stop answering a peer that does not read (asyncio calls it)."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Go on answering (asyncio calls it)."""
        self._blocked = False
        self._queue()

    def connection_lost(self, error: Exception | None) -> None:
        """Leave (asyncio calls it)."""
        self._dialogue.close()
        self._server.links.discard(self)
        self._server.set_timer()
        self._server.log(f"close {self._number}")

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def _queue(self) -> None:
        if not self._queued:
            self._queued = True
            self._loop.call_soon(self._work_queued)

    def _work_queued(self) -> None:
        self._queued = False
        if not self._blocked and not self._transport.is_closing():
            self._work()

    def _work(self) -> None:
        """Do a bounded number of steps, send the replies, and go on later if there is more to do."""
        more = self._dialogue.run(_STEPS)
        replies = self._dialogue.take_replies()
        if replies:
            self._transport.write(replies)
        if self._dialogue.mode is Mode.CLOSED:
            self._transport.close()
        else:
            if more and not self._blocked:
                self._queue()
            self._limit_reading()
        self._server.set_timer()

    def _limit_reading(self) -> None:
        reading = self._dialogue.held <= _MAX_HELD
        if reading is not self._reading:
            self._reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
                if not self._looking:
                    self._look_later()

    def _look_later(self) -> None:
        self._looking = True
        self._loop.call_later(_LOOK_SECONDS, self._look_for_end)

    def _look_for_end(self) -> None:
        """Look whether a peer that is not read now has gone: its reserve must not wait for a job then."""
        self._looking = False
        if self._reading or self._transport.is_closing():
            return
        if self._dialogue.mode is Mode.WAIT and _has_hung_up(self._transport.get_extra_info("socket")):
            self._dialogue.hang_up()
        else:
            self._look_later()


def _has_hung_up(peer: socket.socket) -> bool:
    if sys.platform != "linux":
        # Elsewhere it shows once the peer is read again.
        return False
    poll = select.poll()
    poll.register(peer, select.POLLRDHUP)
    return bool(poll.poll(0))
