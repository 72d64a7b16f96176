"""`Follow`: the timeline of one job until it is gone, from the server's counters and from the journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beanops.jobs.identity import UNDECIDED, JobRef, differences, ref_of
from beanops.jobs.read import present, read_jobs
from beanops.journal.filters import Filter
from beanops.journal.records import Action, JournalError
from beanops.protocol import JobStats, commands
from beanops.protocol.errors import ConnectionLost, NotFound, ProtocolError
from beanops.session.investigation.job_events import (
    REMOVES,
    JobEvent,
    added_by,
    changes,
    first_look,
    of_action,
    removal,
)
from beanops.text import span

if TYPE_CHECKING:
    from beanops.session.context import Context

#: Seconds between two looks, after a change and after a while without any; a look rests ten times as long as it took.
SHORTEST, LONGEST, EASE = 0.1, 1.0, 9.0
#: Seconds to wait for the outcome of an action that is on the way.
PATIENCE = 3.0


class Follow:
    """Follows one job. Iterate it for its events: those of the journal, what the job is now, and all that comes.

    Parameters
    ----------
    context : Context
        The connections and the journal.
    id : int
        The job's id.
    unwanted : callable
        Whether nobody wants more events; asked again and again.
    clock, sleep : callable
        Of `time`, for tests.

    Attributes
    ----------
    gone : bool
        Whether the job is gone.

    Raises
    ------
    NotFound
        There is no such job, and the journal knows of none; raised by the iteration.
    """

    def __init__(
        self,
        context: Context,
        id: int,
        *,
        unwanted: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context = context
        self._id = id
        self._unwanted = unwanted
        self._clock = clock
        self._sleep = sleep
        self._cancelled = False
        self.gone = False
        self._instances: list[str] = []
        self._ref = JobRef(id)
        self._job: JobStats | None = None
        self._seen = 0.0
        self._shown: set[tuple[str, datetime, str]] = set()
        self._waiting: set[tuple[str, datetime, str]] = set()
        self._credit: Counter[str] = Counter()
        self._stamp: int | None = None
        self._removal: Action | None = None
        self._lost = False

    def cancel(self) -> None:
        """End the iteration. Any thread may call it."""
        self._cancelled = True

    def __iter__(self) -> Iterator[JobEvent]:
        yield from self._begin()
        pause = SHORTEST
        while not self.gone and not self._is_over():
            self._rest(pause)
            started, changed = self._clock(), False
            self._context.check_open()
            try:
                for event in self._look():
                    changed = True
                    yield event
                yield from self._connection(None)
            except (ConnectionLost, ProtocolError) as error:
                yield from self._connection(error)
            pause = SHORTEST if changed else min(LONGEST, max(pause * 1.3, EASE * (self._clock() - started)))

    def _is_over(self) -> bool:
        return self._cancelled or self._unwanted()

    def _rest(self, seconds: float) -> None:
        end = self._clock() + seconds
        while not self._is_over() and (left := end - self._clock()) > 0:
            self._sleep(min(left, SHORTEST))

    def news(self) -> list[JobEvent]:
        """Return what has happened since the last call, at the first one all that is known; it does not wait.

        Raises
        ------
        NotFound
            There is no such job, and the journal knows of none.
        """
        if self.gone:
            return []
        return list(self._look() if self._instances else self._begin())

    # -- looks ---------------------------------------------------------------------------------------------------

    def _begin(self) -> Iterator[JobEvent]:
        client = self._context.looking()
        (found,) = read_jobs(client, [self._id])
        self._instances = [client.instance if found is None else found.instance]
        past = self._actions(everything=True, unsettled=True)
        if found is None:
            if not past:
                raise NotFound(f"stats-job {self._id}")
            yield from map(of_action, past)
            yield self._is_gone()
            return
        self._ref, self._job, self._seen = ref_of(found), found.stats, self._clock()
        self._credit.clear()
        if not any(action.new_id == self._id for action in past) and found.created is not None:
            # Whoever put it did so without beanops, or with another journal.
            yield JobEvent(datetime.fromtimestamp(int(found.created), UTC), "put", text=f"into tube {found.stats.tube}")
        yield from map(of_action, past)
        yield first_look(found.stats, self._now())

    def _look(self) -> Iterator[JobEvent]:
        client = self._context.looking()
        server, answer = client.pipeline([commands.stats(), commands.stats_job(self._id)])
        instance, job = present(server).id, present(answer)
        if instance != self._instances[-1]:
            yield from self._restarted(instance, job)
            return
        before = self._job
        if job is None:
            yield from self._end()
            return
        # The journal after the server: what beanops sent was in it before.
        self._removal = None
        actions = self._actions(everything=job != before)
        for action in actions:
            yield of_action(action)._replace(state=job.state)
        if before is not None:
            yield from changes(before, job, self._now(), self._credit)
        self._job, self._seen = job, self._clock()
        if not self._waiting:
            self._credit.clear()

    def _end(self) -> Iterator[JobEvent]:
        """Yield the last actions of the journal, and that the job is gone."""
        actions = self._actions(everything=True)
        give_up = self._clock() + PATIENCE
        while self._waiting and self._clock() < give_up and not self._is_over():
            self._rest(SHORTEST)
            actions += self._actions(everything=True)
        actions += self._actions(everything=True, unsettled=True)
        yield from map(of_action, actions)
        yield self._is_gone()

    def _is_gone(self) -> JobEvent:
        self.gone = True
        if (last := self._removal) is not None:
            return JobEvent(
                self._now(),
                "gone",
                run=last.run,
                actor=last.actor,
                source=last.source,
                reason=last.reason,
                text=removal(last),
            )
        if self._job is None:
            return JobEvent(self._now(), "gone", text="it does not exist any more")
        after = span(self._clock() - self._seen)
        if self._job.state == "reserved":
            return JobEvent(self._now(), "gone", text="gone after a reserve: a worker finished it")
        return JobEvent(
            self._now(), "gone", text=f"it was {self._job.state} {after} before: deleted, or reserved and finished"
        )

    # -- the server's process ------------------------------------------------------------------------------------

    def _restarted(self, instance: str, job: JobStats | None) -> Iterator[JobEvent]:
        if job is None:
            yield JobEvent(self._now(), "restart", text="the server was restarted")
            self.gone = True
            yield JobEvent(self._now(), "gone", text="the restarted server does not have it")
            return
        (reason,) = differences(self._context.looking(), [self._ref], self._context.shown)
        if reason is not None:
            yield JobEvent(self._now(), "restart", text="the server was restarted")
            self.gone = True
            text = "id was reused by another job" if reason != UNDECIDED else reason
            yield JobEvent(self._now(), "gone", text=text)
            return
        self._instances.append(instance)
        self._ref = self._ref._replace(instance=instance)
        yield JobEvent(self._now(), "restart", state=job.state, text="the server was restarted; it is the same job")
        self._job, self._seen = job, self._clock()

    def _connection(self, error: Exception | None) -> Iterator[JobEvent]:
        """Yield that the connection was lost, once, and that it is there again."""
        if error is not None and not self._lost:
            yield JobEvent(self._now(), "connection", text=f"lost, trying again: {error}")
        elif error is None and self._lost:
            yield JobEvent(self._now(), "connection", text="connected again")
        self._lost = error is not None

    # -- the journal ---------------------------------------------------------------------------------------------

    def _actions(self, *, everything: bool, unsettled: bool = False) -> list[Action]:
        """Return the actions that are new in the journal, and whose outcome is known unless `unsettled`.

        Without `everything` it looks only where an outcome was written since the last time.
        """
        try:
            journal = self._context.journal()
            stamp = journal.stamp()
            if stamp == self._stamp and not everything and not self._waiting:
                return []
            self._stamp = stamp
            jobs: dict[str | None, list[int]] = {instance: [self._id] for instance in self._instances}
            found = sorted(journal.actions(Filter(jobs=jobs)), key=lambda action: (action.time, action.run))
        except JournalError:  # the job must be followed without it
            return []
        new = []
        for action in found:
            key = (action.run, action.time, action.action)
            if key in self._shown:
                continue
            if key not in self._waiting:
                self._waiting.add(key)
                self._credit += added_by(action)
            late = (self._now() - action.time).total_seconds() > PATIENCE
            if action.outcome != "unknown" or unsettled or late:
                self._waiting.discard(key)
                self._shown.add(key)
                new.append(action)
                if action.action in REMOVES and action.outcome in ("done", "unknown"):
                    self._removal = action
        return new

    def _now(self) -> datetime:
        return self._context.now()
