"""Tubes that are paused while a reservation could set free a job that is buried.

A reserved job whose connection is lost becomes ready, whatever it was before. Each reservation here is sent together
with the command that ends it, so at most one job can be caught in between; in a paused tube no worker takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from beanops.jobs.read import present
from beanops.journal.records import Need
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import BeanopsError
from beanops.session.execution.conversation import PAUSE
from beanops.session.execution.run import Run
from beanops.session.execution.verbs import Order

if TYPE_CHECKING:
    from beanops.session.context import Context
    from beanops.session.lookups import Lookups

_FOR = timedelta(seconds=PAUSE)
#: How often, and in what seconds, to see whether another run has ended a pause.
_LOOKS = 200
_BETWEEN_LOOKS = 0.05


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


class PauseGuard:
    """Pauses the tubes that orders expose, if workers watch them, and restores their pauses; each is on record.

    Other runs may need the same pause: the journal knows which do, and the last of them ends it.

    Parameters
    ----------
    context : Context
        The clock and the journal.
    lookups : Lookups
        Looks at the server where the jobs are put and reserved.
    pause : callable
        Pauses a tube on record: takes the action, the tube, seconds, and why.
    """

    def __init__(self, context: Context, lookups: Lookups, pause: Callable[[str, str, int, str], Run]) -> None:
        self.lookups = lookups
        self._context = context
        self._pause = pause
        # Until when it is on record that this run needs the pause of a tube.
        self._needed: dict[str, datetime] = {}
        self._exposed: set[str] = set()

    def cover(self, run: Run, orders: Iterable[Order]) -> None:
        """Pause what these orders expose, before they are sent; asked anew for each batch, for much may change."""
        tubes = {tube for order in orders if (tube := exposed(order)) is not None}
        self._exposed |= tubes
        for stats in self._look(tubes):
            # A tube that does not exist yet has no watchers either.
            if stats.current_watching and not self._is_covered(stats):
                self._cover(run, stats)

    def _is_covered(self, stats: TubeStats) -> bool:
        long_enough = stats.pause_time_left >= PAUSE / 2
        if stats.pause != PAUSE or not long_enough:
            return long_enough  # by an operator's pause
        left = self._needed.get(stats.name, self._context.now()) - self._context.now()
        return left.total_seconds() > PAUSE / 2

    def _cover(self, run: Run, stats: TubeStats) -> None:
        tube, now = stats.name, self._context.now()
        need = Need(run.id, self.lookups.server().id, tube)
        self._context.journal().pauses.need(need, now, now + _FOR)
        self._needed[tube] = now + _FOR
        self._wait_for_others(run, need)
        for stats in self._look([tube]):
            if stats.pause_time_left < PAUSE / 2:
                before = now + timedelta(seconds=stats.pause_time_left)
                self._context.journal().pauses.take(need, before, by_a_run=stats.pause == PAUSE)
                self._act(run, tube, PAUSE)

    def _wait_for_others(self, run: Run, need: Need) -> None:
        """Wait while another run ends the pause: it began to before it could know that this one needs it."""
        for _ in range(_LOOKS):
            if not self._context.journal().pauses.is_being_lifted(need, self._context.now()):
                return
            run.wait(_BETWEEN_LOOKS)

    def _look(self, tubes: Iterable[str]) -> list[TubeStats]:
        answers = list(self.lookups.looking().pipeline(map(commands.stats_tube, tubes)))
        return [stats for stats in map(present, answers) if stats is not None]

    def _act(self, run: Run, tube: str, seconds: int) -> None:
        paused = self._pause(
            "pause" if seconds else "unpause", tube, seconds, f"for run {run.id}, which reserves buried jobs"
        )
        if paused.stopped:
            raise BeanopsError(f"tube {tube} could not be paused: {paused.stopped}")

    def lift(self, run: Run) -> None:
        """Give the tubes their pauses back that no other run needs, but not where somebody else changed the pause.

        They stay paused when something may have gone wrong.
        """
        for tube in (self._exposed - self._needed.keys()) if run.unknown else ():
            with suppress(BeanopsError):  # one that could be looked at before
                for stats in self._look([tube]):
                    if stats.pause_time_left and stats.pause == PAUSE:
                        _tell(run, _stays(stats))
        for tube in self._needed:
            try:
                ours = [stats for stats in self._look([tube]) if stats.pause_time_left and stats.pause == PAUSE]
                if ours and run.unknown:
                    _tell(run, _stays(ours[0]))
                elif self._needed[tube] > self._context.now():
                    self._lift(run, tube)
            except BeanopsError as error:
                _tell(run, f"tube {tube} stays paused for up to {PAUSE} s: {error}")

    def _lift(self, run: Run, tube: str) -> None:
        need, now = Need(run.id, self.lookups.server().id, tube), self._context.now()
        until = self._context.journal().pauses.begin_to_lift(need, now)
        if until is None:
            return  # another run needs it, or the pause is another's
        try:
            # Looked at again: nobody of this journal changes it from here on, but an operator may just have.
            if any(stats.pause_time_left and stats.pause == PAUSE for stats in self._look([tube])):
                self._act(run, tube, max(0, round((until - now).total_seconds())))
        finally:
            self._context.journal().pauses.forget(need)


def _stays(tube: TubeStats) -> str:
    return f"tube {tube.name} stays paused for {tube.pause_time_left} s: a buried job may be ready now"


def _tell(run: Run, what: str) -> None:
    run.stopped = f"{run.stopped}; {what}" if run.stopped else what
