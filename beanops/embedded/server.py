"""One loop over all connections: who may do something now, fairness, and the clock.

A turn of the loop first takes in what all peers have sent, and who has gone, and answers then: whoever learned that
a connection was closed finds that the server knows it too.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable, Collection, Sequence

from beanops.embedded.dispatch import Service
from beanops.embedded.machine import Machine
from beanops.embedded.model import NEVER, SECOND
from beanops.embedded.options import ServerOptions
from beanops.embedded.sockets.doors import Door
from beanops.embedded.sockets.listening import Listener
from beanops.embedded.sockets.loop import Loop

#: Seconds that the loop waits at most: some systems take no more than 24 days.
_LONGEST = 3600.0


class Server:
    """One server; `run` it in any thread, `stop` it from any other or from the handler of a signal.

    Parameters
    ----------
    listeners : sequence of Listener
        Where clients connect; the server closes them at its end.
    options : ServerOptions
        What it is like.
    tokens : collection of bytes
        Those of which a client must show one, if there are any.
    log : callable
        Called with a line of text for each connection that comes or goes.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        options: ServerOptions,
        tokens: Collection[bytes] = (),
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
        self._loop = Loop(self.service, log, options.idle_timeout, options.max_connections)
        self._stopping = False
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._loop.selector.register(self._woken, selectors.EVENT_READ)
        for listener in listeners:
            Door(self._loop, listener, tokens)

    def run(self) -> None:
        """Serve until it is stopped."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._loop.close()
            self._wake.close()
            self._woken.close()

    def stop(self) -> None:
        """End `run` soon, and drop all connections."""
        self._stopping = True
        with contextlib.suppress(OSError):  # it is full of such words, or closed
            self._wake.send(b"\0")

    def drain(self) -> None:
        """Refuse puts from now on."""
        self.service.machine.draining = True

    def _turn(self) -> None:
        loop = self._loop
        for key, events in loop.selector.select(self._patience()):
            if key.data is not None:
                key.data.take(events)
        machine = self.service.machine
        machine.advance()
        loop.expire(machine.now)
        for _ in range(len(loop.waiting)):
            worker = loop.waiting.popleft()
            worker.queued = False
            worker.work()

    def _patience(self) -> float | None:
        """Return how many seconds the loop may wait for its peers; None for any number."""
        if self._loop.waiting:
            return 0
        machine = self.service.machine
        due = min(machine.due, self._loop.timers.smallest(NEVER))
        return None if due == NEVER else min(_LONGEST, max(0, due - machine.clock()) / SECOND)
