"""Checks by the guidelines of monitoring plugins: ranges in all forms, states, performance data."""

from __future__ import annotations

from math import inf

import pytest

from beanops.monitor.checks import (
    CRITICAL,
    OK,
    UNKNOWN,
    WARNING,
    Bounds,
    Finding,
    Value,
    nagios,
    parse_bounds,
    parse_range,
    performance_data,
    prometheus,
    result_of,
)


@pytest.mark.parametrize(
    ("text", "fine", "alert"),
    [
        ("10", [0, 5, 10], [-1, 10.5, 11]),
        ("10:", [10, 1e9], [9.9, -5]),
        ("~:10", [-1e9, 0, 10], [10.1]),
        ("10:20", [10, 15, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
        ("@10", [-1, 11], [0, 10]),
        ("@~:10", [11], [-5, 10]),
        ("@10:", [9], [10, 1e9]),
        ("0", [0], [1, -1]),
        (":10", [0, 10], [11, -1]),
        ("-5:5", [-5, 0, 5], [-6, 6]),
        ("-10:-5", [-7], [-4, 0]),
        ("1.5:2.5", [1.5, 2.5], [1.4, 2.6]),
        (" 1: ", [1], [0]),
        ("~:", [-inf, 0, inf], []),
    ],
)
def test_a_range_alerts_as_the_guidelines_say(text: str, fine: list[float], alert: list[float]) -> None:
    limit = parse_range(text)
    assert [limit.alerts(value) for value in fine] == [False] * len(fine)
    assert [limit.alerts(value) for value in alert] == [True] * len(alert)


@pytest.mark.parametrize("text", ["", "@", "x", "20:10", "1:x", "10:~", "1:2:3", "nan", "inf", "1,2:x", ",", "~"])
def test_what_is_no_range_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|begins above"):
        parse_bounds(text)


@pytest.mark.parametrize(
    ("text", "value", "state"),
    [
        ("10", 11, CRITICAL),
        ("10,100", 5, OK),
        ("10,100", 50, WARNING),
        ("10,100", 500, CRITICAL),
        ("10,", 500, WARNING),
        (",10", 500, CRITICAL),
        ("2:,1:", 1, WARNING),
        ("2:,1:", 0, CRITICAL),
    ],
)
def test_one_range_is_critical_and_two_are_warning_and_critical(text: str, value: float, state: int) -> None:
    assert parse_bounds(text).state(value) == state


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Value("ready", 5), "ready=5;;;0"),
        (Value("age", 61.5, "mail", parse_bounds("60,3600"), "s"), "'mail age'=61.5s;60;3600;0"),
        (Value("workers", 0, "mail", parse_bounds("1:")), "'mail workers'=0;;1:;0"),
        (Value("rate", 1e6, limits=parse_bounds("@~:0.5,~:2000000")), "rate=1000000;@~:0.5;~:2000000;0"),
        (Value("rate", None, limits=parse_bounds("1:")), "rate=U"),
        (Value("ready", 2**62), f"ready={2**62};;;0"),
        (Value("ready", 1, "a$b"), "'a$b ready'=1;;;0"),
    ],
)
def test_performance_data_is_what_the_guidelines_describe(value: Value, data: str) -> None:
    assert performance_data(value) == data


def test_the_line_says_the_worst_first_and_the_pipe_is_only_before_the_data() -> None:
    values = [
        Value("ready", 7, "mail", parse_bounds("5,10")),
        Value("buried", 3, "mail", parse_bounds("2")),
        Value("rate", None, "mail", parse_bounds("1:")),
    ]
    result = result_of(values, [Finding(WARNING, "server: slow | late")])
    assert result.state == CRITICAL
    line = nagios(result)
    assert line.startswith("BEANSTALKD CRITICAL - mail buried 3 is outside 2; mail ready 7 is outside 5; server: slow")
    assert "mail rate is unknown" in line
    assert line.count("|") == 1
    assert "\n" not in line
    assert result_of([Value("rate", None, limits=Bounds(parse_range("1:")))]).state == UNKNOWN
    assert nagios(result_of([], fine="all is well")) == "BEANSTALKD OK - all is well"
    assert 'beanops_check_value{tube="mail",name="buried"} 3' in prometheus(result)
