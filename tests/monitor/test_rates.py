"""Where a tube came from: its trail stays small, and rates, courses and forecasts follow from it."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beanops.monitor.rates import (
    RATE_WINDOW,
    UNKNOWN,
    Point,
    Rates,
    Trail,
    course,
    flow,
    grown,
    rates_between,
    recent_rates,
    since,
    time_to_drain,
)
from beanops.ui.formatting import rate


def walk(*ready: int, step: float = 1.0, most: int = 120) -> Trail:
    trail: Trail = ()
    for number, count in enumerate(ready):
        trail = grown(trail, Point(number * step, count, 0, 0, 0, number, 0), most)
    return trail


def test_a_trail_holds_the_last_minute_and_never_more_points_than_it_may() -> None:
    trail = walk(*range(10_000), most=50)
    assert [one.at for one in trail] == list(range(9950, 10_000))
    assert [one.at for one in walk(*range(10_000))] == list(range(9939, 10_000))
    apart = walk(*range(100), step=40.0)
    assert [one.at for one in apart] == [3880, 3920, 3960], "what it was before the minute tells how that began"


def test_a_tube_at_rest_costs_two_points() -> None:
    trail: Trail = ()
    for at in range(1000):
        trail = grown(trail, Point(at, 5, 0, 0, 0, 9, 4), 120)
    assert [one.at for one in trail] == [0, 999]
    trail = grown(trail, Point(1000, 6, 0, 0, 0, 10, 4), 120)
    assert rates_between(*trail[-2:]) == Rates(1.0, 0.0)  # of the last second, not of the rest before


@pytest.mark.parametrize(("every", "shown"), [(3, "0.3"), (7, "0.1"), (10, "0.1"), (20, "0.05"), (30, "0.03")])
def test_the_rate_of_a_slow_tube_does_not_flicker(every: int, shown: str) -> None:
    trail: Trail = ()
    for at in range(600):
        trail = grown(trail, Point(at, 0, 0, 0, 0, at // every, at // every), 120)
        if at > 3 * every + RATE_WINDOW:
            assert rate(recent_rates(trail).puts) == shown, at


@pytest.mark.parametrize("jobs", [1, 1000])
def test_the_rate_of_a_tube_that_stops_goes_to_zero_within_the_window(jobs: int) -> None:
    trail: Trail = ()
    for at in range(100):
        trail = grown(trail, Point(at, 0, 0, 0, 0, jobs * min(at, 50), 0), 120)
        known = recent_rates(trail).puts
        if known is not None and at <= 50:
            assert known == pytest.approx(jobs)
        elif known is not None:
            assert known <= jobs
            assert (known == 0) is (at >= 50 + RATE_WINDOW)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=90))
def test_a_rate_is_never_beyond_what_came_in_a_second_and_none_only_without_jobs(puts: list[int]) -> None:
    trail: Trail = ()
    for at, count in enumerate(accumulate(puts)):
        trail = grown(trail, Point(at, 0, 0, 0, 0, count, 0), 120)
    found = recent_rates(trail).puts
    assert found is not None
    assert 0 <= found <= max(puts[1:])
    assert found > 0 or not any(puts[1:][-int(RATE_WINDOW) :])


def test_looks_at_once_and_counters_that_went_back_start_no_wild_rates() -> None:
    trail = walk(1, 2)
    assert grown(trail, Point(1.2, 3, 0, 0, 0, 3, 0), 120) == trail
    fresh = Point(5, 1, 0, 0, 0, 0, 0)
    assert grown(trail, fresh, 120) == (fresh,)


def test_the_time_to_drain_is_told_only_while_it_sinks() -> None:
    assert time_to_drain(walk(100, 90, 80)) == 8.0
    assert time_to_drain(walk(80, 90, 100)) is None
    assert time_to_drain(walk(80, 80)) is None
    assert time_to_drain(()) is None


def test_a_course_knows_nothing_of_the_time_before() -> None:
    assert course(walk(1, 2, 3), "ready", 2.0, 1.0, 5) == [None, None, 1, 2, 3]
    assert course((), "ready", 2.0, 1.0, 2) == [None, None]
    assert [one.puts for one in flow(walk(1, 2, 3), 3)] == [None, 1.0, 1.0]


def test_rates_are_those_of_one_window_however_often_somebody_looks() -> None:
    def watched(every: float) -> Rates:
        trail: Trail = ()
        for look in range(int(60 / every) + 1):
            at = look * every
            puts = 3 * int(at) if at > 55 else 0  # a burst at the end
            trail = grown(trail, Point(at, puts, 0, 0, 0, puts, 0), 120)
        return recent_rates(trail)

    assert watched(0.5) == watched(1.0) == Rates(3 * 60 / RATE_WINDOW, 0.0)


def test_the_rates_after_a_rest_are_those_of_the_window_and_not_of_the_rest() -> None:
    trail: Trail = ()
    for at in range(1000):
        trail = grown(trail, Point(at, 5, 0, 0, 0, 9, 4), 120)
    trail = grown(trail, Point(1000, 15, 0, 0, 0, 19, 4), 120)
    assert recent_rates(trail) == Rates(10 / RATE_WINDOW, 0.0)
    assert since(trail, 4.0) == Point(996, 5, 0, 0, 0, 9, 4)


def test_rates_are_unknown_before_the_second_look() -> None:
    assert recent_rates(()) == recent_rates(walk(1)) == UNKNOWN
    assert recent_rates(walk(1, 2, 3)) == Rates(1.0, 0.0)
