"""The server's behaviour as a state machine: no sockets, no bytes of the protocol, and the clock is given.

Nothing here walks all jobs or all tubes; a reserve looks through the tubes that its own client watches. Commands
come in as calls; a reserve that had to wait is answered through its client's `woken`. `Machine.advance` must be called
before each command and whenever `due` is reached.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from beanops.embedded.containers import Heap
from beanops.embedded.model import NEVER, SECOND, Outcome, Peer, StoredJob, Tube
from beanops.embedded.queues import Queues

#: A waiting client is notified this long before one of its reserved jobs times out.
_MARGIN = SECOND


class Machine:
    """One server: its queues, its clients, and time.

    Between any two calls no tube that is not paused has both a ready job and a waiting client: whatever makes a
    job ready, or ends a pause, serves the clients that wait.

    Attributes
    ----------
    clock : callable
        The clock that it goes by, in nanoseconds.
    now : int
        The instant of the last `advance`, in nanoseconds.
    due : int
        When `advance` must be called at the latest, `NEVER` when nothing is pending. It may be too early.
    draining : bool
        Puts are to be refused.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.clock = clock
        self.now = self.started_at = clock()
        self.due = NEVER
        self.draining = False
        self.queues = Queues()
        self._ticks: Heap[Peer] = Heap()
        self.reserved = self.timeouts = self.total_jobs = 0
        self.connections = self.total_connections = 0
        self.producers = self.workers = self.waiting = 0

    # Time

    def advance(self) -> None:
        """Read the clock and do what is due: delays, pauses, time-outs, in beanstalkd's order."""
        self.now = self.clock()
        if self.now < self.due:
            return
        delayed, paused = self.queues.delayed, self.queues.paused
        while (job := delayed.due(self.now)) is not None:
            self.queues.withdraw(job)
            self._enqueue(job, 0)
        while (tube := paused.due(self.now)) is not None:
            paused.remove(tube)
            tube.pause = 0
            self._serve(tube)
        while (client := self._ticks.due(self.now)) is not None:
            self._ticks.remove(client)
            client.tick_at = NEVER
            self._tick(client)
        self.due = min(delayed.smallest(NEVER), paused.smallest(NEVER), self._ticks.smallest(NEVER))

    def schedule(self, client: Peer) -> None:
        """Reset the client's next tick; beanstalkd does so with each reply, and only then."""
        at = client.reserved.smallest(NEVER)
        if client.waiting and at != NEVER:
            at -= _MARGIN
        if client.timeout is not None:
            at = min(at, self.now + client.timeout * SECOND)
        if at == client.tick_at:
            return
        if at == NEVER:
            self._ticks.remove(client)
        else:
            self._ticks.push(at, client)
            self.due = min(self.due, at)
        client.tick_at = at

    def _tick(self, client: Peer) -> None:
        if client.waiting and self.deadline_soon(client):
            self._wake(client, "DEADLINE_SOON")
        while (job := client.reserved.due(self.now)) is not None:
            self.timeouts += 1
            job.timeouts += 1
            self._drop_reservation(client, job)
            self._enqueue_unless_truncated(job, 0)
            self.schedule(client)
        if client.waiting and client.timeout is not None:
            client.timeout = None
            self._wake(client, "TIMED_OUT")

    def pause(self, tube: Tube, seconds: int) -> None:
        """Hold the tube's ready jobs back; 0 seconds end a pause at the next `advance`."""
        tube.pause = seconds * SECOND or 1
        tube.unpause_at = self.now + tube.pause
        tube.pauses += 1
        self.queues.paused.push(tube.unpause_at, tube)
        self.due = min(self.due, tube.unpause_at)

    # Clients

    def connect(self, woken: Callable[[Outcome], None]) -> Peer:
        """Add a client, which uses and watches ``default``."""
        self.connections += 1
        self.total_connections += 1
        tube = self.queues.refer(b"default")
        tube.using += 1
        client = Peer(self.total_connections, tube, woken)
        self.watch(client, b"default")
        return client

    def disconnect(self, client: Peer) -> None:
        """Remove a client; the jobs that it had reserved become ready."""
        self.connections -= 1
        self.producers -= client.producer
        self.workers -= client.worker
        self._stop_waiting(client)
        for job in list(client.reserved):
            self._drop_reservation(client, job)
            self._enqueue_unless_truncated(job, 0)
        while client.watched:
            self._unwatch(client, client.watched.items[0])
        client.used.using -= 1
        self.queues.forget(client.used)
        if client.tick_at != NEVER:
            self._ticks.remove(client)

    def use(self, client: Peer, name: bytes) -> None:
        """Make `name` the client's used tube."""
        tube = self.queues.refer(name)
        tube.using += 1
        client.used.using -= 1
        self.queues.forget(client.used)
        client.used = tube

    def watch(self, client: Peer, name: bytes) -> None:
        """Add a tube to the client's watch list."""
        tube = self.queues.refer(name)
        if tube in client.watched:
            self.queues.forget(tube)
        else:
            tube.watching += 1
            client.watched.add(tube)

    def ignore(self, client: Peer, name: bytes) -> bool:
        """Take a tube off the client's watch list; False when it is the last one."""
        tube = self.queues.find(name)
        if tube is not None and tube in client.watched:
            if len(client.watched) < 2:
                return False
            self._unwatch(client, tube)
        return True

    def _unwatch(self, client: Peer, tube: Tube) -> None:
        client.watched.remove(tube)
        tube.watching -= 1
        self.queues.forget(tube)

    # Reserving

    def deadline_soon(self, client: Peer) -> bool:
        """Say whether a job that the client holds has less than a second left."""
        return client.reserved.smallest(NEVER) - _MARGIN <= self.now

    def mark_worker(self, client: Peer) -> None:
        """Count the client as a worker from now on."""
        if not client.worker:
            client.worker = True
            self.workers += 1

    def reserve(self, client: Peer, timeout: int | None) -> StoredJob | None:
        """Reserve the best job of the watched tubes; None means that the client now waits."""
        best: StoredJob | None = None
        for tube in client.watched.items:
            job = None if tube.pause else tube.ready.first()
            if job is not None and (best is None or (job.priority, job.id) < (best.priority, best.id)):
                best = job
        if best is not None:
            best.tube.waiting.pass_turn()
            self.queues.withdraw(best)
            self._hold(client, best)
            return best
        client.waiting = True
        client.timeout = timeout
        self.waiting += 1
        for tube in client.watched.items:
            tube.waiting.add(client)
        self.schedule(client)
        return None

    def reserve_job(self, client: Peer, job_id: int) -> StoredJob | None:
        """Reserve one ready, buried or delayed job."""
        job = self.queues.jobs.get(job_id)
        if job is None or not self.queues.withdraw(job):
            return None
        self.mark_worker(client)
        self._hold(client, job)
        return job

    def hang_up(self, client: Peer) -> None:
        """End the wait of a client that will send nothing more."""
        if client.waiting:
            client.timeout = None
            self._wake(client, "TIMED_OUT")

    def _hold(self, client: Peer, job: StoredJob) -> None:
        self.reserved += 1
        job.tube.reserved += 1
        job.reserves += 1
        job.deadline = self.now + job.ttr * SECOND
        job.state = "reserved"
        job.holder = client
        client.timeout = None
        client.reserved.push(job.deadline, job)

    def _drop_reservation(self, client: Peer, job: StoredJob) -> None:
        client.reserved.remove(job)
        job.holder = None
        self.reserved -= 1
        job.tube.reserved -= 1

    def _held(self, client: Peer, job_id: int) -> StoredJob | None:
        job = self.queues.jobs.get(job_id)
        if job is None or job.holder is not client:
            return None
        if job.id <= job.tube.cutoff:
            self._drop_reservation(client, job)
            self.queues.drop(job)
            return None
        return job

    def _serve(self, tube: Tube) -> None:
        """Hand ready jobs of the tube to the clients that wait for it."""
        while tube.waiting and not tube.pause and (job := tube.ready.first()) is not None:
            self.queues.withdraw(job)
            client = tube.waiting.take()
            self._hold(client, job)
            self._wake(client, job)

    def _wake(self, client: Peer, outcome: Outcome) -> None:
        self._stop_waiting(client)
        self.schedule(client)
        client.woken(outcome)

    def _stop_waiting(self, client: Peer) -> None:
        if client.waiting:
            client.waiting = False
            self.waiting -= 1
            for tube in client.watched.items:
                tube.waiting.remove(client)

    # Jobs

    def create(self, client: Peer, priority: int, delay: int, ttr: int, size: int) -> StoredJob:
        """Make a job for the used tube, whose body is still to come."""
        if not client.producer:
            client.producer = True
            self.producers += 1
        return self.queues.create(client.used, priority, delay, ttr or 1, size, self.now)

    def put(self, job: StoredJob) -> None:
        """Queue a job whose body is complete."""
        self.total_jobs += 1
        job.tube.total_jobs += 1
        self._enqueue_unless_truncated(job, job.delay)

    def release(self, client: Peer, job_id: int, priority: int, delay: int) -> bool:
        """Queue a job that the client holds again."""
        job = self._held(client, job_id)
        if job is None:
            return False
        self._drop_reservation(client, job)
        job.priority = priority
        job.delay = delay
        job.releases += 1
        self._enqueue(job, delay)
        return True

    def bury(self, client: Peer, job_id: int, priority: int) -> bool:
        """Bury a job that the client holds."""
        job = self._held(client, job_id)
        if job is None:
            return False
        self._drop_reservation(client, job)
        job.priority = priority
        self.queues.add_buried(job)
        return True

    def touch(self, client: Peer, job_id: int) -> bool:
        """Restart the TTR of a job that the client holds."""
        job = self._held(client, job_id)
        if job is None:
            return False
        job.deadline = self.now + job.ttr * SECOND
        client.reserved.push(job.deadline, job)
        return True

    def delete(self, client: Peer, job_id: int) -> bool:
        """Delete a job, unless another client holds it."""
        job = self.queues.jobs.get(job_id)
        if job is None:
            return False
        if job.holder is client:
            if self._held(client, job_id) is None:
                return False
            self._drop_reservation(client, job)
        elif not self.queues.withdraw(job):
            return False
        job.tube.deletes += 1
        self.queues.drop(job)
        return True

    def kick(self, tube: Tube, bound: int) -> int:
        """Make up to `bound` buried jobs of the tube ready, or delayed ones when none is buried."""
        kicked = 0
        if tube.buried:
            while kicked < bound and tube.buried:
                self._kick(next(iter(tube.buried.values())))
                kicked += 1
            return kicked
        while kicked < bound and (job := tube.delayed.first()) is not None:
            self._kick(job)
            kicked += 1
        return kicked

    def kick_job(self, job_id: int) -> bool:
        """Make one buried or delayed job ready."""
        job = self.queues.jobs.get(job_id)
        if job is None or job.state not in ("buried", "delayed"):
            return False
        self._kick(job)
        return True

    def _kick(self, job: StoredJob) -> None:
        self.queues.withdraw(job)
        job.kicks += 1
        self._enqueue(job, 0)

    def _enqueue_unless_truncated(self, job: StoredJob, delay: int) -> None:
        if job.id <= job.tube.cutoff:
            self.queues.drop(job)
        else:
            self._enqueue(job, delay)

    def _enqueue(self, job: StoredJob, delay: int) -> None:
        if delay:
            until = self.now + delay * SECOND
            self.queues.add_delayed(job, until)
            self.due = min(self.due, until)
            return
        self.queues.add_ready(job)
        if job.tube.waiting:
            self._serve(job.tube)
