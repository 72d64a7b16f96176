"""`Charts`: the jobs of a tube by state, and the jobs that came and went, over 5 minutes, an hour or a week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from beanops.monitor.history import HOUR, MINUTE, NO_HISTORY, TIERS, Cell, KnownPast, resampled
from beanops.monitor.rates import UNKNOWN as NO_RATES
from beanops.monitor.survey import Seen
from beanops.protocol.states import STATES
from beanops.text import span
from beanops.tui.widgets.columns import TALL, fitted
from beanops.ui.axes import ticks, time_axis
from beanops.ui.formatting import BLOCKS, UNKNOWN, count, rate

#: Rows of bars in a tall terminal, and else.
HIGH, LOW = 6, 2
#: Cells of names and newest values, of the numbers at the scale, between charts, and minimum cells of bars.
NAMES, SCALE, GAP, LEAST = 9, 6, 3, 16
#: Cells of a chart from which there may be another one beside it.
ENOUGH = 37
#: Seconds that charts reach back at most, and the first choice of them.
SPANS, FIRST = ((5 * MINUTE, "5m"), (HOUR, "1h"), (TIERS[-1].keep, "all")), 1
#: Bars of so many seconds are drawn again after some seconds only: they would hardly change before.
LONG, AGAIN = 5 * MINUTE, 10.0
#: States in the order in which charts of equal peaks come.
_WORST_FIRST = ("buried", "ready", "delayed", "reserved")


class Strips(NamedTuple):
    """Bars over one scale: their name, the newest value, all values, and the style."""

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


def state_strips(seen: Seen | None, drawn: Sequence[Cell | None], first: str | None = None) -> list[Strips]:
    """Return the states that have, or had, jobs: the chosen one first, then those with most jobs; at least one.

    A bar is as high as the most jobs of its time, so that a spike of a second is seen whatever the time. Time in which
    nobody looked is blank.
    """
    charts, peaks = {}, {}
    for state in _WORST_FIRST:
        values = [cell and getattr(cell, state).high for cell in drawn]
        now = UNKNOWN if seen is None else count(getattr(seen.stats, f"current_jobs_{state}"), NAMES - 1)
        charts[state] = Strips(state, now, values, state)
        peaks[state] = max((value for value in values if value is not None), default=0)
    order = sorted(_WORST_FIRST, key=lambda state: (state != first, -peaks[state]))
    return [charts[state] for state in order if peaks[state] or state == first] or [charts["ready"]]


def rate_strips(seen: Seen | None, drawn: Sequence[Cell | None]) -> list[Strips]:
    """Return the jobs that came and went per second, on the average of each bar."""
    rates = NO_RATES if seen is None else seen.rates
    strips = []
    for name, field, style in (("in", "puts", "in"), ("out", "deletes", "out")):
        flows = [None if cell is None else getattr(cell.rates, field) for cell in drawn]
        strips.append(Strips(name, f"{rate(getattr(rates, field))}/s", flows, style))
    return strips


def bars(values: Sequence[float | None], height: int, low: float = 0, high: float | None = None) -> list[str]:
    """Return rows of blocks, the upper first. A blank is unknown; the lowest block is the lowest value.

    Examples
    --------
    >>> bars([None, 0, 8, 16], 2)
    ['   █', ' ▁██']
    """
    most = max((value for value in values if value is not None), default=0) if high is None else high
    reach = most - low or 1
    eighths = [None if value is None else max(1, round((value - low) / reach * height * 8)) for value in values]
    rows = []
    for row in range(height - 1, -1, -1):
        parts = [0 if eighth is None else min(8, max(0, eighth - row * 8)) for eighth in eighths]
        rows.append("".join(" " if part == 0 else BLOCKS[part - 1] for part in parts))
    return rows


class Charts(Widget):
    """A chart for each state that fits beside that of the rates; each has a scale and an axis of time."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"charts--{name}" for name in (*STATES, "in", "out", "name")}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen: Seen | None = None
        self._at = 0.0
        self._first: str | None = None
        self._choice = FIRST
        self._past: DrawnPast | None = None
        self._lines: list[list[tuple[str, str]]] = []

    def show(self, seen: Seen | None, at: float, first: str | None = None) -> None:
        """Show the history of a tube until now, the chart of the state `first` before those of others."""
        self._seen, self._at, self._first = seen, at, first
        self._arrange()

    @property
    def reach(self) -> str:
        """The time that is shown, of what may be, for people."""
        most, name = SPANS[self._choice]
        known = f"{span(self._past.reach)} of " if self._past is not None and self._past.reach < most else ""
        return f"charts {known}{name}"

    def next_span(self) -> None:
        """Reach further back; after all that is known, five minutes."""
        self._choice = (self._choice + 1) % len(SPANS)
        self._past = None
        self._arrange()

    def on_resize(self) -> None:
        """Fit the charts to the new width."""
        self._arrange()

    def _arrange(self) -> None:
        height = HIGH if self.app.size.height >= TALL else LOW
        room = self.size.width - 2
        if room < NAMES + SCALE + LEAST:
            return
        history = NO_HISTORY if self._seen is None else self._seen.history
        # Half of a terminal of 80 columns is enough for a chart; where there is room, each state has one.
        before = self._past.bars if self._past is not None else []
        across = min(max(1, (room + GAP) // (ENOUGH + GAP)), 1 + len(state_strips(self._seen, before, self._first)))
        cells = (room - GAP * (across - 1)) // across - NAMES - SCALE
        if self._past is None or not self._past.is_fresh(history, self._at, cells):
            self._past = past_of(history, self._at, cells, SPANS[self._choice][0])
        drawn = self._past.bars
        states = [[strip] for strip in state_strips(self._seen, drawn, self._first)]
        charts = [*states[: across - 1], rate_strips(self._seen, drawn)] if across > 1 else states[:1]
        axis = time_axis(self._past.reach, cells)
        lines = _beside([_chart(strips, height, axis) for strips in charts])
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


def _chart(strips: Sequence[Strips], height: int, axis: str) -> list[list[tuple[str, str]]]:
    """Return the lines of a chart; several strips share the height and the scale."""
    each = height // len(strips)
    known = [value for strip in strips for value in strip.values if value is not None]
    rates = len(strips) > 1
    steps = 1 if rates else min(3, each)
    scale = ticks(0 if rates else min(known, default=0), max(known, default=0), steps, whole=not rates)
    lines = []
    for strip in strips:
        drawn = bars(strip.values, each, scale[0], scale[-1])
        for row in range(each):
            if rates and each == 1:
                name = f"{strip.name} "
                named = [(name, "name"), (fitted(strip.now, NAMES - len(name), True), strip.style)]
            else:
                text = (strip.name, strip.now, *[""] * each)[row]
                named = [(fitted(text, NAMES, True), strip.style if row else "name")]
            # A number stands in the row whose upper edge it is.
            tick, left = divmod(each - row, each // steps)
            lines.append([*named, *_tick("" if left else scale[tick]), (drawn[row], strip.style)])
    lines.append([(" " * NAMES, ""), *_tick(scale[0]), (axis, "name")])
    return lines


def _tick(value: float | str) -> list[tuple[str, str]]:
    text = value if isinstance(value, str) else count(value, 5) if isinstance(value, int) else f"{value:g}"[:5]
    return [(f"{text:>{SCALE - 1}}{'┤' if text else '│'}", "name")]


def _beside(charts: list[list[list[tuple[str, str]]]]) -> list[list[tuple[str, str]]]:
    lines = [list(line) for line in charts[0]]
    for chart in charts[1:]:
        for line, more in zip(lines, chart, strict=True):
            line += [(" " * GAP, ""), *more]
    return lines
