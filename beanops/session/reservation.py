"""Jobs that an operator reserves: recorded, touched before their ttr ends, and released with their own priority."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import ceil
from time import monotonic, sleep, time
from types import TracebackType
from typing import TYPE_CHECKING, Self, SupportsIndex

from beanops.html import card
from beanops.jobs.identity import JobRef, ref_of
from beanops.jobs.read import FoundJob
from beanops.journal.heartbeat import alive, lease_from
from beanops.journal.records import Fate, Intent
from beanops.protocol import Job, commands
from beanops.protocol.errors import BeanopsError, DeadlineSoon, NotFound, ReplyError, TimedOut
from beanops.session import job_verbs
from beanops.session.arguments import Seconds
from beanops.session.execution.connection_use import watching
from beanops.session.execution.executor import Executor
from beanops.session.execution.verbs import KEEP
from beanops.session.options import AT_ONCE, How, Options

if TYPE_CHECKING:
    from beanops.jobs.bodies import Decoded
    from beanops.session.execution.run import Run


#: When a job is touched, as a fraction of its ttr.
_TOUCHED_AT = 0.5
#: Maximum seconds between touches: many proxies and firewalls close idle connections after 30.
_TOUCHED_WITHIN = 15.0


class Reserver:
    """Reserves jobs for an operator to hold."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._context = executor.context

    def reserve(self, tube: str, timeout: int, how: How = AT_ONCE) -> FoundJob:
        """Reserve the next job of a tube on the acting connection, which watches only that tube until then.

        It waits a second at a time, to touch other reserved jobs in between.
        """
        run = self._executor.begin("reserve", {"tube": tube, "timeout": timeout}, how)
        with alive(run.id, lambda *lease: self._context.journal().prolong(*lease), self._context.now):
            return self._reserve_on_record(run, tube, timeout)

    def _reserve_on_record(self, run: Run, tube: str, timeout: int) -> FoundJob:
        now = self._context.now()
        self._context.journal().write(
            run.id, now, [Intent("reserve", tube, state_before="ready")], lease=lease_from(now)
        )
        fate = Fate("unknown", "it was interrupted")
        got: list[int] = []
        with self._releasing_on_error(got):
            try:
                result = self._reserve_within(tube, timeout, got)
                if isinstance(result, ReplyError):
                    fate = Fate("skipped" if isinstance(result, TimedOut) else "failed", str(result))
                    raise result
                fate = Fate("done", new_id=result.id)
                client = self._context.acting()
                found = FoundJob(client.stats_job(result), result.body, (), client.instance, time())
            except BeanopsError as error:
                if got:
                    fate = Fate("failed", f"{error}; the job was released", got[0])
                elif fate.outcome == "unknown":
                    fate = Fate("unknown", str(error))
                raise
            finally:
                self._context.journal().write(run.id, self._context.now(), fates=[(0, fate)], ended=True)
        return found

    @contextmanager
    def _releasing_on_error(self, got: list[int]) -> Iterator[None]:
        """Release the job if the caller does not get it: nobody would touch or release it."""
        try:
            yield
        except BaseException:
            with suppress(BeanopsError), self._context.turn:
                for id in got:
                    self._context.acting().release(id)
                    self._context.held.discard(id)
            raise

    def _reserve_within(self, tube: str, timeout: int, got: list[int]) -> Job | ReplyError:
        give_up = monotonic() + timeout
        while True:
            left = give_up - monotonic()
            result = self._reserve_soon(tube, max(0, min(1, ceil(left))), got)
            if left <= 0 or not isinstance(result, TimedOut | DeadlineSoon):
                # DEADLINE_SOON means that no job is ready, as TIMED_OUT does.
                return TimedOut(f"reserve of tube {tube}") if isinstance(result, DeadlineSoon) else result
            if isinstance(result, DeadlineSoon):
                self._keep_all()

    def _reserve_soon(self, tube: str, seconds: int, got: list[int]) -> Job | ReplyError:
        with self._context.turn:
            client = self._context.acting()
            with watching(client, tube):
                (result,) = client.pipeline([commands.reserve(seconds)])
                if isinstance(result, Job):
                    self._context.held.add(result.id)
                    got.append(result.id)
        return result

    def _keep_all(self) -> None:
        for id in list(self._context.held):
            self.keep(id)
        sleep(0.1)

    def keep(self, id: int) -> bool:
        """Restart the ttr of a reserved job without a record; return whether it is still reserved."""
        with self._context.turn:
            if id in self._context.held:
                try:
                    self._context.acting().touch(id)
                except NotFound:
                    self._context.held.discard(id)
        return id in self._context.held


