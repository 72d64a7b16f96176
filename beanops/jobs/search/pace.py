"""The pace of a scan: how long to pause after a block, to limit the load on the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from beanops.protocol import ServerStats
from beanops.protocol.limits import check_rate

T = TypeVar("T")

#: Seconds after which a pause notices a cancel.
_SLICE = 0.1


class Pace:
    """Pauses between the blocks of a scan.

    Parameters
    ----------
    rate : float or None
        Maximum ids per second.
    polite : bool
        Whether to pause as long as a block took while workers wait for jobs.
    clock, sleep : callable
        As in `time`, for tests.
    """

    def __init__(
        self,
        rate: float | None,
        polite: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate is not None:
            check_rate(rate, "ids")
        self._rate = rate
        self._polite = polite
        self.clock = clock
        self._sleep = sleep

    def block(self, most: int) -> int:
        """Return the maximum size of a block: a quarter of a second's ids, and at most `most`."""
        return most if self._rate is None else max(1, min(most, int(self._rate / 4)))

    def least(self, asked: int) -> float:
        """Return the seconds that asking for `asked` ids has to take, pauses included."""
        return 0.0 if self._rate is None else asked / self._rate

    def pause(self, asked: int, elapsed: float, server: ServerStats) -> float:
        """Return the seconds to pause after asking for `asked` ids."""
        pause = elapsed if self._polite and server.current_waiting else 0.0
        return max(pause, self.least(asked) - elapsed)

    def follow(
        self,
        steps: Generator[int, None, T],
        server: ServerStats,
        cancelled: Callable[[], bool],
        report: Callable[[], None],
    ) -> T | None:
        """Pause after each step, which yields the number of ids asked for; return the result, None after a cancel."""
        while not cancelled():
            started = self.clock()
            try:
                asked = next(steps)
            except StopIteration as end:
                result: T = end.value
                return result
            self.rest(self.pause(asked, self.clock() - started, server), cancelled)
            report()
        return None

    def rest(self, seconds: float, cancelled: Callable[[], bool]) -> None:
        """Sleep, but no longer than until a cancel."""
        while seconds > 0 and not cancelled():
            self._sleep(min(seconds, _SLICE))
            seconds -= _SLICE
