"""Where jobs are: the tubes with their ready, delayed and buried jobs, and how many there are of each.

No clients and no clock: who waits, who holds a job and what is due when is in `machine`.
"""

from __future__ import annotations

from beanops.embedded.containers import Bag, Heap
from beanops.embedded.model import StoredJob, Tube
from beanops.protocol.limits import URGENT_PRIORITY


class Queues:
    """All tubes and jobs of one server.

    Attributes
    ----------
    jobs : dict of int to StoredJob
        Every job by id, those included whose body is still on its way.
    tubes : Bag of Tube
        Every tube, in beanstalkd's order.
    default : Tube
        The tube that never vanishes.
    delayed, paused : Heap
        Delayed jobs of all tubes by the instant when they are ready, paused tubes by the end of the pause.
    ready, urgent, buried : int
        How many jobs there are, over all tubes.
    size : int
        Bytes of all bodies.
    last_id : int
        The newest job's id.
    """

    def __init__(self) -> None:
        self.jobs: dict[int, StoredJob] = {}
        self.tubes: Bag[Tube] = Bag()
        self.delayed: Heap[StoredJob] = Heap()
        self.paused: Heap[Tube] = Heap()
        self.ready = self.urgent = self.buried = 0
        self.size = 0
        self.last_id = 0
        self._by_name: dict[bytes, Tube] = {}
        self._last_tube_id = 0
        self.default = self.refer(b"default")

    def find(self, name: bytes) -> Tube | None:
        """Return the tube of that name if there is one."""
        return self._by_name.get(name)

    def refer(self, name: bytes) -> Tube:
        """Return the tube of that name, made if there is none, with one more reference."""
        tube = self._by_name.get(name)
        if tube is None:
            self._last_tube_id += 1
            tube = self._by_name[name] = Tube(self._last_tube_id, name)
            self.tubes.add(tube)
        tube.references += 1
        return tube

    def forget(self, tube: Tube) -> None:
        """Drop one reference to a tube, which vanishes with the last."""
        tube.references -= 1
        if tube.references == 0:
            self.tubes.remove(tube)
            del self._by_name[tube.name]
            if tube.pause:
                self.paused.remove(tube)

    def create(self, tube: Tube, priority: int, delay: int, ttr: int, size: int, now: int) -> StoredJob:
        """Make a job that is in no queue yet: it has its id and can be looked at, nothing more."""
        tube.references += 1
        self.last_id += 1
        self.size += size
        job = StoredJob(self.last_id, tube, priority, delay, ttr, size, now)
        self.jobs[job.id] = job
        return job

    def drop(self, job: StoredJob) -> None:
        """Drop a job that is in no queue."""
        del self.jobs[job.id]
        self.size -= job.size
        self.forget(job.tube)

    def job(self, job_id: int) -> StoredJob | None:
        """Return a job by its id, if there is one that was not truncated."""
        job = self.jobs.get(job_id)
        return None if job is None or job.id <= job.tube.cutoff else job

    def truncate(self, tube: Tube) -> int:
        """Drop the tube's ready, delayed and buried jobs, and mark those that are held; return how many were dropped.

        A body that is still on its way belongs to the jobs of before.
        """
        tube.cutoff = self.last_id
        tube.references += 1  # it must not vanish half-way
        dropped = [*tube.ready, *tube.delayed, *tube.buried.values()]
        for job in dropped:
            self.withdraw(job)
            self.drop(job)
        self.forget(tube)
        return len(dropped)

    def add_ready(self, job: StoredJob) -> None:
        """Queue a job as ready."""
        job.state = "ready"
        job.tube.ready.push(job.priority, job)
        self.ready += 1
        if job.priority < URGENT_PRIORITY:
            self.urgent += 1
            job.tube.urgent += 1

    def add_delayed(self, job: StoredJob, until: int) -> None:
        """Queue a job as delayed until an instant."""
        job.state = "delayed"
        job.deadline = until
        job.tube.delayed.push(until, job)
        self.delayed.push(until, job)

    def add_buried(self, job: StoredJob) -> None:
        """Bury a job, behind those buried before it."""
        job.state = "buried"
        job.buries += 1
        job.tube.buried[job.id] = job
        self.buried += 1

    def withdraw(self, job: StoredJob) -> bool:
        """Take a ready, delayed or buried job out of its queue; False when it is in none."""
        tube = job.tube
        if job.state == "ready":
            tube.ready.remove(job)
            self.ready -= 1
            if job.priority < URGENT_PRIORITY:
                self.urgent -= 1
                tube.urgent -= 1
        elif job.state == "delayed":
            tube.delayed.remove(job)
            self.delayed.remove(job)
        elif job.state == "buried":
            del tube.buried[job.id]
            self.buried -= 1
        else:
            return False
        return True