class Reservation:
    """A reserved job; `Session.reserve` makes it.

    A thread touches it after half of its ttr, and at least every 15 seconds, until it is deleted, buried or released.
    The job becomes ready when the session or the process ends.

    Attributes
    ----------
    id : int
        The job's id.
    body : bytes
        Its redacted body.
    tube : str
        Its tube.
    priority : int
        Its priority.
    ttr : int
        Seconds until it becomes ready without a touch.

    Examples
    --------
    >>> with session.reserve("mail") as job:
    ...     print(job.body, job.time_left)
    ...     job.bury()
    """

    def __init__(self, executor: Executor, keep: Callable[[int], bool], job: FoundJob, reason: str | None) -> None:
        stats = job.stats
        self.id = job.id
        self.body = executor.context.shown(job.body or b"")
        self.tube = stats.tube
        self.priority = stats.priority
        self.ttr = stats.ttr
        self._ref = ref_of(job)
        self._executor = executor
        self._reason = reason
        self._touched = monotonic() - (stats.ttr - stats.time_left if stats.state == "reserved" else 0)
        self._over = threading.Event()
        every = min(stats.ttr * _TOUCHED_AT, _TOUCHED_WITHIN)
        threading.Thread(target=self._keep_touched, args=(keep, every), daemon=True).start()

    def _keep_touched(self, keep: Callable[[int], bool], every: float) -> None:
        while not self._over.wait(every):
            try:
                if not keep(self.id):
                    return
                self._touched = monotonic()
            except ReplyError:
                pass  # such as a server without free memory: the next touch may work
            except BeanopsError:
                return  # the connection is lost, and the reservation with it
        # A server may let an idle connection keep a job after its ttr, so it must be released.
        while self.held:
            with suppress(BeanopsError):
                self.release()
            sleep(every)

    @property
    def ref(self) -> JobRef:
        """The job with server process, tube and digest: a verb that takes the reservation skips a reused id."""
        return self._ref

    @property
    def held(self) -> bool:
        """Whether the session still holds the job."""
        return self._executor.context.holds(self._ref)

    @property
    def time_left(self) -> float:
        """Seconds until the job becomes ready without another touch; 0 if it is not held."""
        return max(0.0, self._touched + self.ttr - monotonic()) if self.held else 0.0

    @property
    def kept(self) -> Decoded:
        """Its decoded body to store in a file: without secrets and without the values that the session hides."""
        return self._executor.context.decode(self.body, kept=True)

    def touch(self, *, reason: str | None = None) -> Run:
        """Restart its ttr, recorded in the journal.

        Parameters
        ----------
        reason : str or None
            Reason for the journal.
        """
        run = job_verbs.act(self._executor, "touch", self._ref, KEEP, self._with(reason))
        if run.done:
            self._touched = monotonic()
        return run

    def release(self, *, priority: SupportsIndex | None = None, delay: Seconds = 0, reason: str | None = None) -> Run:
        """Release it, so that workers can reserve it.

        Parameters
        ----------
        priority : int or None
            New priority, from 0, the most urgent; None keeps its own.
        delay : number, str or timedelta
            Time until it is ready: seconds, text such as ``"10m"``, or a timedelta; 0 by default.
        reason : str or None
            Reason for the journal.
        """
        return self._ended_by(job_verbs.release(self._executor, self._ref, priority, delay, self._with(reason)))

    def bury(self, *, priority: SupportsIndex | None = None, reason: str | None = None) -> Run:
        """Bury it.

        Parameters
        ----------
        priority : int or None
            New priority, from 0, the most urgent; None keeps its own.
        reason : str or None
            Reason for the journal.
        """
        return self._ended_by(job_verbs.bury(self._executor, self._ref, priority, self._with(reason)))

    def delete(self, *, reason: str | None = None) -> Run:
        """Delete it.

        Parameters
        ----------
        reason : str or None
            Reason for the journal.
        """
        return self._ended_by(job_verbs.delete(self._executor, self._ref, self._with(reason)))

    def _with(self, reason: str | None) -> Options:
        return Options(reason=reason or self._reason)

    def _ended_by(self, run: Run) -> Run:
        if not self.held:
            self._over.set()  # its thread need not wait for the next touch
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if self.held:
                self.release()
        finally:
            self._over.set()

    def _repr_html_(self) -> str:
        left = f"{self.time_left:.0f} s of {self.ttr:,} s" if self.held else "no longer held"
        facts = {"tube": self.tube, "time left": left, "priority": self.priority, "body": self.kept.summary}
        return card(f"Job {self.id}, reserved", facts)

    def __repr__(self) -> str:
        state = f"{self.time_left:.0f} s left" if self.held else "no longer held"
        return f"<Reservation of job {self.id} in {self.tube}, {state}>"
