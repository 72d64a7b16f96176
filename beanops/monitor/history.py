"""`History`: the past of a tube or a server in tiers, the finest of the last minutes and the coarsest of a week.

Each tier keeps the minimum, mean and maximum of what it sums up, so that a spike of one second is still there after a
week. Time in which nobody looked is in no tier: a gap stays a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import inf
from threading import Lock
from typing import NamedTuple, Protocol

from beanops.monitor.packing import CHUNK, Row, Rows
from beanops.monitor.rates import Point, Rates
from beanops.protocol.states import STATES


class Tier(NamedTuple):
    """One resolution of the past.

    Attributes
    ----------
    step : float
        Seconds that each of its cells sums up.
    keep : float
        Seconds that it reaches back.
    """

    step: float
    keep: float


MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
#: From the finest to the coarsest.
TIERS = (Tier(1.0, 10 * MINUTE), Tier(10.0, 2 * HOUR), Tier(60.0, 2 * DAY), Tier(600.0, 8 * DAY))
#: Bytes that the history of one tube may take: those of a busy one in all tiers, and of each of very many tubes.
MOST_BYTES, ALL_BYTES = 60_000, 40_000_000


class Spread(NamedTuple):
    """A count over some time: its minimum, mean (to a whole job) and maximum."""

    low: int
    mean: int
    high: int


class Cell(NamedTuple):
    """What is known of some time.

    Attributes
    ----------
    at : float
        Its end, in the seconds of the sampler's clock.
    seconds : float
        How much time before its end it knows; 0 for a first look, before which nothing is known.
    puts, deletes : float
        Jobs put and deleted in that time; a share of them where it is a part of a longer one.
    ready, reserved, delayed, buried : Spread
        Jobs in each state.
    """

    at: float
    seconds: float
    puts: float
    deletes: float
    ready: Spread
    reserved: Spread
    delayed: Spread
    buried: Spread

    @property
    def rates(self) -> Rates:
        """Jobs put and deleted per second."""
        known = self.seconds
        return Rates(self.puts / known, self.deletes / known) if known else Rates(None, None)


# A cell is kept as whole numbers: milliseconds at its end, those that it knows, the counters, then a spread a state.
_AT, _KNOWN, _PUTS, _DELETES, _SPREADS = 0, 1, 2, 3, 4
WIDTH = _SPREADS + 3 * len(STATES)
#: So that histories which begin together are not all compressed in the same look.
_stagger = count(1)
#: One for all histories: a point is added in microseconds.
_lock = Lock()


class KnownPast(Protocol):
    """The past of one tube or server, wherever it is kept."""

    @property
    def begun(self) -> float | None:
        """When it begins, in seconds of a clock; None where nothing is known."""

    @property
    def ended(self) -> float | None:
        """When the last look was; None where nothing is known."""

    def cells(self, since: float, until: float, step: float = 0.0) -> list[Cell]:
        """Return what is known of a time, oldest first, with as much detail as a step needs."""


class History:
    """The past of one tube or server; see the module.

    One thread adds points, others may read.

    Parameters
    ----------
    older : KnownPast or None
        What others have seen of the time before the first look.
    """

    __slots__ = ("_added", "_first", "_last", "_older", "_pending", "_tiers")

    def __init__(self, older: KnownPast | None = None) -> None:
        self._older = older
        # When the first look was, and until when the tiers know.
        self._first, self._added = 0.0, -inf
        self._last: Point | None = None
        self._pending: list[Row] = []
        self._tiers: list[Rows] = []

    @property
    def begun(self) -> float | None:
        """When the past begins, in seconds of the sampler's clock; None before the first look."""
        if self._last is None:
            return None
        older = self._older.begun if self._older is not None else None
        first = max(self._first, self._last.at - TIERS[-1].keep)
        return first if older is None else min(first, older)

    @property
    def ended(self) -> float | None:
        """When the last look was; None before the first."""
        return None if self._last is None else self._last.at

    def add(self, point: Point, joined: bool = True, most: int = MOST_BYTES) -> None:
        """Add the counts of one look.

        Parameters
        ----------
        point : Point
            Later than the last one, or it is ignored.
        joined : bool
            Whether the time since the last point is known: False after a gap or a restart.
        most : int
            Bytes of memory after which the oldest cells are forgotten.
        """
        last = self._last
        if last is None:
            self._first = point.at
        elif point.at <= last.at:
            return
        elif joined and point[1:] == last[1:]:
            # At rest, as most tubes are: what it adds is worked out when the rest ends, or somebody asks.
            self._last = point
            return
        with _lock:
            self._flush(most)
            puts, deletes = (0, 0) if last is None else (point.puts - last.puts, point.deletes - last.deletes)
            # Counters that went back are those of another tube of that name, or of a server that was restarted.
            joined = joined and last is not None and puts >= 0 and deletes >= 0
            self._last = point
            self._append(point, puts if joined else 0, deletes if joined else 0, joined, most)

    def _flush(self, most: int = MOST_BYTES) -> None:
        """Add the time of rest until the last point."""
        if self._last is not None and self._last.at > self._added:
            self._append(self._last, 0, 0, True, most)

    def _append(self, point: Point, puts: int, deletes: int, joined: bool, most: int) -> None:
        """Add a row that ends with a point and begins where the one before ended, or knows its end alone."""
        at, known = round(point.at * 1000), 0
        if joined:
            known = at - round(self._added * 1000)
        self._added = point.at
        ready, reserved, delayed, buried = point.ready, point.reserved, point.delayed, point.buried
        row = (
            at, known, puts, deletes, ready, ready, ready, reserved, reserved, reserved,
            delayed, delayed, delayed, buried, buried, buried,
        )  # fmt: skip
        self._merge(0, row, most)

    def _merge(self, level: int, row: Row, most: int) -> None:
        """Add a row to the pending one of a tier; begin a new one where its time is over."""
        if level == len(self._pending):
            self._pending.append(row)
            return
        pending = self._pending[level]
        step = round(TIERS[level].step * 1000)
        # A gap is never summed up with what is before it, or the cell would reach over it.
        if (row[_AT] - 1) // step == (pending[_AT] - 1) // step and row[_KNOWN] >= row[_AT] - pending[_AT]:
            self._pending[level] = _merged(pending, row)
            return
        self._pending[level] = row
        self._keep(level, pending, most)
        if level + 1 < len(TIERS):
            self._merge(level + 1, pending, most)

    def _keep(self, level: int, row: Row, most: int) -> None:
        if level == len(self._tiers):
            self._tiers.append(Rows(WIDTH, 1 + next(_stagger) % CHUNK))
        rows = self._tiers[level]
        last = rows.last
        if last is not None and _is_at_rest(last, row):
            rows.replace_last((row[_AT], last[_KNOWN] + row[_KNOWN], *row[_PUTS:]))
        elif rows.append(row):
            rows.drop(row[_AT] - round(TIERS[level].keep * 1000))
            while sum(tier.size for tier in self._tiers) > most:
                max(self._tiers, key=lambda tier: tier.size).drop_oldest()

    def cells(self, since: float, until: float, step: float = 0.0) -> list[Cell]:
        """Return what is known of a time, oldest first, each part from the finest tier that has it.

        Parameters
        ----------
        since, until : float
            Seconds of the sampler's clock.
        step : float
            Seconds of detail that are enough: finer tiers are not read but for what is not yet in the others.
        """
        first, last = round(since * 1000), round(until * 1000)
        found: list[Row] = []
        with _lock:
            self._flush()
            for level, newest in enumerate(self._pending):
                rows = [newest]
                coarser = level + 1 < len(self._tiers) and TIERS[level + 1].step <= step
                if level < len(self._tiers) and not coarser:
                    rows = [*self._tiers[level].since(first), newest]
                # What the finer tier has is not repeated.
                end = found[0][_AT] - found[0][_KNOWN] if found else last + 1
                found = [row for row in rows if row[_AT] > first and row[_AT] - row[_KNOWN] < end] + found
        own = [cell_of(row) for row in found]
        if self._older is None or since >= self._first:
            return own
        begun = own[0].at - own[0].seconds if own else until
        older = self._older.cells(since, begun, step)
        return [until_then(cell, begun) for cell in older if cell.at - cell.seconds < begun] + own


