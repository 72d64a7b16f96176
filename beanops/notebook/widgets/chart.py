"""Charts: panels of lines or stacked areas that grow by one sample a tick. The caller chooses the series."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.ui.defaults import LATE

#: Samples to keep: ten minutes at two per second.
LIMIT = 1200

Sample = tuple[float | None, ...]


class Series(NamedTuple):
    """One line or area: its label, and the name of its colour, such as ``"ready"``."""

    label: str
    tone: str


class Panel(NamedTuple):
    """One chart: its title, its series, and whether they are stacked."""

    title: str
    series: list[Series]
    stacked: bool = False


class Chart(Channel):
    """Panels side by side, under a title.

    Parameters
    ----------
    name : str
        Its name in the view.
    panels : sequence of Panel
        From left to right.
    """

    kind = "chart"
    files = ("chart.js",)

    def __init__(self, name: str, panels: Sequence[Panel]) -> None:
        self._samples: deque[Sample] = deque(maxlen=LIMIT)
        shown = [
            {"title": title, "stacked": stacked, "series": [one._asdict() for one in series]}
            for title, series, stacked in panels
        ]
        super().__init__(name, {"limit": LIMIT, "late": LATE, "panels": shown})

    @property
    def samples(self) -> list[Sample]:
        """The samples, oldest first: each a moment and its values."""
        return list(self._samples)

    def begin(self, samples: Sequence[Sample]) -> None:
        """Show samples of the past, oldest first, instead of those that there are."""
        with self._lock:
            self._samples.clear()
            self._samples.extend((round(at or 0.0, 1), *values) for at, *values in samples)
            self._send_all()

    def append(self, at: float, *values: float | None) -> None:
        """Add one value for each series, in the order of the panels; None is unknown and leaves a gap.

        The moment is in monotonic seconds: the page only uses differences.
        """
        sample = (round(at, 1), *values)
        with self._lock:
            self._samples.append(sample)
            if self._greeted:
                self.send("sample", seq=self._next(), sample=sample)
            else:
                self._send_all()  # a page may exist whose hello waits for a busy cell

    def _send_all(self) -> None:
        self.send("samples", seq=self._next(), samples=list(self._samples))

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        """Do nothing: a chart takes no input."""
