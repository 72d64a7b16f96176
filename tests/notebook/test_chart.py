"""The charts' protocol with their page."""

from __future__ import annotations

import json

import pytest

from beanops.notebook.widgets.chart import LIMIT, Chart, Panel, Series
from tests.notebook.pages import Page


@pytest.fixture
def chart() -> Chart:
    return Chart("chart", [Panel("jobs", [Series("ready", "ready"), Series("buried", "buried")], stacked=True)])


def test_a_page_gets_all_samples_then_one_a_tick(chart: Chart) -> None:
    page = Page(chart)
    chart.append(7.01, 1, 2)
    page.says("hello")
    chart.append(7.52, None, 3)
    (early, whole, tick) = page.heard
    assert early["samples"] == whole["samples"] == [(7.0, 1, 2)]
    assert (tick["sample"], tick["seq"]) == ((7.5, None, 3), whole["seq"] + 1)
    assert len(json.dumps(tick)) < 200


def test_it_remembers_so_many_samples_and_no_more(chart: Chart) -> None:
    for number in range(LIMIT + 5):
        chart.append(number / 2, number, 0)
    assert [chart.samples[0], chart.samples[-1], len(chart.samples)] == [
        (2.5, 5, 0),
        ((LIMIT + 4) / 2, LIMIT + 4, 0),
        LIMIT,
    ]
