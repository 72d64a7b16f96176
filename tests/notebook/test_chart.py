"""The charts' protocol with their page."""

from __future__ import annotations

import json

import pytest

from beanops.notebook.widgets.chart import MOST_KEPT, Chart, ChartMark, ChartWindow, Course, Panel, Series
from beanops.protocol.errors import ArgumentError
from tests.notebook.pages import Page

FIVE, HOUR = ChartWindow("5m", "5 min", 300.0, ""), ChartWindow("1h", "1 h", 3600.0, "")


@pytest.fixture
def chosen() -> list[ChartWindow]:
    return []


@pytest.fixture
def chart(chosen: list[ChartWindow]) -> Chart:
    panel = Panel("jobs", [Series("ready", "ready"), Series("buried", "buried")], stacked=True)
    return Chart("chart", [panel], [FIVE, HOUR], on_window=chosen.append)


def course(first: int, *ready: int | None) -> Course:
    rows = [None if number is None else (number, 0) for number in ready]
    return Course(1.0, first, rows, first + len(rows) - 0.5, rows[-1])


def test_a_page_gets_the_whole_course_then_what_changed(chart: Chart) -> None:
    page = Page(chart)
    chart.show(course(100, 1, 2))
    page.says("hello")
    chart.show(course(100, 1, 2, 5))
    chart.show(course(100, 1, 2, 6))
    chart.show(course(101, 2, 6, None, 7))
    chart.show(course(102, 6, None, 7))
    assert page.kinds == ["course", "hidden", "marks", "course", "bins", "bins", "bins", "bins"]
    whole, *ticks = page.heard[3:]
    assert (whole["first"], whole["rows"], whole["reach"], whole["window"]) == (100, [(1, 0), (2, 0)], 300.0, "5m")
    assert [(tick["first"], tick["rows"]) for tick in ticks] == [
        (102, [(5, 0)]),
        (102, [(6, 0)]),
        (103, [None, (7, 0)]),
        (105, []),
    ]
    assert [tick["seq"] for tick in ticks] == [whole["seq"] + place for place in range(1, 5)]
    assert max(len(json.dumps(tick)) for tick in ticks) < 250


@pytest.mark.parametrize("other", [course(0, 1, 2), course(300, 1), course(100, 1)._replace(step=2.0)])
def test_another_time_is_sent_whole(chart: Chart, other: Course) -> None:
    page = Page(chart)
    chart.show(course(100, 1, 2))
    page.says("hello")
    chart.show(other)
    assert (page.kinds[-1], page.heard[-1]["first"]) == ("course", other.first)


def test_the_reader_chooses_the_time_and_the_series(chart: Chart, chosen: list[ChartWindow]) -> None:
    page = Page(chart)
    page.says("window", name="1h")
    assert (chart.window, chosen) == (HOUR, [HOUR])
    page.says("hidden", labels=["ready"])
    assert (chart.hidden, page.heard[-1]["labels"]) == (["ready"], ["ready"])
    with pytest.raises(ArgumentError, match="one of 5m, 1h"):
        chart.choose("2h")
    with pytest.raises(ArgumentError, match="one of buried, ready"):
        chart.hide("nope")
    page.says("window", name="2h")  # shown as an error, if somebody listens
    assert chart.window == HOUR


def test_actions_are_sent_when_they_change(chart: Chart) -> None:
    page = Page(chart)
    for _ in range(2):
        chart.mark([ChartMark(7.0, "kick: 1 done")])
    assert [message["marks"] for message in page.heard] == [[{"at": 7.0, "text": "kick: 1 done"}]]


def test_a_snapshot_is_small_and_keeps_spikes_and_gaps(chart: Chart) -> None:
    ready: list[int | None] = [*([3] * 299), 9_000, *([None] * 40), *([4] * 20)]
    chart.show(course(1_795_848_007, *ready))
    chart.mark([ChartMark(float(number), f"kick: {number} done") for number in range(50)])
    messages = chart.snapshot()
    whole = next(message for message in messages if message["kind"] == "course")
    assert len(json.dumps(messages)) < 2500
    assert len(whole["rows"]) <= MOST_KEPT + 1
    assert max(row[0] for row in whole["rows"] if row) == 9_000
    assert None in whole["rows"]
    assert whole["first"] * whole["step"] <= 1_795_848_007 < (whole["first"] + 1) * whole["step"]
    assert (whole["first"] + len(whole["rows"])) * whole["step"] >= whole["at"]
