"""The charts on a page: crosshair, legend, windows, gaps, actions and keys, with and without a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beanops.notebook.chart_samples import PANELS, WINDOWS
from beanops.notebook.widgets.chart import Chart, ChartMark, Course, Row
from beanops.notebook.widgets.page_files import page_text
from beanops.notebook.widgets.root import Root
from tests.notebook.bare import BarePage, bare_page
from tests.waits import PATIENCE

#: 2027-01-15 08:00:00 UTC.
NOON = 1_800_000_000
#: Seconds for which nothing is known, after the first 40.
GAP = range(40, 80)


def course(seconds: int = 120) -> Course:
    rows: list[Row | None] = [None if n in GAP else (n % 7, 5, 2, 100 + n, 4.5, 0.25) for n in range(seconds)]
    return Course(1.0, NOON, rows, NOON + seconds - 0.5, rows[-1])


@pytest.fixture
def chart() -> Chart:
    made = Chart("chart", PANELS, WINDOWS, utc=True)
    made.show(course())
    made.mark([ChartMark(NOON + 30.0, "kick mail: 3 done"), ChartMark(NOON + 100.0, "pause mail: 1 done")])
    return made


@pytest.fixture
def bare(browser: Any, chart: Chart) -> Iterator[BarePage]:
    with bare_page(browser, chart, width=1000, height=400) as page:
        legend(page, "ready").get_by_text("219").wait_for()
        yield page
        assert page.errors == []


def legend(bare: BarePage, label: str) -> Any:
    return bare.page.locator(".beanops-series", has_text=label)


def plot(bare: BarePage, which: int = 0) -> Any:
    return bare.page.locator(".beanops-plot").nth(which)


def point(bare: BarePage, second: int, which: int = 0) -> float:
    """Move the pointer to the end of a second of a chart; return the pixels from the left of its plot."""
    box = plot(bare, which).bounding_box()
    low, high = 0.0, float(box["width"])
    while high - low > 0.25:
        middle = (low + high) / 2
        bare.page.mouse.move(box["x"] + middle, box["y"] + box["height"] / 2)
        place = int(plot(bare, which).get_attribute("aria-valuenow")) + 1
        if place == second:
            return middle
        low, high = (middle, high) if place < second else (low, middle)
    raise AssertionError(f"no place shows second {second}")


def tip(bare: BarePage) -> list[str]:
    return list(bare.page.locator(".beanops-tip:visible > div").all_text_contents())


def test_the_crosshair_tells_the_values_in_all_charts(bare: BarePage) -> None:
    point(bare, 20)
    assert tip(bare) == ["08:00:20 UTC1m39s ago", "buried5", "delayed5", "reserved2", "ready119", "all131"]
    assert legend(bare, "ready").text_content() == "ready119"
    assert legend(bare, "deletes").text_content() == "deletes0.3"
    point(bare, 20, which=1)
    assert tip(bare) == ["08:00:20 UTC1m39s ago", "puts4.5", "deletes0.3"]
    bare.picture("crosshair")
    bare.page.mouse.move(5, 5)
    assert tip(bare) == []
    assert legend(bare, "ready").text_content() == "ready219"


def test_a_gap_is_blank_and_no_line_bridges_it(bare: BarePage) -> None:
    point(bare, 60)
    assert tip(bare) == ["08:01:00 UTC59s ago", "no data"]
    gap, known = [[point(bare, first), point(bare, last)] for first, last in ((44, 78), (4, 25))]
    bare.page.mouse.move(5, 5)
    painted = """([left, right]) => {
      const canvas = document.querySelector(".beanops-canvas");
      const ratio = window.devicePixelRatio;
      const { data } = canvas.getContext("2d").getImageData(left * ratio, 0, (right - left) * ratio, 120 * ratio);
      const colours = new Set();
      for (let i = 0; i < data.length; i += 4) {
        const pixel = [...data.slice(i, i + 3)];
        // Of a colour, not grey as the grid is.
        if (data[i + 3] > 30 && Math.max(...pixel) - Math.min(...pixel) > 25) colours.add(String(pixel));
      }
      return colours.size;
    }"""
    assert bare.page.evaluate(painted, gap) == 0
    assert bare.page.evaluate(painted, known) > 4


def test_an_action_is_named_where_it_was(bare: BarePage) -> None:
    point(bare, 30)
    assert tip(bare)[-1] == "08:00:30 UTC kick mail: 3 done"
    point(bare, 34)
    assert "kick" not in tip(bare)[-1]


def test_keys_move_the_crosshair_and_screen_readers_hear_the_values(bare: BarePage) -> None:
    plot(bare).focus()
    said = lambda: plot(bare).get_attribute("aria-valuetext")  # noqa: E731
    assert said() == "now: buried 0, delayed 5, reserved 2, ready 219"
    bare.page.keyboard.press("ArrowLeft")
    bare.page.keyboard.press("ArrowLeft")
    assert said() == "08:01:59 UTC: buried 6, delayed 5, reserved 2, ready 218"
    bare.page.keyboard.press("PageUp")
    assert said().endswith("; pause mail: 1 done")
    bare.page.keyboard.press("PageUp")
    assert said().endswith("; kick mail: 3 done")
    bare.page.keyboard.press("Home")
    assert said().startswith("08:00:01 UTC: buried 0")
    bare.page.keyboard.press("Shift+ArrowRight")
    assert said().startswith("08:00:11 UTC: buried 3")
    bare.page.keyboard.press("Escape")
    assert said().startswith("now")
    assert tip(bare) == []


def test_the_legend_hides_series_on_all_pages_and_for_a_reload(browser: Any, bare: BarePage, chart: Chart) -> None:
    with bare_page(browser, chart) as other:
        legend(bare, "ready").click()
        bare.until(lambda: chart.hidden == ["ready"])
        for page in (bare, other):
            page.until(lambda page=page: legend(page, "ready").get_attribute("aria-pressed") == "false")
        bare.reload()
        bare.until(lambda: legend(bare, "ready").get_attribute("aria-pressed") == "false")
        point(bare, 20)
        assert tip(bare)[1:] == ["buried5", "delayed5", "reserved2", "all12"]
        legend(bare, "buried").click(modifiers=["Shift"])
        bare.until(lambda: chart.hidden == ["delayed", "ready", "reserved"])
        legend(bare, "buried").click()  # nothing would be left
        bare.until(lambda: chart.hidden == [])
        assert other.errors == []


def test_a_page_chooses_the_time(bare: BarePage, chart: Chart) -> None:
    bare.page.get_by_role("button", name="1 h").click()
    bare.until(lambda: chart.window.name == "1h")
    chart.show(course()._replace(step=10.0, first=NOON // 10 - 348, rows=[(0, 0, 0, 7, 0, 0)] * 360))
    bare.page.locator(".beanops-window[aria-pressed=true]", has_text="1 h").wait_for()
    bare.until(lambda: plot(bare).get_attribute("aria-valuemax") == "359")
    plot(bare).focus()
    bare.page.keyboard.press("Home")
    assert plot(bare).get_attribute("aria-valuetext").startswith("07:02:10 UTC")


def test_without_a_kernel_everything_but_new_data_goes_on(bare: BarePage, chart: Chart) -> None:
    bare.kill("throws")
    bare.page.get_by_role("button", name="all").click()
    legend(bare, "ready").click()
    assert legend(bare, "ready").get_attribute("aria-pressed") == "false"
    point(bare, 20)
    assert tip(bare)[1:] == ["buried5", "delayed5", "reserved2", "all12"]
    assert (chart.window.name, chart.hidden) == ("5m", [])


def test_a_saved_notebook_shows_the_charts_of_then(bare: BarePage, chart: Chart) -> None:
    assert isinstance(chart.root, Root)
    chart.root.save(NOON)
    bare.reopen()
    bare.until(lambda: plot(bare).get_attribute("aria-valuetext").startswith("08:01:59 UTC: buried 0"))
    point(bare, 11)
    assert tip(bare)[0].startswith("08:00:22")
    bare.picture("charts of a saved notebook")


def test_a_page_that_missed_a_message_asks_for_all(bare: BarePage, chart: Chart) -> None:
    bare.kill("silent")
    chart.show(course(121))
    bare.revive()
    chart.show(course(122))
    bare.until(lambda: legend(bare, "ready").text_content() == "ready221")
    plot(bare).focus()
    bare.page.keyboard.press("End")
    bare.page.keyboard.press("ArrowLeft")
    assert "ready 220" in plot(bare).get_attribute("aria-valuetext")


def test_a_tick_costs_little(bare: BarePage, chart: Chart) -> None:
    sent = bare.sent
    chart.show(course(121))
    legend(bare, "ready").get_by_text("220").wait_for()
    assert bare.sent - sent < 600


TICKS = [
    (0, True, [0, 1]),
    (1, True, [0, 1]),
    (3, True, [0, 1, 2, 3]),
    (7, True, [0, 2, 4, 6, 8]),
    (909, True, [0, 250, 500, 750, 1000]),
    (2_045, True, [0, 1000, 2000, 3000]),
    (0.03, False, [0, 0.01, 0.02, 0.03]),
    (11.6, False, [0, 5, 10, 15]),
]


def test_ticks_are_round_and_times_are_those_of_the_reader(browser: Any) -> None:
    page = browser.new_page(timezone_id="Asia/Kolkata")
    page.set_default_timeout(PATIENCE * 1000)
    page.add_script_tag(content=page_text("view/dom.js", "chart/chart_axes.js"))
    for most, is_whole, wanted in TICKS:
        assert page.evaluate("([most, isWhole]) => chartTicks(most, isWhole)", [most, is_whole]) == wanted
    times = "([from, to, most, utc]) => timeTicks(from, to, most, utc).map(({ text }) => text)"
    assert page.evaluate(times, [NOON, NOON + 300, 6, False]) == [f"13:{minute}" for minute in range(30, 36)]
    assert page.evaluate(times, [NOON, NOON + 60, 4, False]) == [
        "13:30:00",
        "13:30:15",
        "13:30:30",
        "13:30:45",
        "13:31:00",
    ]
    assert page.evaluate(times, [NOON, NOON + 86_400, 4, False]) == ["18:00", "Sat 16 Jan", "06:00", "12:00"]
    assert page.evaluate(times, [NOON, NOON + 86_400, 4, True]) == ["12:00", "18:00", "Sat 16 Jan", "06:00"]
    assert page.evaluate("at => momentText(at, at, false)", NOON) == "13:30:00"
    assert (
        page.evaluate("([at, now]) => momentText(at, now, true)", [NOON, NOON + 86_400]) == "Fri 15 Jan, 08:00:00 UTC"
    )
    assert page.evaluate("[0, 7, 999, 1000, 1500, 12345678].map(compactNumber)") == [
        *("0", "7", "999", "1k", "1.5k", "12.3M")
    ]
    page.close()
