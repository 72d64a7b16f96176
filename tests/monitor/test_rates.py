"""Where a tube came from: its trail stays small, and rates, courses and forecasts follow from it."""

from __future__ import annotations

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


def walk(*ready: int, step: float = 1.0, most: int = 120) -> Trail:
    trail: Trail = ()
    for number, count in enumerate(ready):
        trail = grown(trail, Point(number * step, count, 0, 0, 0, number, 0), most)
    return trail


def test_a_trail_never_has_more_points_than_it_may_and_reaches_back_to_its_beginning() -> None:
    trail = walk(*range(10_000), most=50)
    assert len(trail) <= 50
    assert trail[0].at == 0
    assert [one.at for one in trail[-10:]] == list(range(9990, 10_000))


def test_a_tube_at_rest_costs_two_points() -> None:
    trail: Trail = ()
    for at in range(1000):
        trail = grown(trail, Point(at, 5, 0, 0, 0, 9, 4), 120)
    assert [one.at for one in trail] == [0, 999]
    trail = grown(trail, Point(1000, 6, 0, 0, 0, 10, 4), 120)
    assert rates_between(*trail[-2:]) == Rates(1.0, 0.0)  # of the last second, not of the rest before


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
