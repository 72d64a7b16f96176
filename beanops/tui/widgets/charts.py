"""`Charts`: the job states and rates of a tube over up to ten minutes, two hours, two days or a week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from beanops.monitor.history import DAY, HOUR, MINUTE, NO_HISTORY, Cell, KnownPast, resampled
from beanops.monitor.rates import UNKNOWN as NO_RATES
from beanops.monitor.survey import Seen
from beanops.protocol.states import STATES
from beanops.text import span
from beanops.tui.widgets.columns import WIDE, fitted
from beanops.ui.formatting import BLOCKS, UNKNOWN, count, rate

#: Rows of the terminal from which charts are three rows high.
TALL = 36
#: Cells between charts, and minimum cells of the bars of one.
GAP, LEAST = 3, 8
#: Seconds that charts reach back at most, and the first choice of them.
SPANS, FIRST = ((10 * MINUTE, "10m"), (2 * HOUR, "2h"), (2 * DAY, "2d"), (7 * DAY, "7d")), 1
#: Bars of so many seconds are drawn again after some seconds only: they would hardly change before.
LONG, AGAIN = 5 * MINUTE, 10.0


class TubeChart(NamedTuple):
    """One chart: its name, the newest value, all values, and the style."""

    name: str
    now: str
    values: Sequence[float | None]
    style: str


class DrawnPast(NamedTuple):
    """The past of a tube, one cell for each bar.

    Attributes
    ----------
    history : KnownPast
        That of the tube.
    at : float
        When the newest bar ends.
    reach : float
        The seconds of all bars.
    bars : list of Cell or None
        Oldest first; None where nothing is known.
    """

    history: KnownPast
    at: float
    reach: float
    bars: list[Cell | None]

    def is_fresh(self, history: KnownPast, at: float, cells: int) -> bool:
        """Whether it need not be drawn again for so many cells."""
        same = history is self.history and cells == len(self.bars)
        return same and (at == self.at or (self.reach > LONG * cells and 0 <= at - self.at < AGAIN))


def past_of(history: KnownPast, at: float, cells: int, most: float) -> DrawnPast:
    """Return the past since the history began, but at most so many seconds."""
    begun = history.begun
    reach = max(float(cells), 0.0 if begun is None else min(most, at - begun))
    step = reach / cells
    return DrawnPast(history, at, reach, resampled(history.cells(at - reach, at, step), at - reach, step, cells))


def charts_of(seen: Seen | None, drawn: Sequence[Cell | None]) -> list[TubeChart]:
    """Return the charts of a tube.

    A bar is as high as the most jobs of its time, so that a spike of a second is seen whatever the time. Time in which
    nobody looked is blank.
    """
    charts = []
    for state in STATES:
        now = UNKNOWN if seen is None else count(getattr(seen.stats, f"current_jobs_{state}"), 9)
        charts.append(TubeChart(state, now, [cell and getattr(cell, state).high for cell in drawn], state))
    rates = NO_RATES if seen is None else seen.rates
    for field, known in (("puts", rates.puts), ("deletes", rates.deletes)):
        flows = [None if cell is None else getattr(cell.rates, field) for cell in drawn]
        charts.append(TubeChart(f"{field}/s", rate(known), flows, "rate"))
    return charts


def bars(values: Sequence[float | None], height: int) -> list[str]:
    """Return rows of blocks, the upper first. A blank is unknown; zero is the lowest block.

    Examples
    --------
    >>> bars([None, 0, 8, 16], 2)
    ['   █', ' ▁██']
    """
    most = max((value for value in values if value is not None), default=0) or 1
    eighths = [
        None if value is None else 1 if value <= 0 else max(1, round(value / most * height * 8)) for value in values
    ]
    rows = []
    for row in range(height - 1, -1, -1):
        parts = [0 if eighth is None else min(8, max(0, eighth - row * 8)) for eighth in eighths]
        rows.append("".join(" " if part == 0 else BLOCKS[part - 1] for part in parts))
    return rows


class Charts(Widget):
    """Six charts, in one row where they fit, else in two."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "charts--ready",
        "charts--reserved",
        "charts--delayed",
        "charts--buried",
        "charts--rate",
        "charts--name",
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: Seen | None = None
        self._at = 0.0
        self._choice = FIRST
        self._past: DrawnPast | None = None
        self._lines: list[list[tuple[str, str]]] = []

    def show(self, seen: Seen | None, at: float) -> None:
        """Show the history of a tube until now."""
        self._seen, self._at = seen, at
        self._arrange()

    @property
    def reach(self) -> str:
        """The time that is shown, of what may be, for people."""
        most, name = SPANS[self._choice]
        known = f"{span(self._past.reach)} of " if self._past is not None and self._past.reach < most else ""
        return f"charts {known}{name}"

    def next_span(self) -> None:
        """Reach further back; after a week, ten minutes."""
        self._choice = (self._choice + 1) % len(SPANS)
        self._past = None
        self._arrange()

    def on_resize(self) -> None:
        """Fit the charts to the new width."""
        self._arrange()

    def _arrange(self) -> None:
        wide, tall = self.app.size.width >= WIDE, self.app.size.height >= TALL
        height = 3 if tall else 1
        room, named = self.size.width - 2, 0 if tall else 15
        # One row only where each chart has room for bars, not only for its newest value.
        across = 6 if wide and not tall and (room - GAP * 5) // 6 - named >= LEAST else 3
        each = (room - GAP * (across - 1)) // across
        if each < 12:
            return
        history = NO_HISTORY if self._seen is None else self._seen.history
        if self._past is None or not self._past.is_fresh(history, self._at, each - named):
            self._past = past_of(history, self._at, each - named, SPANS[self._choice][0])
        charts, reach = charts_of(self._seen, self._past.bars), self._past.reach
        lines: list[list[tuple[str, str]]] = []
        for start in range(0, len(charts), across):
            row = charts[start : start + across]
            if tall:
                heads = [
                    [(fitted(f"{chart.name} {chart.now}", each - 6, True), chart.style), (f"{span(reach):>6}", "name")]
                    for chart in row
                ]
                lines.append(_beside(heads))
                drawn = [bars(chart.values, height) for chart in row]
                lines += [
                    _beside([[(one[n], chart.style)] for one, chart in zip(drawn, row, strict=True)])
                    for n in range(height)
                ]
            else:
                lines.append(
                    _beside(
                        [
                            [
                                (fitted(chart.name, 9, True), "name"),
                                (fitted(chart.now, 5, False) + " ", chart.style),
                                (bars(chart.values, 1)[0], chart.style),
                            ]
                            for chart in row
                        ]
                    )
                )
        if len(lines) != len(self._lines):
            self.styles.height = len(lines)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        base = self.rich_style
        line = self._lines[y] if y < len(self._lines) else []
        pieces = [Segment(" ", base), *(Segment(text, base + self._style(style)) for text, style in line)]
        return Strip(pieces).adjust_cell_length(self.size.width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"charts--{name}", partial=True) if name else Style()


def _beside(parts: list[list[tuple[str, str]]]) -> list[tuple[str, str]]:
    line = list(parts[0])
    for part in parts[1:]:
        line += [(" " * GAP, ""), *part]
    return line
