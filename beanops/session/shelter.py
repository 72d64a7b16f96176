"""Tubes that are paused while a reservation could set free a job that is buried.

A reserved job whose connection is lost becomes ready, whatever it was before. Each reservation here is sent together
with the command that ends it, so at most one job can be caught in between; in a paused tube no worker takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from beanops.jobs.read import present
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import BeanopsError
from beanops.session.run import Run
from beanops.session.talk import PAUSE
from beanops.session.verbs import Order

if TYPE_CHECKING:
    from beanops.session.acting import Acting


def exposed(order: Order) -> str | None:
    """Return the tube whose workers could get a buried job, were the connection lost; None if there is no such risk."""
    if order.job is None or order.job.stats.state != "buried":
        return None
    if order.settings.buried_as:
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
        On the server where the jobs are put and reserved.
    """

    def __init__(self, session: Acting) -> None:
        self.session = session
        # When each was paused first, and the seconds of an operator's pause that were left then.
        self._paused: dict[str, tuple[datetime, int]] = {}
        self._exposed: set[str] = set()

    def cover(self, run: Run, orders: Iterable[Order]) -> None:
        """Pause what these orders expose, before they are sent; asked anew for each batch, for much may change."""
        tubes = {tube for order in orders if (tube := exposed(order)) is not None}
        self._exposed |= tubes
        for stats in self._look(tubes):
            # A tube that does not exist yet has no watchers either.
            if stats.current_watching and stats.pause_time_left < PAUSE / 2:
                before = 0 if stats.pause == PAUSE else stats.pause_time_left
                self._act(run, stats.name, PAUSE)
                self._paused.setdefault(stats.name, (self.session.now(), before))

    def _look(self, tubes: Iterable[str]) -> list[TubeStats]:
        answers = list(self.session._looking().pipeline(map(commands.stats_tube, tubes)))
        return [stats for stats in map(present, answers) if stats is not None]

    def _act(self, run: Run, tube: str, seconds: int) -> None:
        paused = self.session._pause(
            "pause" if seconds else "resume", tube, seconds, f"for run {run.id}, which reserves buried jobs"
        )
        if paused.stopped:
            raise BeanopsError(f"tube {tube} could not be paused: {paused.stopped}")

    def lift(self, run: Run) -> None:
        """Give the tubes their pauses back, but not where somebody paused anew or ended the pause.

        They stay paused when something may have gone wrong.
        """
        for tube in (self._exposed - self._paused.keys()) if run.unknown else ():
            with suppress(BeanopsError):  # one that could be looked at before
                for stats in self._look([tube]):
                    if stats.pause_time_left and stats.pause == PAUSE:
                        _tell(run, _stays(stats))
        for tube, (at, before) in self._paused.items():
            try:
                ours = [stats for stats in self._look([tube]) if stats.pause_time_left and stats.pause == PAUSE]
                if ours and run.unknown:
                    _tell(run, _stays(ours[0]))
                elif ours:
                    elapsed = int((self.session.now() - at).total_seconds())
                    self._act(run, tube, max(0, before - elapsed))
            except BeanopsError as error:
                _tell(run, f"tube {tube} stays paused for up to {PAUSE} s: {error}")


def _stays(tube: TubeStats) -> str:
    return f"tube {tube.name} stays paused for {tube.pause_time_left} s: a buried job may be ready now"


def _tell(run: Run, what: str) -> None:
    run.stopped = f"{run.stopped}; {what}" if run.stopped else what
