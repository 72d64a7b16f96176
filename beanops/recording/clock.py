"""`SteadyClock`: the time of day by a clock that never goes back, until the time of day is set."""

from __future__ import annotations

from collections.abc import Callable

#: Seconds by which the time of day may be off before it counts as set, and by which it is followed per second.
STEP, FOLLOWED = 1.0, 0.001


class SteadyClock:
    """Translates monotonic seconds into the time of day.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    wall : callable
        Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self._checked = clock()
        self._offset = wall() - self._checked

    def was_set(self) -> bool:
        """Whether the time of day was set since the last call; a small difference is followed little by little."""
        now = self._clock()
        off = self._wall() - now - self._offset
        most = FOLLOWED * (now - self._checked)
        self._checked = now
        if abs(off) > STEP:
            self._offset += off
            return True
        self._offset += max(-most, min(most, off))
        return False

    def milliseconds(self, at: float) -> int:
        """Return the time of day at a moment of the monotonic clock, in milliseconds since 1970."""
        return round((at + self._offset) * 1000)
