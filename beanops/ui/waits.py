"""What a face shows of a wait: how far it is, its pace and the time left, from the looks so far. It knows no face."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beanops.session.investigation.wait import Waited

#: Looks that are kept, and seconds over which a pace is an average.
MOST_LOOKS, PACE_WINDOW = 240, 60.0


class WaitTrail:
    """The looks of a wait: seconds since it began, and the jobs that remained.

    Attributes
    ----------
    last : Waited or None
        The last look.
    most : int
        The most jobs that remained at a look.
    points : deque of (float, int)
        Seconds and jobs of the looks; of a long wait the spacing grows.
    """

    def __init__(self) -> None:
        self.last: Waited | None = None
        self.most = 0
        self.points: deque[tuple[float, int]] = deque()
        self._recent: deque[tuple[float, int]] = deque()
        self._spacing = 0.0

    def add(self, now: Waited) -> None:
        """Note a look; one that failed adds no point."""
        self.last = now
        if now.error is not None:
            self._recent.clear()
            return
        self.most = max(self.most, now.remaining)
        point = (now.seconds, now.remaining)
        self._recent.append(point)
        while self._recent[0][0] < now.seconds - PACE_WINDOW:
            self._recent.popleft()
        if not self.points or now.is_true or now.seconds - self.points[-1][0] >= self._spacing:
            self.points.append(point)
        if len(self.points) > MOST_LOOKS:
            self.points = deque(list(self.points)[::2])
            self._spacing = 2 * now.seconds / MOST_LOOKS

    @property
    def share(self) -> float:
        """How much of the jobs that remained at most is gone, from 0 to 1; 1 where the condition is true."""
        if self.last is None:
            return 0.0
        return 1.0 if self.last.is_true else 1 - self.last.remaining / self.most if self.most else 0.0

    @property
    def pace(self) -> float | None:
        """How many jobs fewer there are each second, over the last minute; negative where they grow."""
        if len(self._recent) < 2:
            return None
        (before, more), (now, fewer) = self._recent[0], self._recent[-1]
        return (more - fewer) / (now - before) if now > before else None
