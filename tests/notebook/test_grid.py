"""The table in a browser: what a user sees of its columns, cells and rows, and what the keys and menus do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from beanops.notebook.widgets.buttons import Click, ToolButton
from beanops.notebook.widgets.cells import Fold, spark
from beanops.notebook.widgets.table import Cells, Grid
from beanops.ui.columns.column import Column
from tests.notebook.bare import BarePage, bare_page

Clicks = list[Any]


def column(name: str, unit: Any = "count", **how: Any) -> Column[Any]:
    return Column(name, name, lambda row: None, unit, **how)


JOBS = [
    column("state", "state"),
    column("id", "id"),
    column("tube", "text"),
    column("age", "seconds"),
    column("left", "seconds"),
    column("size"),
    column("body", "text", em=24),
]
STATES = ("ready", "buried")
#: Ids that are not exact as numbers of a page.
FIRST = 2**64 - 3000


def job_rows(number: int = 3000, first: int = FIRST) -> dict[str, Cells]:
    return {
        str(first + n): (
            STATES[n % 2],
            str(first + n),
            "mail",
            3661 + n,
            None,
            n * 7 % 1000,
            f"body {n} Straße {n % 9}",
        )
        for n in range(number)
    }


@pytest.fixture
def clicks() -> Clicks:
    return []


@pytest.fixture
def jobs(clicks: Clicks) -> Grid:
    def export(kind: str, keys: tuple[str, ...]) -> tuple[str, bytes]:
        return f"bodies.{kind}", "\n".join(keys).encode()

    grid = Grid(
        "jobs", JOBS, noun="job", actions=[ToolButton("kick", "Kick", ["buried"])], filter=True, tidy=True, paths=True,
        on_action=clicks.append, on_column=clicks.append, on_drop=clicks.append, on_export=export,
        on_error=clicks.append,
    )  # fmt: skip
    grid.update(job_rows())
    return grid


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[..., BarePage]]:
    opened = []

    def open(grid: Grid, **how: Any) -> BarePage:
        page = bare_page(browser, grid, **how)
        opened.append(page)
        shown = page.__enter__()
        shown.page.locator(".beanops-body .beanops-row").first.wait_for()
        return shown

    yield open
    for page in opened:
        page.__exit__(None, None, None)


def texts(bare: BarePage, key: str) -> list[str]:
    cells = bare.page.locator(f'.beanops-row[data-key="{key}"] .beanops-cell:visible')
    return list(cells.all_text_contents())


def heads(bare: BarePage) -> list[str]:
    return list(bare.page.locator(".beanops-sort").all_text_contents())


def shown(bare: BarePage) -> str:
    return str(bare.page.locator(".beanops-total").text_content())


def order(bare: BarePage) -> list[str]:
    return bare.keys(0)


def choose(bare: BarePage, menu: str, choice: str) -> None:
    bare.page.get_by_role("button", name=menu, exact=True).click()
    bare.page.locator(".beanops-choice:visible", has_text=choice).first.click()


# -- columns -----------------------------------------------------------------------------------------------------------


def test_what_all_rows_share_takes_no_column_and_comes_back_by_a_click(jobs: Grid, show: Any) -> None:
    bare = show(jobs)
    assert heads(bare) == ["state", "id", "age", "size", "body"]
    assert texts(bare, str(FIRST)) == ["ready", str(FIRST), "1h01m", "0", "body 0 Straße 0"]
    note = bare.page.locator(".beanops-constant")
    assert note.text_content() == "in all rows:tube mailhidden, empty: leftshow"
    note.get_by_role("button").click()
    assert heads(bare) == [each.name for each in JOBS]
    assert texts(bare, str(FIRST))[4] == "–"
    assert note.text_content() == ""
    assert bare.errors == []


def test_a_column_that_varies_later_appears(jobs: Grid, show: Any) -> None:
    bare = show(jobs)
    key = str(FIRST + 1)
    jobs.patch({key: ("buried", key, "sms", 1, 5, 0, "another")})
    bare.page.get_by_role("button", name="tube", exact=True).wait_for()
    assert texts(bare, key) == ["buried", key, "sms", "1s", "5s", "0", "another"]


def test_ids_are_never_cut_and_every_number_has_its_full_value(jobs: Grid, show: Any) -> None:
    bare = show(jobs, width=620)
    cut = "cell => cell.scrollWidth > cell.clientWidth"
    for kind in (".beanops-id", ".beanops-number"):
        cells = bare.page.locator(f".beanops-body .beanops-row:not([hidden]) {kind}")
        assert cells.count() > 10
        assert not any(cell.evaluate(cut) for cell in cells.all()[:20])
    row = bare.page.locator(f'.beanops-row[data-key="{FIRST + 1}"]')
    assert row.locator(".beanops-seconds").get_attribute("title") == "age: 1h01m, 3,662 s"
    assert row.locator(".beanops-text").get_attribute("title") == "body 1 Straße 1"


def test_columns_are_resized_by_dragging_by_keys_and_to_fit(jobs: Grid, show: Any) -> None:
    bare = show(jobs)
    head = bare.page.locator(".beanops-header .beanops-cell").nth(3)

    def width() -> float:
        return float(head.bounding_box()["width"])

    before, box = width(), head.bounding_box()
    bare.page.mouse.move(box["x"] + before - 3, box["y"] + 10)
    bare.page.mouse.down()
    bare.page.mouse.move(box["x"] + before + 47, box["y"] + 10, steps=3)
    bare.page.mouse.up()
    assert width() == pytest.approx(before + 50, abs=2)
    cell = bare.page.locator(f'.beanops-row[data-key="{FIRST}"] .beanops-cell').nth(3)
    assert cell.bounding_box()["width"] == pytest.approx(width(), abs=1)

    bare.page.locator(".beanops-view").focus()
    bare.page.keyboard.press("ArrowUp")
    for _ in range(3):
        bare.page.keyboard.press("ArrowRight")
    wide = width()
    bare.page.keyboard.press("Shift+ArrowRight")
    assert width() == wide + 16
    bare.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert "998" in texts(bare, order(bare)[0]) or "999" in texts(bare, order(bare)[0])
    head.locator(".beanops-edge").dblclick()
    assert width() < before + 10
    choose(bare, "Columns", "Reset")
    assert width() == pytest.approx(before, abs=1)
    assert head.get_attribute("aria-sort") == "none"
    assert bare.errors == []


def test_the_user_chooses_columns_and_adds_one_of_a_body_path(jobs: Grid, show: Any, clicks: Clicks) -> None:
    bare = show(jobs)
    choose(bare, "Columns", "size")
    bare.page.keyboard.press("Escape")
    assert heads(bare) == ["state", "id", "age", "body"]
    jobs.suggest(["$.user.id"])
    bare.page.get_by_role("button", name="Columns").click()
    bare.page.get_by_label("add a column of a body path").fill("$.user")
    bare.page.keyboard.press("Enter")
    bare.until(lambda: clicks == ["$.user"])
    jobs.add_column(column("$.user", "text"), [f"user {n}" for n in range(3000)])
    bare.until(lambda: heads(bare)[-1] == "$.user")
    assert texts(bare, str(FIRST + 4))[-1] == "user 4"
    with_one_more = (*job_rows()[str(FIRST)], "somebody")
    jobs.patch({str(FIRST): with_one_more})
    bare.page.locator(f'.beanops-row[data-key="{FIRST}"]', has_text="somebody").wait_for()
    bare.reload()
    bare.until(lambda: heads(bare)[-1:] == ["$.user"])
    bare.page.get_by_role("button", name="Columns").click()
    bare.page.get_by_role("button", name="remove $.user").click()
    bare.until(lambda: clicks[1:] == ["$.user"])
    jobs.drop_column("$.user")
    bare.until(lambda: "$.user" not in heads(bare))
    assert jobs.rows[str(FIRST)] == job_rows()[str(FIRST)]
    jobs.add_column(column("$.plan", "text"), ["pro"] * 3000)
    bare.until(lambda: heads(bare)[-1] == "$.plan")
    bare.kill()
    jobs.drop_column("$.plan")
    bare.revive()
    jobs.patch({str(FIRST): ("buried", *job_rows()[str(FIRST)][1:])})  # the message that shows it the gap
    bare.until(lambda: texts(bare, str(FIRST))[0] == "buried" and "$.plan" not in heads(bare))
    assert bare.errors == []


# -- rows --------------------------------------------------------------------------------------------------------------


def test_ids_sort_as_numbers_and_the_third_click_takes_it_back(jobs: Grid, show: Any) -> None:
    jobs.update({**job_rows(3, 9), **job_rows(3)})
    bare = show(jobs)
    for expected in (
        [str(FIRST + 2), str(FIRST + 1), str(FIRST), "11", "10", "9"],
        ["9", "10", "11", str(FIRST), str(FIRST + 1), str(FIRST + 2)],
        ["9", "10", "11", str(FIRST), str(FIRST + 1), str(FIRST + 2)],
    ):
        bare.page.get_by_role("button", name="id", exact=True).click()
        assert order(bare) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("BODY 12 ", 111), ("straße 4", 333), ("!ready", 1500), ("1h17m", 60), ("zz", 0), ("! ", 3000), ("buried", 1500)],
)
def test_the_filter_finds_what_is_shown(jobs: Grid, show: Any, typed: str, expected: int) -> None:
    bare = show(jobs)
    bare.page.locator(".beanops-filter").fill(typed)
    total = "3,000 jobs" if expected == 3000 else f"{expected:,} of 3,000 jobs"
    bare.until(lambda: shown(bare) == total)
    empty = bare.page.locator(".beanops-empty")
    assert empty.is_visible() == (expected == 0)
    key = str(FIRST)
    jobs.patch({key: ("ready", key, "mail", 1, None, 1, "zz" if expected == 0 else "nothing")})
    if expected == 0:
        bare.until(lambda: shown(bare) == "1 of 3,000 jobs")
    assert bare.errors == []


def test_idle_rows_are_one_row_that_opens(show: Any) -> None:
    columns = [column("tube", "text"), column("ready"), column("idle", em=0), column("badness", em=0)]
    grid = Grid("tubes", columns, noun="tube", filter=True, fold=Fold("idle", "idle tube", "without workers"),
                order=("badness", True))  # fmt: skip
    rows: dict[str, Cells] = {f"t{n}": (f"t{n}", n, n % 2, n) for n in range(8)}
    grid.update(rows)
    bare = show(grid)
    fold = bare.page.locator("[data-folds]")
    assert bare.keys(0) == ["t6", "t4", "t2", "t0", None]
    assert fold.text_content() == "▸ 4 idle tubes without workers"
    assert shown(bare) == "8 tubes"
    fold.click()
    assert bare.keys(0)[4:] == [None, "t1", "t3", "t5", "t7"]
    bare.page.mouse.move(0, 0)
    bare.row(0, "t6").click()
    for _ in range(4):
        bare.page.keyboard.press("ArrowDown")
    bare.page.keyboard.press("ArrowLeft")
    assert len(bare.keys(0)) == 5
    assert grid.selected == ("t0",)
    bare.page.get_by_role("button", name="tube", exact=True).click()
    assert bare.keys(0) == sorted(rows)
    bare.page.locator(".beanops-filter").fill("t3")
    bare.until(lambda: bare.keys(0) == ["t3"])
    assert bare.errors == []


def test_bars_share_a_scale_and_sparks_have_gaps_and_words(show: Any) -> None:
    columns = [
        column("tube", "text"),
        column("why", "text", toned="tone"),
        column("trend", "text", drawn="spark", tone="ready"),
        column("ready", drawn="bar", scale="jobs", tone="ready"),
        column("buried", drawn="bar", scale="jobs", tone="buried"),
        column("tone", "text", em=0),
    ]
    grid = Grid("tubes", columns, noun="tube")
    grid.update({"mail": ("mail", "2 buried", spark([0, 5, None, 10, 10], "0 to 10"), 200, 2, "buried"),
                 "sms": ("sms", "", spark([0, 0]), 0, 50, "")})  # fmt: skip
    bare = show(grid)
    assert heads(bare) == ["tube", "why", "trend", "ready", "buried"]
    mail, sms = (bare.page.locator(f'.beanops-row[data-key="{tube}"]') for tube in ("mail", "sms"))
    bars = [row.locator(".beanops-drawn-bar").nth(n) for row in (mail, sms) for n in (0, 1)]
    assert [bar.evaluate("bar => bar.style.getPropertyValue('--share')") for bar in bars] == ["100", "3", "0", "25"]
    trend = mail.locator(".beanops-drawn-spark")
    assert trend.get_attribute("title") == trend.get_attribute("aria-label") == "0 to 10"
    assert trend.locator("path").nth(1).get_attribute("d").count("M") == 2
    assert mail.locator(".beanops-text").nth(1).get_attribute("data-tone") == "buried"
    assert bare.errors == []


# -- what the user takes along -----------------------------------------------------------------------------------------


def copied(bare: BarePage) -> str:
    return str(bare.page.evaluate("() => navigator.clipboard.readText()"))


def test_selected_rows_are_copied_and_saved(jobs: Grid, show: Any) -> None:
    rows = job_rows(3)
    first = str(FIRST)
    rows[first] = (*rows[first][:-1], '=1+1 "quoted", with a comma')
    jobs.update(rows)
    bare = show(jobs)
    bare.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bare.row(0, first).click()
    bare.page.keyboard.press("Control+c")
    bare.page.get_by_text("1 job copied as TSV").wait_for()
    assert copied(bare) == f'state\tid\tage\tsize\tbody\nready\t{first}\t3661\t0\t\'=1+1 "quoted", with a comma\n'
    choose(bare, "Export", "Copy as CSV")
    bare.page.get_by_text("1 job copied as CSV").wait_for()
    assert copied(bare).splitlines()[1] == f'ready,{first},3661,0,"\'=1+1 ""quoted"", with a comma"'
    with bare.page.expect_download() as download:
        choose(bare, "Export", "Save as JSON lines")
    (line,) = download.value.path().read_text().splitlines()
    assert json.loads(line) == {"state": "ready", "id": FIRST, "age": 3661, "size": 0, "body": rows[first][-1]}
    assert download.value.suggested_filename == "jobs.jsonl"
    with bare.page.expect_download() as download:
        choose(bare, "Export", "Save with bodies as JSON lines")
    assert download.value.path().read_text() == first
    assert bare.errors == []


# -- without a kernel, and keys ----------------------------------------------------------------------------------------


def test_without_a_kernel_one_sorts_filters_and_copies_and_nothing_acts(jobs: Grid, show: Any, clicks: Clicks) -> None:
    bare = show(jobs)
    bare.kill("throws")
    bare.row(0, str(FIRST + 1)).click()
    assert bare.row(0, str(FIRST + 1)).get_attribute("aria-selected") == "true"
    kick = bare.page.locator("[data-action=kick]")
    bare.until(kick.is_disabled)
    assert kick.get_attribute("title") == "no kernel answers"
    bare.page.get_by_role("button", name="age", exact=True).click()
    assert order(bare)[0] == str(FIRST + 2999)
    bare.page.locator(".beanops-filter").fill("straße 4")
    bare.until(lambda: shown(bare).startswith("333 of"))
    bare.page.get_by_role("button", name="Export").click()
    assert bare.page.locator(".beanops-choice", has_text="Copy as TSV").is_enabled()
    assert bare.page.locator(".beanops-choice", has_text="with bodies").first.is_disabled()
    assert clicks == []
    assert bare.errors == []


def test_tab_goes_to_what_acts_and_to_the_rows_only(jobs: Grid, show: Any, clicks: Clicks) -> None:
    bare = show(jobs)
    bare.page.locator(".beanops-filter").focus()
    stops = []
    for _ in range(5):
        bare.page.keyboard.press("Tab")
        stops.append(bare.page.evaluate("() => document.activeElement.textContent.slice(0, 9)"))
        if bare.page.evaluate("() => document.activeElement.matches('.beanops-view')"):
            break
    assert stops[:-1] == ["Columns", "Export", "show"]  # Kick is off
    bare.page.keyboard.press("ArrowDown")
    bare.page.keyboard.press("ArrowDown")
    bare.page.keyboard.press("Shift+Tab")
    bare.page.keyboard.press("Shift+Tab")
    bare.page.keyboard.press("Enter")
    bare.until(lambda: clicks == [Click("kick", (str(FIRST + 1),))])
