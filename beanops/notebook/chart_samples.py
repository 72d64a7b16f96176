"""What the charts show: the past of a server, or the sum of some tubes, in bins of equal time. No widgets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from math import floor

from beanops.monitor.history import Cell, KnownPast
from beanops.monitor.rates import RATE_WINDOW, Rates
from beanops.monitor.survey import Seen, Survey
from beanops.notebook.widgets.chart import ChartWindow, Panel, Row, Series
from beanops.protocol.states import STATES
from beanops.text import plural, safe_text

#: The states in the order in which they are stacked, from below.
STACKED = ("buried", "delayed", "reserved", "ready")
assert set(STACKED) == set(STATES)

PANELS = (
    Panel("jobs", [Series(state, state) for state in STACKED], stacked=True, whole=True),
    Panel("jobs per second", [Series("puts", "puts"), Series("deletes", "deletes")]),
)

WINDOWS = (
    ChartWindow("5m", "5 min", 300.0, "The last 5 minutes"),
    ChartWindow("1h", "1 h", 3600.0, "The last hour"),
    ChartWindow("all", "all", None, "All that is known, up to 8 days, with what beanops record has recorded"),
)

#: Tubes that are summed up; of more, the charts show the whole server.
MOST_SUMMED = 100
#: Bins of a chart at most, when it begins; and how often that when it has grown, before it begins again.
MOST_BINS, GROWN = 360, 2
#: Seconds that the charts show at least.
LEAST = 30.0
#: Seconds of a bin.
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)


def scope_text(tubes: Sequence[str]) -> str:
    """Return what the charts of some tubes show, as their title; without tubes they show the whole server.

    Examples
    --------
    >>> scope_text([]), scope_text(["mail"]), scope_text(["mail", "sms", "push", "fax"])
    ('Whole server', 'Tube mail', 'Sum of mail, sms and 2 more tubes')
    """
    if not tubes:
        return "Whole server"
    if len(tubes) > MOST_SUMMED:
        return f"Whole server: more than {plural(MOST_SUMMED, 'tube')} are selected"
    names = [safe_text(tube, limit=40) for tube in tubes[: 3 if len(tubes) == 3 else 2]]
    if len(tubes) == 1:
        return f"Tube {names[0]}"
    if len(tubes) <= 3:
        return f"Sum of {', '.join(names[:-1])} and {names[-1]}"
    return f"Sum of {', '.join(names)} and {len(tubes) - 2:,} more tubes"


def summed(tubes: Sequence[str]) -> tuple[str, ...]:
    """Return the tubes that are summed up where some are selected; none for the whole server."""
    return tuple(tubes) if len(tubes) <= MOST_SUMMED else ()


def values_now(survey: Survey, tubes: Sequence[str]) -> Row | None:
    """Return one row of the charts: jobs by state, and the rates, of the server or of the tubes that exist."""
    if not tubes:
        return (*(getattr(survey.server, f"current_jobs_{state}") for state in STACKED), *_rounded(survey.rates))
    seen = [survey.tubes[tube] for tube in tubes if tube in survey.tubes]
    states = (sum(getattr(one.stats, f"current_jobs_{state}") for one in seen) for state in STACKED)
    return (*states, *_rounded(_rates(seen)))


def _rates(seen: Iterable[Seen]) -> Rates:
    """Return the sum of the rates that are known; a tube that is new has none yet."""
    puts = [one.rates.puts for one in seen if one.rates.puts is not None]
    deletes = [one.rates.deletes for one in seen if one.rates.deletes is not None]
    return Rates(sum(puts) if puts else None, sum(deletes) if deletes else None)


def _rounded(rates: Rates) -> tuple[float | None, float | None]:
    puts, deletes = (None if rate is None else round(rate, 2) for rate in rates)
    return puts, deletes


def step_of(seconds: float) -> float:
    """Return the seconds of a bin, for charts of some length.

    Examples
    --------
    >>> step_of(300), step_of(3600), step_of(8 * 86400)
    (1.0, 10.0, 3600.0)
    """
    return float(next((step for step in STEPS if seconds / step <= MOST_BINS), STEPS[-1]))


class _Bin:
    """What is known of one bin of one tube."""

    __slots__ = ("deletes", "highs", "known", "puts")

    def __init__(self) -> None:
        self.highs = [0] * len(STACKED)
        self.known = self.puts = self.deletes = 0.0

    def count(self, cell: Cell) -> None:
        """Add the counts of a cell: of each state, the highest is kept."""
        for place, state in enumerate(STACKED):
            self.highs[place] = max(self.highs[place], getattr(cell, state).high)

    def flow(self, cell: Cell, seconds: float) -> None:
        """Add what came and went in so many seconds of a cell."""
        if cell.seconds:
            self.known += seconds
            self.puts += cell.puts * seconds / cell.seconds
            self.deletes += cell.deletes * seconds / cell.seconds


def _binned(past: KnownPast, offset: float, first: int, step: float, number: int) -> list[_Bin | None]:
    """Return what a past knows of some bins; `offset` are the seconds from its clock to seconds since 1970."""
    begin = first * step - offset
    bins: list[_Bin | None] = [None] * number
    for cell in past.cells(begin - 1.0, begin + number * step, step):  # and what ended when the first one begins
        low, high = cell.at - cell.seconds, cell.at
        from_, to = floor((low - begin) / step), floor((high - begin) / step)
        for place in range(max(0, from_), min(number - 1, to) + 1):
            one, is_new = bins[place], bins[place] is None
            if one is None:
                one = bins[place] = _Bin()
            # Its counts are those of its end, which the bin where it begins does not reach.
            if is_new or place > from_ or from_ == to:
                one.count(cell)
            edge = begin + place * step
            one.flow(cell, min(high, edge + step) - max(low, edge))
    return bins


def _as_rows(bins: Sequence[_Bin | None], step: float) -> list[list[float | None] | None]:
    """Return the values of bins; rates are those of the last 10 seconds, as everywhere, or of a longer bin."""
    back = max(1, round(RATE_WINDOW / step))
    rows: list[list[float | None] | None] = []
    recent: deque[_Bin] = deque(maxlen=back)
    for one in bins:
        if one is None:
            recent.clear()  # what was before a gap says nothing of the time after it
            rows.append(None)
            continue
        recent.append(one)
        known = sum(each.known for each in recent)
        flows = (sum(each.puts for each in recent), sum(each.deletes for each in recent))
        rows.append([*one.highs, *(flow / known if known else None for flow in flows)])
    return rows


def past_rows(
    pasts: Sequence[KnownPast], offset: float, first: int, step: float, number: int, until: float | None = None
) -> list[Row | None]:
    """Return the sum of pasts in each of some bins; None where nothing is known.

    Parameters
    ----------
    pasts : sequence of KnownPast
        Those of the tubes, or that of the server alone.
    offset : float
        What to add to the seconds of their clock for seconds since 1970.
    first, step, number : int, float, int
        The first bin, the seconds of a bin, and how many there are.
    until : float or None
        Seconds since 1970 until which the last look at each tube holds: not every look asks for all tubes. None is
        until that look.
    """
    total: list[list[float | None] | None] = [None] * number
    for past in pasts:
        rows = _as_rows(_binned(past, offset, first, step, number), step)
        if until is not None and past.ended is not None:
            _hold(rows, floor((past.ended + offset) / step) - first, floor(until / step) - first)
        for place, row in enumerate(rows):
            sums = total[place]
            if row is None or sums is None:
                total[place] = sums or row
                continue
            total[place] = [
                one if other is None else other if one is None else one + other
                for one, other in zip(sums, row, strict=True)
            ]
    return [None if row is None else _row(row) for row in total]


def _hold(rows: list[list[float | None] | None], last: int, until: int) -> None:
    """Let the last values hold until the present moment."""
    if 0 <= last < len(rows) and (row := rows[last]) is not None:
        for place in range(last + 1, min(until + 1, len(rows))):
            rows[place] = list(row)


def _row(values: Sequence[float | None]) -> Row:
    states, rates = values[: len(STACKED)], values[len(STACKED) :]
    return (*states, *(rate and round(rate, 2) for rate in rates))
