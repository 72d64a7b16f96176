"""What the state machine keeps: jobs, tubes and clients, as plain records; `queues` and `machine` act on them.

Instants are nanoseconds of the machine's clock, durations whole seconds as on the wire.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, TypeAlias

from beanops.embedded.containers import Bag, Heap

SECOND = 1_000_000_000
#: Later than anything: no alarm is set.
NEVER = 2**63

State = Literal["invalid", "ready", "reserved", "delayed", "buried"]


class StoredJob:
    """One job; `deadline` means something while it is delayed or reserved.

    `body` includes the CR LF after it. While it is still on its way, `upload` holds what has come of it so far.
    """

    __slots__ = (
        "body",
        "buries",
        "created_at",
        "deadline",
        "delay",
        "holder",
        "id",
        "kicks",
        "priority",
        "releases",
        "reserves",
        "size",
        "state",
        "timeouts",
        "ttr",
        "tube",
        "upload",
    )

    def __init__(
        self, number: int, tube: Tube, priority: int, delay: int, ttr: int, size: int, created_at: int
    ) -> None:
        self.id = number
        self.tube = tube
        self.priority = priority
        self.delay = delay
        self.ttr = ttr
        self.size = size
        self.created_at = created_at
        self.state: State = "invalid"
        self.body = b""
        self.upload: bytearray | None = None
        self.deadline = 0
        self.holder: Peer | None = None
        self.reserves = 0
        self.timeouts = 0
        self.releases = 0
        self.buries = 0
        self.kicks = 0


#: How a wait ended: with a job, or with the word of a reply without one.
Outcome: TypeAlias = StoredJob | Literal["TIMED_OUT", "DEADLINE_SOON"]


class Tube:
    """One tube; it exists while `references` (jobs, users and watchers) is above 0.

    Jobs with an id up to `cutoff` were truncated; they are there only as long as somebody holds them.
    """

    __slots__ = (
        "buried",
        "cutoff",
        "delayed",
        "deletes",
        "id",
        "name",
        "pause",
        "pauses",
        "ready",
        "references",
        "reserved",
        "total_jobs",
        "unpause_at",
        "urgent",
        "using",
        "waiting",
        "watching",
    )

    def __init__(self, number: int, name: bytes) -> None:
        self.id = number
        self.name = name
        self.references = 0
        self.cutoff = 0
        self.ready: Heap[StoredJob] = Heap()
        self.delayed: Heap[StoredJob] = Heap()
        # A plain dict would search for its first item past all those that were removed before it.
        self.buried: OrderedDict[int, StoredJob] = OrderedDict()
        self.waiting: Bag[Peer] = Bag()
        self.reserved = 0
        self.urgent = 0
        self.total_jobs = 0
        self.deletes = 0
        self.pauses = 0
        self.using = 0
        self.watching = 0
        # Nanoseconds, and 1 for a pause of 0 seconds: above 0 means paused.
        self.pause = 0
        self.unpause_at = 0


class Peer:
    """One connection as the state machine sees it.

    Attributes
    ----------
    woken : callable
        Called with the outcome of a reserve that had to wait.
    timeout : int or None
        Seconds of the reserve under way, None for no limit. beanstalkd leaves it set when a wait ends
        with ``DEADLINE_SOON``, which can delay the time-out of a reserved job; so does this.
    tick_at : int
        The instant at which the machine must look at this client, `NEVER` without one.
    """

    __slots__ = (
        "id",
        "producer",
        "reserved",
        "tick_at",
        "timeout",
        "used",
        "waiting",
        "watched",
        "woken",
        "worker",
    )

    def __init__(self, number: int, tube: Tube, woken: Callable[[Outcome], None]) -> None:
        self.id = number
        self.used = tube
        self.watched: Bag[Tube] = Bag()
        self.reserved: Heap[StoredJob] = Heap()
        self.woken = woken
        self.timeout: int | None = None
        self.tick_at = NEVER
        self.waiting = False
        self.producer = False
        self.worker = False