def until_then(cell: Cell, end: float) -> Cell:
    """Return the part of a cell before a moment."""
    if cell.at <= end:
        return cell
    seconds = cell.seconds - (cell.at - end)
    share = seconds / cell.seconds
    return cell._replace(at=end, seconds=seconds, puts=cell.puts * share, deletes=cell.deletes * share)


def resampled(cells: Sequence[Cell], first: float, step: float, number: int) -> list[Cell | None]:
    """Return what is known of `number` spans of `step` seconds from `first` on; None where nothing is.

    A count that lasted longer than a span is in all of the spans that it reaches over.

    Examples
    --------
    >>> idle = Spread(0, 0, 0)
    >>> cell = Cell(2.0, 2.0, 10, 0, Spread(1, 2, 3), idle, idle, idle)
    >>> [one and (one.ready.high, one.rates.puts) for one in resampled([cell], 0.0, 1.0, 3)]
    [(3, 5.0), (3, 5.0), None]
    """
    spans: list[Cell | None] = []
    start = 0
    for place in range(number):
        begin, end = first + place * step, first + (place + 1) * step
        while start < len(cells) and cells[start].at <= begin:
            start += 1
        parts = []
        for cell in cells[start:]:
            # A first look now may be at a rounded moment just after it.
            if (cell.seconds and cell.at - cell.seconds >= end) or cell.at - cell.seconds > end + 0.001:
                break
            parts.append(cell)
        spans.append(_summed(parts, begin, end) if parts else None)
    return spans


