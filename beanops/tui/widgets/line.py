"""`Line`: one line of safe, styled text, drawn only when it changed; and the parts that several screens show."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from beanops.monitor.rates import Rates
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.states import STATES
from beanops.ui.columns.tubes import WINDOW
from beanops.ui.formatting import UNKNOWN, count, rate

#: A text and its style.
Part = tuple[str, str]


class Line(Static):
    """Safe text in parts.

    Parameters
    ----------
    grows : bool
        Whether its height follows its text. Each change then lays out the whole screen.
    """

    def __init__(self, *, id: str | None = None, grows: bool = False) -> None:
        super().__init__("", id=id, markup=False)
        self._parts: list[Part] = []
        self._grows = grows

    def say(self, parts: list[Part]) -> None:
        """Show these parts."""
        if parts != self._parts:
            self._parts = parts
            self.update(Content.assemble(*parts), layout=self._grows)

    def spread(self, left: list[Part], right: list[Part], *, most: bool = False) -> list[Part]:
        """Return the parts with `right` at the right edge, cut where both do not fit.

        With `most`, the last parts of `right` are left out instead.
        """
        width = self.app.size.width - 2
        while most and len(right) > 1 and sum(Content(text).cell_length for text, _ in (*left, *right)) + 2 > width:
            right = right[:-1]
        taken = sum(Content(text).cell_length for text, _ in (*left, *right))
        return [*left, (" " * max(2, width - taken), ""), *right]


def by_state(stats: ServerStats | TubeStats | None) -> list[Part]:
    """Return the number of jobs in each state; None is unknown."""
    parts: list[Part] = []
    for state in STATES:
        number = getattr(stats, f"current_jobs_{state}", None)
        style = f"bold ${state}" if number else "$muted"
        parts += [(f"{state} ", "$muted"), (UNKNOWN if number is None else count(number), style), ("  ", "")]
    return parts


def flow(rates: Rates) -> list[Part]:
    """Return the rates of puts and deletes, and the window that they are taken over."""
    return [
        ("puts/s ", "$muted"),
        (rate(rates.puts), ""),
        ("  deletes/s ", "$muted"),
        (rate(rates.deletes), ""),
        (f"  {WINDOW}", "$muted"),
    ]
