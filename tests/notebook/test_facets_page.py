"""Filtering by brushes, values and causes in a browser: what is seen, which predicate it is, and what is done."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from beanops.notebook.views.browser import BrowserView
from beanops.session.session import Session
from tests.notebook.bare import BarePage, bare_page

ERRORS = ["timeout", "no such customer 12", "<b>payments_pkey</b>"]
#: The shown rows of the table.
SHOWN = "() => document.querySelector('.beanops-total').textContent"
#: The predicates of some choices as the page composes them; the classes are not seen from outside its module.
COMPOSED = """([source, dims, chosen]) => {
  const { whereOf } = new Function(`${source}; return { whereOf };`)();
  return dims.map((dim, i) => whereOf({ ...dim, size: dim.counts.length }, chosen[i]));
}"""


@pytest.fixture
def view(server: Session) -> Iterator[BrowserView]:
    chance = random.Random(1)
    for number in range(40):
        body = {"plan": chance.choice("abcdefgh"), "error": ERRORS[number % 3], "pad": "x" * chance.randrange(90)}
        server.put(json.dumps(body).encode(), tube="mail", priority=chance.choice([0, 7, 99]))
    server.bury(range(1, 21))
    with server.browse("mail") as view:
        yield view.wait()


@pytest.fixture
def bare(browser: Any, view: BrowserView) -> Iterator[BarePage]:
    with bare_page(browser, view, width=1400) as bare:
        bare.page.locator(".beanops-value").first.wait_for()
        yield bare
        assert bare.errors == []


def histogram(bare: BarePage, name: str) -> Any:
    return bare.page.locator(".beanops-histogram", has=bare.page.get_by_text(name, exact=True)).locator(".beanops-bars")


def brush(bare: BarePage, bars: Any, low: float, high: float) -> None:
    box = bars.bounding_box()
    bare.page.mouse.move(box["x"] + low * box["width"], box["y"] + 20)
    bare.page.mouse.down()
    bare.page.mouse.move(box["x"] + high * box["width"], box["y"] + 20, steps=4)
    bare.page.mouse.up()


def count(bare: BarePage) -> str:
    return str(bare.page.locator(".beanops-match-count").text_content())


def test_a_brush_filters_the_table_and_all_other_bins(bare: BarePage, view: BrowserView, server: Session) -> None:
    bars = histogram(bare, "size")
    brush(bare, bars, 0.3, 0.7)
    bare.until(lambda: view.chosen_where is not None)
    matching = view.matching
    assert 0 < len(matching) < 40
    assert sorted(server.jobs("mail", where=view.chosen_where)["id"]) == sorted(matching)
    bare.until(lambda: count(bare) == f"{len(matching)} of 40 jobs")
    bare.until(lambda: bare.page.evaluate(SHOWN).startswith(f"{len(matching)} of 40"))
    assert {int(key) for key in bare.keys(0)} <= set(matching)
    states = bare.page.locator(".beanops-value[data-state] .beanops-value-count").all_text_contents()
    assert sum(map(int, states)) == len(matching)
    assert bare.page.locator(".beanops-chip code").text_content() == view.chosen_where
    code = bare.page.locator(".beanops-code").text_content()
    assert sorted(eval(code, {"session": server})["id"]) == sorted(matching)
    bars.press("Escape")
    bare.until(lambda: view.chosen_where is None and count(bare) == "40 jobs")


def test_causes_and_values_are_toggled_and_taken_back(bare: BarePage, view: BrowserView) -> None:
    causes = bare.page.locator(".beanops-cause")
    assert sorted(map(int, bare.page.locator(".beanops-cause-count").all_text_contents())) == [13, 13, 14]
    causes.first.click()
    bare.until(lambda: len(view.matching) == 14)
    bare.page.locator(".beanops-cause[aria-pressed=true]").wait_for()
    bare.page.locator(".beanops-value[data-state=buried]").click()
    bare.until(lambda: 0 < len(view.matching) < 14)
    bare.until(lambda: count(bare).startswith(f"{len(view.matching)} of"))
    assert bare.page.locator(".beanops-chip").count() == 2
    bare.page.locator(".beanops-chip button").last.click()
    bare.until(lambda: len(view.matching) == 14)
    causes.nth(1).click(modifiers=["Alt"])
    bare.page.get_by_role("button", name="Clear", exact=True).click()
    bare.until(lambda: view.chosen_where is None)
    causes.first.focus()
    bare.page.keyboard.press("ArrowDown")
    bare.page.keyboard.press("Enter")
    bare.until(lambda: len(view.matching) == 13)


def test_keys_brush_too(bare: BarePage, view: BrowserView) -> None:
    bars = histogram(bare, "priority")
    bars.focus()
    bare.page.keyboard.press("Home")
    bare.page.keyboard.press("Shift+ArrowRight")
    bare.until(lambda: view.chosen_where == "priority <= 7")
    bare.page.keyboard.press("ArrowRight")
    bare.page.keyboard.press("Enter")
    bare.until(lambda: view.chosen_where == "priority = 99")
    assert bars.get_attribute("aria-label") == "priority: 99"


def test_a_cell_of_the_heat_map_chooses_a_cause_and_a_time(browser: Any, server: Session) -> None:
    for number in range(6):
        server.put(b'{"error": "timeout"}' if number % 2 else b'{"error": "refused"}', tube="mail")
    with server.browse("mail") as view:
        view.wait()
        moments = view._bins._moments._numbers
        for place in range(len(moments)):
            moments[place] -= 60 * place
        view._show_bins(view._bins)
        with bare_page(browser, view) as bare:
            heat = bare.page.locator(".beanops-heat")
            box = heat.bounding_box()
            heat.click(position={"x": box["width"] - 3, "y": 36})
            bare.until(lambda: set(view.facets.chosen) == {"cause", "age"})
            assert "created >= " in view.chosen_where
            heat.hover(position={"x": 5, "y": 5})
            assert " put " in bare.page.locator(".beanops-causes-head .beanops-facet-said").text_content()
            assert bare.errors == []


def test_a_button_asks_and_acts_on_all_that_match(bare: BarePage, view: BrowserView, server: Session) -> None:
    bare.page.locator(".beanops-cause").first.click()
    kick = bare.page.locator(".beanops-match-action[data-action=kick]")
    wanted = len(server.jobs("mail", state="buried", where=view.facets.dimensions["cause"].where([0])))
    bare.until(lambda: kick.text_content() == f"Kick {wanted}")
    kick.click()
    assert kick.text_content() == f"Kick {wanted} jobs: sure?"
    assert server.tube("mail").current_jobs_buried == 20
    kick.click()
    bare.until(lambda: server.tube("mail").current_jobs_buried == 20 - wanted)
    bare.until(lambda: kick.is_disabled())
    assert view.status == f"kick: {wanted} done"


def test_a_field_of_the_body_becomes_a_filter_and_a_column(bare: BarePage, view: BrowserView) -> None:
    bare.row(0, "40").click()
    field = bare.page.locator(".beanops-field", has_text="$.plan")
    field.wait_for()
    plan = str(field.locator(".beanops-field-value").text_content())
    field.hover()
    field.get_by_role("button", name="only jobs with").click()
    bare.until(lambda: view.chosen_where == f"(data->>'$.plan') = '{plan}'")
    bare.until(lambda: count(bare) == f"{len(view.matching)} of 40 jobs")
    field.hover()
    field.get_by_role("button", name="column").click()
    bare.grid(0).locator(".beanops-header").get_by_text("$.plan").wait_for()


def test_a_dead_kernel_leaves_the_filters_but_not_the_buttons(bare: BarePage, view: BrowserView) -> None:
    bare.page.locator(".beanops-cause").first.click()
    bare.until(lambda: count(bare) == "14 of 40 jobs")
    bare.kill("throws")
    bare.page.locator(".beanops-value[data-state=buried]").click()
    bare.until(lambda: count(bare) != "14 of 40 jobs")
    bare.until(lambda: bare.page.locator(".beanops-match-action[data-action=kick]").is_disabled())
    bare.until(lambda: bare.page.evaluate(SHOWN).startswith(count(bare).partition(" ")[0]))


def test_a_page_without_a_kernel_shows_what_there_was(bare: BarePage, view: BrowserView) -> None:
    view._save()
    bare.reopen()
    bare.page.locator(".beanops-cause").first.wait_for()
    assert sorted(map(int, bare.page.locator(".beanops-cause-count").all_text_contents())) == [13, 13, 14]
    assert bare.page.locator(".beanops-value[data-state=buried] .beanops-value-count").text_content() == "20"


def test_the_page_composes_the_predicates_of_python(bare: BarePage, view: BrowserView) -> None:
    from beanops.notebook.widgets.page_files import page_text

    chance = random.Random(5)
    view.add_path("$.plan")
    dims, chosen, expected = [], [], []
    for bins in view.facets.dimensions.values():
        for _ in range(6):
            some = sorted(chance.sample(range(bins.size), chance.randint(1, bins.size)))
            dims.append(bins.described)
            chosen.append(some)
            expected.append(bins.where(some))
    assert bare.page.evaluate(COMPOSED, [page_text("facets/crossfilter.js"), dims, chosen]) == expected


def test_a_button_says_which_selected_rows_are_hidden(bare: BarePage, view: BrowserView, server: Session) -> None:
    view.select_all()
    bare.page.locator(".beanops-cause").first.click()
    bare.until(lambda: "14 of 40 jobs, 40 selected (26 hidden)" in bare.page.evaluate(SHOWN))
    kick = bare.grid(0).locator(".beanops-tools [data-action=kick]")
    kick.click()
    assert kick.text_content() == "Kick 40 jobs, 26 hidden: sure?"
    view.select(1)
    bare.grid(0).locator(".beanops-filter").last.fill("no such row")
    bare.until(lambda: bare.keys(0) == [])
    kick.click()  # one job that is seen is kicked at once
    assert kick.text_content() == "Kick job 1, hidden: sure?"
    assert server.tube("mail").current_jobs_buried == 20