def _summed(parts: Sequence[Cell], begin: float, end: float) -> Cell:
    shares = [max(0.0, min(end, cell.at) - max(begin, cell.at - cell.seconds)) for cell in parts]
    known = sum(shares)
    flows = [share / cell.seconds if cell.seconds else 0.0 for share, cell in zip(shares, parts, strict=True)]
    spreads = []
    for state in STATES:
        each = [getattr(cell, state) for cell in parts]
        low, high = min(one.low for one in each), max(one.high for one in each)
        whole = sum(one.mean * share for one, share in zip(each, shares, strict=True))
        mean = round(whole / known) if known else each[-1].mean
        spreads.append(Spread(low, min(high, max(low, mean)), high))
    puts = sum(cell.puts * share for cell, share in zip(parts, flows, strict=True))
    deletes = sum(cell.deletes * share for cell, share in zip(parts, flows, strict=True))
    return Cell(min(end, parts[-1].at), known, puts, deletes, *spreads)


#: Of what was never looked at.
NO_HISTORY = History()


def _merged(one: Row, two: Row) -> Row:
    """Return the row of two that follow each other without a gap."""
    before, after = one[_KNOWN], two[_KNOWN]
    known = before + after
    values = [two[_AT], known, one[_PUTS] + two[_PUTS], one[_DELETES] + two[_DELETES]]
    for place in range(_SPREADS, WIDTH, 3):
        low, mean, high = one[place], one[place + 1], one[place + 2]
        other = two[place + 1]
        values += (
            min(low, two[place]),
            # In whole numbers: a float does not hold all of 64 bits.
            other if mean == other or not known else (mean * before + other * after) // known,
            max(high, two[place + 2]),
        )
    return tuple(values)


def _is_at_rest(one: Row, two: Row) -> bool:
    """Whether nothing changed over two rows that follow each other without a gap."""
    return (
        two[_KNOWN] >= two[_AT] - one[_AT]
        and not (two[_PUTS] or two[_DELETES] or one[_PUTS] or one[_DELETES])
        and one[_SPREADS:] == two[_SPREADS:]
        and all(two[place] == two[place + 2] for place in range(_SPREADS, WIDTH, 3))
    )


def cell_of(row: Row) -> Cell:
    """Return the cell that is kept as a row."""
    spreads = (Spread(*row[place : place + 3]) for place in range(_SPREADS, WIDTH, 3))
    return Cell(row[_AT] / 1000, row[_KNOWN] / 1000, row[_PUTS], row[_DELETES], *spreads)
