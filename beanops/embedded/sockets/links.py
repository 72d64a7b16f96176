"""A connection to the queue: its socket on one side, its dialogue on the other, and back-pressure both ways."""

from __future__ import annotations

import selectors

from beanops.embedded.dialogue import Dialogue, Mode
from beanops.embedded.model import SECOND
from beanops.embedded.sockets.loop import Loop
from beanops.embedded.sockets.streams import PeerStream

#: Steps that one connection may do before the others have their turn.
_STEPS = 256
#: Received bytes that are kept for later before the connection is read no more.
_MAX_HELD = 65536
_NONE, _READ, _WRITE = 0, selectors.EVENT_READ, selectors.EVENT_WRITE


class Link:
    """One connection: moves bytes between its socket and its dialogue.

    Parameters
    ----------
    loop : Loop
        What gives it turns.
    stream : PeerStream
        Its bytes, whose handshake is over.
    received : bytes
        What has been received already.
    reply : bytes
        What is to be sent before anything else.
    """

    def __init__(self, loop: Loop, stream: PeerStream, received: bytes = b"", reply: bytes = b"") -> None:
        self.id = loop.next_id()
        self.open = True
        self.queued = False
        self._loop = loop
        self._stream = stream
        self._peer = stream.peer
        self._events = _NONE
        self._unsent = memoryview(reply)
        self._ended = False
        self._hung_up = False
        self._dialogue = Dialogue(loop.service, self._queue)
        self._number = self._peer.fileno()
        loop.members.add(self)
        self._active_at = 0
        if loop.idle_timeout is not None:
            self._active_at = loop.service.machine.clock()
            loop.start(self, loop.idle_timeout)
        if received:
            self._dialogue.receive(received)
            self._queue()
        self._watch()

    def take(self, events: int) -> None:
        """Take in what the peer has sent, and what there is room for."""
        if events & _WRITE:
            self._send(b"")
        if events & _READ and self.open and not self._ended:
            self._active_at = self._loop.service.machine.now
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
        while turns > 0 and more and self.open and not self._blocked:
            turns -= 1
            more = self._dialogue.run(steps)
            self._send(self._dialogue.take_replies())
        if self._dialogue.mode is Mode.CLOSED and not self._blocked:
            self.close()
        elif self.open:
            if more and not self._blocked:
                self._queue()
            self._watch()

    def expire(self) -> None:
        """Close the connection if it has been idle for too long, else look again when it may have been."""
        assert self._loop.idle_timeout is not None
        idle = (self._loop.service.machine.now - self._active_at) / SECOND
        if idle < self._loop.idle_timeout:
            self._loop.start(self, self._loop.idle_timeout - idle)
        elif self._dialogue.mode is Mode.WAIT:
            self._loop.start(self, self._loop.idle_timeout)
        else:
            self.close()

    def close(self) -> None:
        """Drop the connection: what it had reserved is ready at once."""
        if not self.open:
            return
        self.open = False
        if self in self._loop.timers:
            self._loop.timers.remove(self)
        self._watch(_NONE)
        self._loop.ends.forget(self._peer)
        self._loop.members.discard(self)
        self._stream.finish()
        self._peer.close()
        self._dialogue.close()
        self._loop.log(f"close {self._number}")

    @property
    def _blocked(self) -> bool:
        return bool(self._unsent) or self._stream.unsent

    def _queue(self) -> None:
        self._loop.queue(self)

    def _read(self) -> None:
        """Read what there is, so that an end behind it is known before it is answered."""
        while self._dialogue.held <= _MAX_HELD:
            try:
                data = self._stream.receive()
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
        if not unsent and not self._stream.unsent:
            return
        sent = 0
        try:
            if unsent:
                sent = self._stream.send(unsent)
            else:
                self._stream.flush()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close()
            return
        self._unsent = unsent[sent:]
        if not self._blocked and not data:
            self._queue()

    def _watch(self, events: int | None = None) -> None:
        """Let the loop look for what this connection needs next."""
        if events is None:
            reads = not self._ended and self._dialogue.mode is not Mode.CLOSED and self._dialogue.held <= _MAX_HELD
            events = (_READ if reads else _NONE) | (_WRITE if self._blocked else _NONE)
        if events == self._events:
            return
        selector = self._loop.selector
        if not events:
            selector.unregister(self._peer)
            self._loop.ends.look_for(self._peer, self)
        elif not self._events:
            self._loop.ends.forget(self._peer)
            selector.register(self._peer, events, self)
        else:
            selector.modify(self._peer, events, self)
        self._events = events
