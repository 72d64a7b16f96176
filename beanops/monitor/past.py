"""`Past`: the histories of a server and its tubes, and which time nobody saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from beanops.monitor.history import ALL_BYTES, MOST_BYTES, NO_HISTORY, History, KnownPast
from beanops.monitor.rates import Point

#: Tubes that do not exist any more whose histories are kept.
MOST_VANISHED = 1000
#: Seconds without a look after which nothing is told of them.
GAP = 30.0


class Past:
    """The histories of one server and of its tubes, also of some that have vanished. Several surveyors may share it.

    Parameters
    ----------
    older : callable or None
        Returns what others have seen of a tube, None for the server, before the first look; given the server's
        process as its id.

    Attributes
    ----------
    server : History
        That of the whole server.
    tubes : dict of str to History
        By name.
    since : float
        Since when there was no gap, in seconds of the clock.
    """

    def __init__(self, older: Callable[[str, str | None], KnownPast | None] | None = None) -> None:
        self._older = older
        self.server = History()
        self.tubes: dict[str, History] = {}
        self.since = -inf
        self._instance = ""
        self._lost = False
        self._vanished: dict[str, None] = {}

    def lose(self) -> None:
        """Note that a look failed: nothing is known of the time until the next one."""
        self._lost = True

    def begin(self, at: float, instance: str, gap: float = GAP) -> None:
        """Begin a look at a server process; after more than `gap` seconds nothing is known of the time before it."""
        last = self.server.ended
        if self._lost or instance != self._instance or last is None or at - last > gap:
            self.since = at
        self._instance, self._lost = instance, False

    def add(self, tube: str | None, point: Point) -> History:
        """Add the counts of a tube, None for the whole server, at this look; return its history."""
        history = self._history(tube)
        joined = tube not in self._vanished and history.ended is not None and history.ended >= self.since
        self._vanished.pop(tube or "", None)
        history.add(point, joined, min(MOST_BYTES, ALL_BYTES // (len(self.tubes) or 1)))
        return history

    def known(self, tube: str | None) -> KnownPast:
        """Return the past of a tube, None for the server, also if only others have seen it."""
        known = self.server if tube is None else self.tubes.get(tube, NO_HISTORY)
        older = self._older(self._instance, tube) if known.ended is None and self._older is not None else None
        return older or known

    def _history(self, tube: str | None) -> History:
        known = self.server if tube is None else self.tubes.get(tube)
        if known is None or (known.ended is None and self._older is not None):
            known = History(None if self._older is None else self._older(self._instance, tube))
            if tube is None:
                self.server = known
            else:
                self.tubes[tube] = known
        return known

    def vanished(self, tubes: Iterable[str]) -> None:
        """Note that tubes do not exist any more: a tube that is empty for a moment comes back under its name."""
        self._vanished.update(dict.fromkeys(tube for tube in tubes if tube in self.tubes))
        while len(self._vanished) > MOST_VANISHED:
            oldest = next(iter(self._vanished))
            del self._vanished[oldest], self.tubes[oldest]
