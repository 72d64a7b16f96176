"""`JobWatch`: look at jobs that were kicked until all have a final verdict, at a bounded cost to the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from beanops.jobs.identity import differences
from beanops.monitor.sweep import jobs_and_tubes
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.errors import ConnectionClosed, ConnectionLost
from beanops.session.context import Context
from beanops.session.investigation.verdicts import KickedJob

#: Seconds between the first two looks, how they grow, and their maximum.
_SHORTEST, _GROWTH, _LONGEST = 0.05, 1.5, 2.0
#: A look is followed by a pause of so many times its own length.
_EASE = 10.0


class JobWatch:
    """Watches the jobs of one wave.

    Parameters
    ----------
    context : Context
        The connection for lookups.
    jobs : sequence of KickedJob
        The jobs; looks change their verdicts.
    instance : str
        The server process on which they were kicked.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    restarted : bool
        Whether the server was restarted since.
    error : ConnectionLost or None
        Why the last look failed.
    """

    def __init__(
        self, context: Context, jobs: Sequence[KickedJob], instance: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._instance = instance
        self._clock = clock
        self._tubes: list[TubeStats] = []
        self._server: ServerStats | None = None
        self.restarted = False
        self.error: ConnectionLost | None = None

    def run(
        self,
        seconds: float,
        wait: Callable[[float], None],
        cancelled: Callable[[], bool] = lambda: False,
        report: Callable[[float], None] = lambda left: None,
    ) -> float:
        """Watch until all verdicts are final, and return the seconds that it took.

        Parameters
        ----------
        seconds : float
            Maximum length.
        wait : callable
            Waits for some seconds, or less if it is cancelled.
        cancelled : callable
            Whether to end early.
        report : callable
            Takes the seconds that are left, after each look.
        """
        began, pause = self._clock(), _SHORTEST
        while True:
            started = self._clock()
            self.look()
            ended = self._clock()
            left = began + seconds - ended
            report(max(0.0, left))
            if left <= 0 or cancelled() or all(job.is_final for job in self._jobs):
                break
            wait(min(left, max(pause, _EASE * (ended - started))))
            pause = min(_LONGEST, pause * _GROWTH)
        if self.error is not None:
            for job in self._open:
                job.is_out_of_sight()
        return self._clock() - began

    @property
    def _open(self) -> list[KickedJob]:
        """The jobs without a final verdict."""
        return [job for job in self._jobs if not job.is_final]

    def look(self) -> None:
        """Ask for the jobs without a final verdict, in one pipeline; a lost connection is tried again next time."""
        jobs = {job.id: job for job in self._open}
        tubes = sorted({job.ref.tube for job in jobs.values() if job.ref.tube is not None})
        try:
            client = self._context.looking()
            found = jobs_and_tubes(client, [*jobs], tubes, self._clock, server=True)
            assert found.server is not None
            strangers = {*jobs} - {*found.jobs} if found.server.id != self._instance else set()
            if found.server.id != self._instance:
                refs = [job.ref for id, job in jobs.items() if id in found.jobs]
                reasons = differences(client, refs, self._context.shown)
                strangers |= {ref.id for ref, reason in zip(refs, reasons, strict=True) if reason is not None}
                self._instance, self.restarted = found.server.id, True
        except ConnectionClosed:
            raise
        except ConnectionLost as error:
            self.error = error
            return
        self.error, self._tubes, self._server = None, found.tubes, found.server
        at = self._clock()
        for id, job in jobs.items():
            if id in strangers:
                job.is_lost(at)
            elif (stats := found.jobs.get(id)) is not None:
                job.seen(stats, at)
            else:
                job.is_gone(at)

    @property
    def notes(self) -> list[str]:
        """What explains the verdicts, in words: no workers, a paused tube, a restart, a lost connection."""
        notes = ["the server was restarted"] if self.restarted else []
        if self.error is not None:
            return [*notes, str(self.error)]
        waiting = {job.ref.tube for job in self._jobs if job.verdict == "waiting"}
        for tube in self._tubes:
            if tube.name in waiting and tube.pause_time_left:
                notes.append(f"tube {tube.name} is paused")
            elif tube.name in waiting and not self._has_workers(tube):
                notes.append(f"no worker watches tube {tube.name}")
        return notes

    def _has_workers(self, tube: TubeStats) -> bool:
        # Every connection watches the tube default until it ignores it.
        if tube.name == "default":
            return self._server is None or self._server.current_workers > 0
        return tube.current_watching > 0
