"""The charts: panels of lines or stacked areas that grow by one sample a tick. What is drawn is the caller's."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import anywidget
import traitlets

from beanops.notebook.widgets.channel import Channel, page_text
from beanops.ui.poller import LATE

#: Samples that are kept: five minutes at two a second.
LIMIT = 600


Sample = tuple[float | None, ...]


class Series(NamedTuple):
    """One line or area: its name, and a colour of the page, such as ``"ready"``."""

    label: str
    tone: str


class Panel(NamedTuple):
    """One chart, with its title, its series, and whether they stand on each other."""

    title: str
    series: list[Series]
    stacked: bool = False


class _Page(anywidget.AnyWidget):
    _esm = page_text("dom.js", "chart.js")
    _css = page_text("style.css")
    options: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)


class Chart(Channel):
    """Panels beside each other, under a title.

    Parameters
    ----------
    panels : sequence of Panel
        From left to right.
    """

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._samples: deque[Sample] = deque(maxlen=LIMIT)
        shown = [
            {"title": title, "stacked": stacked, "series": [one._asdict() for one in series]}
            for title, series, stacked in panels
        ]
        super().__init__(_Page(options={"limit": LIMIT, "late": LATE, "panels": shown}))

    @property
    def samples(self) -> list[Sample]:
        """What is drawn, oldest first: each a moment and its values."""
        return list(self._samples)

    def append(self, at: float, *values: float | None) -> None:
        """Add one value for each series, in the order of the panels; None is unknown and leaves a gap.

        The moment is in seconds of any clock that goes on: only what lies between moments is drawn.
        """
        sample = (round(at, 1), *values)
        with self._lock:
            self._samples.append(sample)
            if self._greeted:
                self._send("sample", seq=self._next(), sample=sample)
            else:
                self._send_all()  # the page may be there, with its hello behind a busy cell

    def _send_all(self) -> None:
        self._send("samples", seq=self._next(), samples=list(self._samples))

    def _handle(self, message: dict[str, Any]) -> None:
        """Do nothing: a chart is only looked at."""
