"""Tubes that are paused while a reservation could set free a job that is buried.

A reserved job whose connection is lost becomes ready, whatever it was before. Each reservation here is sent together
with the command that ends it, so at most one job can be caught in between; in a paused tube no worker takes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from beanops.protocol.errors import BeanopsError, NotFound
from beanops.session.run import Run
from beanops.session.verbs import Order

if TYPE_CHECKING:
    from beanops.session.session import Session

#: Seconds of a pause: after a fault the time that is left to look at what became of the jobs.
PAUSE = 300


def exposed(order: Order) -> str | None:
    """Return the tube whose workers could get a buried job, were the connection lost; None if there is no such risk."""
    if order.job is None or order.job.stats.state != "buried":
        return None
    if order.verb.puts:
        return order.settings.target or order.stats.tube
    stays = order.verb.name == "bury" or (order.verb.name == "release" and order.settings.delay > 0)
    return order.stats.tube if stays else None


class Shelter:
    """Pauses the tubes that orders expose, if workers watch them, and restores their pauses; each is on record.

    Parameters
    ----------
    session : Session
        On the server where the jobs are reserved.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        # When each was paused, and the seconds of an earlier pause that were left then; None when it was left alone.
        self._paused: dict[str, tuple[float, int | None]] = {}

    def cover(self, run: Run, orders: Iterable[Order]) -> None:
        """Pause what these orders expose, before they are sent."""
        for tube in {tube for order in orders if (tube := exposed(order)) is not None}:
            paused = self._paused.get(tube)
            if paused is None:
                self._paused[tube] = (time.monotonic(), self._pause(run, tube))
            elif paused[1] is not None and time.monotonic() - paused[0] > PAUSE / 2:
                self._act(run, tube, PAUSE)
                self._paused[tube] = (time.monotonic(), paused[1])

    def _pause(self, run: Run, tube: str) -> int | None:
        try:
            stats = self._session.tube(tube)
        except NotFound:
            return None  # it is about to be made, and nobody watches it
        if not stats.current_watching or stats.pause_time_left > PAUSE:
            return None
        self._act(run, tube, PAUSE)
        return stats.pause_time_left

    def _act(self, run: Run, tube: str, seconds: int) -> None:
        paused = self._session._pause(
            "pause" if seconds else "resume", tube, seconds, f"for run {run.id}, which reserves buried jobs"
        )
        if paused.stopped:
            raise BeanopsError(f"tube {tube} could not be paused: {paused.stopped}")

    def lift(self, run: Run) -> None:
        """Give the tubes their pauses back; they stay paused when something may have gone wrong."""
        for tube, (at, before) in self._paused.items():
            if before is None:
                continue
            elapsed = int(time.monotonic() - at)
            try:
                if run.unknown:
                    raise BeanopsError("a buried job may be ready now")
                self._act(run, tube, max(0, before - elapsed))
            except BeanopsError as error:
                told = f"tube {tube} stays paused for {max(0, PAUSE - elapsed)} s: {error}"
                run.stopped = f"{run.stopped}; {told}" if run.stopped else told
