"""Pauses tubes while a run reserves their buried jobs.

A reserved job becomes ready when its connection is lost, even if it was buried before. beanops sends each reserve
together with the command that ends the reservation, so at most one job is affected; in a paused tube no worker gets it.
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
#: Maximum number of checks whether another run has ended a pause, and the seconds between them.
_LOOKS = 200
_BETWEEN_LOOKS = 0.05


def exposed(order: Order) -> str | None:
    """Return the tube whose workers could get a buried job if the connection were lost; None without that risk."""
    if order.job is None or order.put_as != "buried":
        return None
    if order.settings.buried_as:
        return None
    if order.verb.puts:
        return order.put_into
    stays = order.verb.name == "bury" or (order.verb.name == "release" and order.settings.delay > 0)
    return order.stats.tube if stays else None


class PauseGuard:
    """Pauses tubes whose buried jobs a run reserves, if workers watch them, and restores their pauses afterwards.

    The journal records each pause and which runs need it; the last of them ends it.

    Parameters
    ----------
    context : Context
        The clock and the journal.
    lookups : Lookups
        Lookups on the server where the jobs are put and reserved.
    pause : callable
        Pauses a tube as a run; takes the action, the tube, seconds, and the reason.
    part : str
        Which part of the run needs the pauses, where tasks of an executor do parts of one run.
    """

    def __init__(
        self, context: Context, lookups: Lookups, pause: Callable[[str, str, int, str], Run], part: str = ""
    ) -> None:
        self._part = part
        self.lookups = lookups
        self._context = context
        self._pause = pause
        # Until when the journal says that this run needs the pause of a tube.
        self._needed: dict[str, datetime] = {}
        self._exposed: set[str] = set()

    def cover(self, run: Run, orders: Iterable[Order]) -> None:
        """Pause the tubes of a batch of orders before they are sent; other users may end a pause between batches."""
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
        need = Need(run.id + self._part, self.lookups.server().id, tube)
        self._context.journal().pauses.need(need, now, now + _FOR)
        self._needed[tube] = now + _FOR
        self._wait_for_others(run, need)
        for stats in self._look([tube]):
            if stats.pause_time_left < PAUSE / 2:
                before = now + timedelta(seconds=stats.pause_time_left)
                self._context.journal().pauses.take(need, before, by_a_run=stats.pause == PAUSE)
                self._act(run, tube, PAUSE)

    def _wait_for_others(self, run: Run, need: Need) -> None:
        """Wait while another run ends the pause, which it began before this run needed it."""
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
        """Restore the pauses of tubes that no other run needs, unless somebody else changed the pause.

        Tubes stay paused if the run has unknown outcomes.
        """
        for tube in (self._exposed - self._needed.keys()) if run.unknown else ():
            with suppress(BeanopsError):  # the tube could be read before
                for stats in self._look([tube]):
                    if stats.pause_time_left and stats.pause == PAUSE:
                        _note(run, _stays(stats))
        for tube in self._needed:
            try:
                ours = [stats for stats in self._look([tube]) if stats.pause_time_left and stats.pause == PAUSE]
                if ours and run.unknown:
                    _note(run, _stays(ours[0]))
                elif self._needed[tube] > self._context.now():
                    self._lift(run, tube)
            except BeanopsError as error:
                _note(run, f"tube {tube} stays paused for up to {PAUSE} s: {error}")

    def _lift(self, run: Run, tube: str) -> None:
        need, now = Need(run.id + self._part, self.lookups.server().id, tube), self._context.now()
        until = self._context.journal().pauses.begin_to_lift(need, now)
        if until is None:
            return  # another run needs it, or the pause is another's
        try:
            # Read again: runs of this journal no longer change it, but an operator may have.
            if any(stats.pause_time_left and stats.pause == PAUSE for stats in self._look([tube])):
                self._act(run, tube, max(0, round((until - now).total_seconds())))
        finally:
            self._context.journal().pauses.forget(need)


def _stays(tube: TubeStats) -> str:
    return f"tube {tube.name} stays paused for {tube.pause_time_left:,} s: a buried job may be ready now"


def _note(run: Run, what: str) -> None:
    run.stopped = f"{run.stopped}; {what}" if run.stopped else what
