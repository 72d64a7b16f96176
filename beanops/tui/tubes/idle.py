"""`IdleFold`: idle tubes without workers as one row, so that they do not hide what is urgent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from beanops.monitor.survey import Seen
from beanops.tui.tubes.groups import Sums
from beanops.ui.columns.why import IDLE_TUBES
from beanops.ui.idle import FEWEST, folded

#: Seconds after which their row is summed up again.
AGAIN = 5.0


class IdleFold:
    """Folds idle tubes without workers into one row while other tubes are in use.

    Attributes
    ----------
    open : bool
        Whether the user opened it: then each tube has its row.
    """

    def __init__(self) -> None:
        self.open = False
        self._sums = Sums()
        # The row, the tubes in it, and when it was summed up: nothing happens in idle tubes.
        self._row: Seen | None = None
        self._names: list[str] = []
        self._at = 0.0

    def fold(self, tubes: Sequence[Seen], at: float, shown: Collection[str] = ()) -> Sequence[Seen]:
        """Return the tubes, with one row for the idle ones.

        Parameters
        ----------
        tubes : sequence of Seen
            The tubes.
        at : float
            When they were surveyed.
        shown : collection of str
            Tubes that keep their row, such as the one under the cursor.
        """
        if self.open:
            return tubes
        idle = folded(tubes, shown, 1 if IDLE_TUBES in shown else FEWEST)
        if not idle:
            return tubes
        names = [tube.name for tube in idle]
        hidden = set(names)
        rest = [tube for tube in tubes if tube.name not in hidden]
        row = self._row
        if row is None or names != self._names or not 0 <= at - self._at < AGAIN:
            row, self._names, self._at = self._sums.of(IDLE_TUBES, idle, at), names, at
            self._row = row
        return [*rest, row]

    def forget(self) -> None:
        """Sum up again with the next tubes: an action has changed some."""
        self._row = None
