"""What the connections of one server share with the loop over them: who has something to do, now or at an instant."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable
from typing import Protocol

from beanops.embedded.containers import Heap
from beanops.embedded.dispatch import Service
from beanops.embedded.model import SECOND
from beanops.embedded.sockets.ends import Ends


class Member(Protocol):
    """What ends with the server: a listener or a connection."""

    def close(self) -> None:
        """Close its socket."""


class Worker(Member, Protocol):
    """A connection that gets turns."""

    queued: bool

    def work(self) -> None:
        """Take a turn."""


class Timer(Protocol):
    """What has only so long, or waits for so long."""

    id: int

    def expire(self) -> None:
        """Do what is due."""


class Loop:
    """What there is to watch and to do.

    Attributes
    ----------
    service : Service
        The queue.
    log : callable
        Called with a line of text for each connection that comes or goes.
    idle_timeout : float or None
        Seconds after which a connection that says nothing is closed, unless it waits in a reserve.
    max_connections : int or None
        Connections from which on others are closed at once.
    selector : selectors.BaseSelector
        The sockets; the data of each has a method ``take(events)``.
    ends : Ends
        Notices the end of peers that are not read.
    members : set of Member
        What ends with the server.
    waiting : deque of Worker
        The connections that have something to do.
    timers : Heap of Timer
        What is due at an instant, in nanoseconds of the machine's clock.
    """

    def __init__(
        self,
        service: Service,
        log: Callable[[str], None],
        idle_timeout: float | None = None,
        max_connections: int | None = None,
    ) -> None:
        self.service = service
        self.log = log
        self.idle_timeout = idle_timeout
        self.max_connections = max_connections
        self.selector = selectors.DefaultSelector()
        self.ends = Ends(self.selector)
        self.members: set[Member] = set()
        self.waiting: deque[Worker] = deque()
        self.timers: Heap[Timer] = Heap()
        self._last_id = 0

    def queue(self, worker: Worker) -> None:
        """Give a connection that has something to do its turn."""
        if not worker.queued:
            worker.queued = True
            self.waiting.append(worker)

    def next_id(self) -> int:
        """Return a number for a timer."""
        self._last_id += 1
        return self._last_id

    def start(self, timer: Timer, seconds: float) -> None:
        """Have something done in so many seconds, unless it is removed before."""
        self.timers.push(self.service.machine.clock() + round(seconds * SECOND), timer)

    def expire(self, now: int) -> None:
        """Do what is due."""
        while (timer := self.timers.due(now)) is not None:
            self.timers.remove(timer)
            timer.expire()

    def close(self) -> None:
        """Close all sockets."""
        for member in list(self.members):
            member.close()
        self.ends.close()
        self.selector.close()
