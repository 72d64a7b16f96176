"""What is known of the past: whatever happened, no tier tells anything that was not so, and a gap stays a gap."""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beanops.monitor.history import DAY, TIERS, History, Spread, Tier, resampled
from beanops.monitor.rates import Point

COUNTS = st.one_of(st.integers(0, 3), st.integers(0, 2**62))


class Truth(NamedTuple):
    """One second of a tube: its ready jobs, and how many were put; None for both is a second that nobody saw."""

    ready: int | None
    puts: int


SECONDS = st.lists(st.builds(Truth, st.one_of(COUNTS, st.none()), st.integers(0, 9)), min_size=1, max_size=40)


def kept(series: list[Truth], each: int = 1) -> tuple[History, list[tuple[int, int, bool]]]:
    """Return a history of these seconds, and the moments that were seen: when, how many, and whether joined."""
    history = History()
    seen: list[tuple[int, int, bool]] = []
    put = 0
    joined = False
    for number, (ready, puts) in enumerate(series):
        at = 5 + number * each
        put += puts
        if ready is None:
            joined = False
            continue
        history.add(Point(at, ready, 0, 0, 0, put, 0), joined)
        seen.append((at, ready, joined))
        joined = True
    return history, seen


def finest(history: History, at: float) -> Tier:
    """Return the finest tier that must still have a moment."""
    assert history.ended is not None
    return next(tier for tier in TIERS if history.ended - at < tier.keep)


@given(st.lists(SECONDS, min_size=1, max_size=40), st.sampled_from([1, 7, 40]))
def test_each_tier_tells_the_truth_to_its_own_width(parts: list[list[Truth]], each: int) -> None:
    history, seen = kept([one for part in parts for one in part], each)
    for step in (0.0, *(tier.step for tier in TIERS)):
        cells = history.cells(0, 5 + each * 10_000, step)
        for cell in cells:
            inside = [ready for at, ready, _ in seen if cell.at - cell.seconds < at <= cell.at]
            closed = [ready for at, ready, _ in seen if cell.at - cell.seconds <= at <= cell.at]
            assert {cell.ready.low, cell.ready.high} <= set(closed)
            assert all(cell.ready.low <= ready <= cell.ready.high for ready in inside)
            assert cell.ready.low <= cell.ready.mean <= cell.ready.high
            width = max(step, finest(history, cell.at - cell.seconds).step)
            assert cell.seconds < width + each or cell.ready.low == cell.ready.high
        # Each look is in one cell, and none is lost.
        for at, _, _ in seen:
            assert any(cell.at - cell.seconds <= at <= cell.at for cell in cells)
        # Nobody looked in a gap, so nothing is told of it.
        for (before, _, _), (after, _, joined) in itertools.pairwise(seen):
            middle = (before + after) / 2
            covered = any(cell.at - cell.seconds < middle <= cell.at for cell in cells)
            assert covered is joined


@given(SECONDS)
def test_jobs_put_are_counted_once_whatever_the_tier(series: list[Truth]) -> None:
    history, seen = kept(series)
    joined = sum(
        sum(one.puts for number, one in enumerate(series) if before - 5 < number <= after - 5)
        for (before, _, _), (after, _, joined) in itertools.pairwise(seen)
        if joined
    )
    for tier in TIERS:
        assert sum(cell.puts for cell in history.cells(0, 100_000, tier.step)) == joined


def test_a_tube_that_grows_steadily_is_a_straight_line_after_two_days() -> None:
    history = History()
    for at in range(0, int(2 * DAY), 5):
        history.add(Point(at, at, 0, 0, 0, at, 0))
    end = 2 * DAY - 5
    drawn = resampled(history.cells(0, end, 60.0), 0.0, end / 100, 100)
    for place, cell in enumerate(drawn):
        assert cell is not None
        moment = (place + 1) * end / 100
        assert abs(cell.ready.high - moment) <= TIERS[-1].step
        assert cell.rates.puts == pytest.approx(1.0)


def test_a_spike_of_one_second_is_still_there_after_a_week() -> None:
    history = History()
    for at in range(0, int(7 * DAY), 15):
        history.add(Point(at, 5_000 if at == 86_415 else at % 7, 0, 0, 0, 0, 0))
    peaks = [cell for cell in history.cells(0, 7 * DAY) if cell.ready.high == 5_000]
    assert len(peaks) == 1
    assert peaks[0].at - peaks[0].seconds < 86_415 <= peaks[0].at
    assert peaks[0].seconds <= TIERS[-1].step
    drawn = resampled(history.cells(0, 7 * DAY), 0.0, 7 * DAY / 60, 60)
    assert [place for place, cell in enumerate(drawn) if cell and cell.ready.high == 5_000] == [8]


def test_the_recent_past_has_more_detail_than_the_older() -> None:
    history = History()
    for at in range(20_000):
        history.add(Point(at, random.Random(at).randrange(100), 0, 0, 0, 0, 0))
    cells = history.cells(0, 20_000)
    assert cells[0].at - cells[0].seconds <= 0
    assert {round(cell.seconds) for cell in cells if cell.at > 19_500} == {1, 2}, "2 where it did not change"
    assert {round(cell.seconds) for cell in cells if 13_000 < cell.at < 19_000} == {10}
    assert max(round(cell.seconds) for cell in cells) <= 60
    assert sum(cell.seconds for cell in history.cells(19_990, 20_000)) == 9


def test_a_tube_at_rest_is_one_cell_in_each_tier_however_long_it_rests() -> None:
    history = History()
    for at in range(5000):
        history.add(Point(at, 5, 0, 0, 2, 9, 9))
    cells = history.cells(0, 5000)
    assert len(cells) <= 2
    assert (cells[0].at - cells[0].seconds, cells[-1].at) == (0, 4999)
    assert {cell.buried for cell in cells} == {Spread(2, 2, 2)}


def test_counters_that_went_back_are_a_gap_and_no_rate() -> None:
    history = History()
    for at, puts in enumerate([10, 20, 30, 2, 4]):
        history.add(Point(at, 1, 0, 0, 0, puts, 0))
    assert [cell.rates.puts for cell in history.cells(-1, 10)] == [None, 10.0, 10.0, None, 2.0]
    history.add(Point(2, 1, 0, 0, 0, 9, 0))
    assert history.cells(-1, 10)[-1].at == 4, "a clock does not run back"


def test_many_noisy_tubes_forget_their_oldest_past_instead_of_growing() -> None:
    noise = random.Random(1)
    history = History()
    for at in range(30_000):
        numbers = [noise.randrange(2**40) for _ in range(4)]
        history.add(Point(at, *numbers, at * 7, at * 5), most=4_000)
    assert sum(tier.size for tier in history._tiers) <= 4_000
    cells = history.cells(0, 30_000)
    assert cells[-1].at == 29_999
    assert all(two.at - two.seconds >= one.at - 600 for one, two in itertools.pairwise(cells))
