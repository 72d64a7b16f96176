"""The table's protocol with its page."""

from __future__ import annotations

import json
from operator import itemgetter

import pytest

from beanops.notebook.widgets.buttons import STALE, Click, ToolButton
from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.table import UNASKED, Grid
from beanops.session.config import Profile
from beanops.ui.columns.column import Column
from beanops.ui.confirmation import confirmation
from tests.notebook.pages import Page

ROWS = {str(n): (str(n), n) for n in range(100)}


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def received() -> list[object]:
    return []


@pytest.fixture
def grid(clock: list[float], received: list[object]) -> Grid:
    return Grid(
        "jobs",
        [Column("id", "job", itemgetter(0), "id"), Column("n", "n", itemgetter(1))],
        noun="job",
        actions=[ToolButton("kick", "Kick")],
        on_select=received.append,
        on_action=received.append,
        on_error=received.append,
        clock=lambda: clock[0],
    )


@pytest.fixture
def page(grid: Grid) -> Page:
    return Page(grid)


def test_a_page_that_says_hello_gets_rows_selection_and_lines(grid: Grid, page: Page) -> None:
    grid.update(ROWS)
    grid.select(["3"])
    grid.say("title", "mail")
    page.heard.clear()
    page.says("hello")
    rows, title = page.heard
    assert (rows["kind"], rows["keys"]) == ("rows", {"list": list(ROWS)})
    assert page.selected == {"keys": ["3"], "focus": "3"}
    assert (title["line"], title["text"]) == ("title", "mail")


def test_until_a_hello_was_heard_every_update_is_whole(grid: Grid, page: Page) -> None:
    grid.update(ROWS)
    grid.update(ROWS)  # the page may have appeared in between, with its hello behind a busy cell
    assert page.kinds == ["rows", "rows"]


def test_a_large_table_is_not_sent_before_a_page_asks_for_it(grid: Grid, page: Page) -> None:
    grid.update({str(n): (str(n), n) for n in range(UNASKED + 1)})
    assert page.heard == []
    page.says("hello")
    rows, buffers = page.heard[0], page.buffers[0]
    assert rows["cells"] == [{"keys": True}, {"numbers": 1, "type": "u2"}]
    assert [len(buffer) for buffer in buffers] == [2 * (UNASKED + 1)] * 2


def test_then_only_changes_travel_each_with_the_next_number(grid: Grid, page: Page) -> None:
    grid.update(ROWS)
    page.says("hello")
    grid.update({**ROWS, "7": ("7", 70)})
    grid.update({key: cells for key, cells in ROWS.items() if key != "9"})
    whole, first, second = page.heard[-3:]
    changed = {"keys": {"list": ["7"]}, "gone": []}
    assert {**changed, "cells": [{"keys": True}, {"list": [70]}]}.items() <= first.items()
    assert {**changed, "cells": [{"keys": True}, {"list": [7]}], "gone": ["9"]}.items() <= second.items()
    assert [whole["seq"], first["seq"], second["seq"]] == [2, 3, 4]


def test_when_nothing_changes_nothing_travels_and_when_most_does_all_rows_do(grid: Grid, page: Page) -> None:
    grid.update(ROWS)
    page.says("hello")
    page.heard.clear()
    grid.update(dict(ROWS))
    assert page.heard == []
    grid.update({key: (key, -n) for key, (_, n) in ROWS.items()})
    assert page.kinds == ["rows"]


def test_a_row_that_goes_is_no_longer_selected(grid: Grid, page: Page, received: list[object]) -> None:
    grid.update(ROWS)
    page.selects("3", "4", "no such row")
    assert grid.selected == ("3", "4")
    assert received == [("3", "4")]
    grid.update({"4": ("4", 4)})
    assert grid.selected == ("4",)
    assert page.selected == {"keys": ["4"], "focus": None}


def test_a_selection_is_small_however_many_rows_it_has(grid: Grid, page: Page, received: list[object]) -> None:
    ids = [str(id) for id in range(18446744073709550000, 18446744073709551616)]
    grid.update({id: (id, 0) for id in ids})
    page.selects(*ids, focus=ids[0])
    assert (grid.selected, grid.focus) == (tuple(ids), ids[0])
    assert len(json.dumps(page.selected)) < 100


def test_a_click_reaches_the_handler_with_the_rows_it_was_made_for(
    grid: Grid, page: Page, clock: list[float], received: list[object]
) -> None:
    page.clicks("kick", "18446744073709551615", amount=5, clicked=clock[0] - 1)
    assert received == [Click("kick", ("18446744073709551615",), 5)]


def test_a_click_that_waited_behind_a_busy_cell_is_refused(
    grid: Grid, page: Page, clock: list[float], received: list[object]
) -> None:
    clicked = clock[0]
    clock[0] += STALE + 7
    page.clicks("kick", "3", clicked=clicked)
    assert received == ["kick was refused: click delayed by 12 s, the kernel was busy; click again"]


@pytest.mark.parametrize(("rule", "name"), [("type-name", "prod"), ("ask", "101")])
def test_what_has_to_be_typed_is_checked_once_more(
    clock: list[float], received: list[object], rule: str, name: str
) -> None:
    profile = Profile("prod", "queue.internal", confirm=rule)
    buttons = [ToolButton("kick", "Kick"), ToolButton("delete", "Delete"), ToolButton("undo", "Undo", offered=True)]
    grid = Grid("jobs", [], noun="job", actions=buttons,
                confirm=lambda action, jobs: confirmation(action, jobs, profile),
                on_action=received.append, on_error=received.append, clock=lambda: clock[0])  # fmt: skip
    page = Page(grid)
    many = [str(id) for id in range(101)]
    page.clicks("kick", "1", "2", clicked=clock[0])
    for typed in (None, "y", "100", "prod,", name):
        page.clicks("delete", *many, clicked=clock[0], typed=typed)
    grid.offer("undo", "Undo put (101)", ["run"], confirmation("undo", 101, profile, undoes="put"))
    for typed in (None, name):
        page.clicks("undo", "run", clicked=clock[0], typed=typed)
    assert received == [
        Click("kick", ("1", "2")),
        *[f"delete was refused: type {name} to confirm"] * 4,
        Click("delete", tuple(many)),
        f"undo was refused: type {name} to confirm",
        Click("undo", ("run",)),
    ]


def test_the_page_is_given_what_to_ask_for(clock: list[float]) -> None:
    profile = Profile("prod", "queue.internal", keep_bodies=False)
    buttons = [ToolButton("kick", "Kick"), ToolButton("delete", "Delete")]
    grid = Grid("jobs", [], noun="job", actions=buttons,
                confirm=lambda action, jobs: confirmation(action, jobs, profile))  # fmt: skip
    kick, delete = (action["confirm"] for action in grid.options["actions"])
    assert [(step["from"], step["kind"]) for step in kick] == [(0, "nothing"), (1, "nothing"), (101, "yes")]
    assert [(step["from"], step["kind"]) for step in delete[1:]] == [(1, "number"), (101, "number")]
    assert "this cannot be undone" in delete[1]["warning"]


def test_an_error_of_a_handler_is_reported(page: Page, grid: Grid, received: list[object]) -> None:
    page.says("action", name="kick")  # without its moment: no page of ours says that
    assert received == ["KeyError: 'clicked'"]


def test_a_page_cannot_ask_for_what_is_not_offered(page: Page, clock: list[float], received: list[object]) -> None:
    page.clicks("__init__", "3", clicked=clock[0])
    assert received == []


def test_rows_and_lines_are_not_in_the_state_that_a_notebook_file_keeps(grid: Grid) -> None:
    grid.update({"1": ("1", 12345678)})
    grid.say("detail", "a secret body")
    root = Root("test", [grid])
    state = json.dumps({**root.widget.get_state(), "_esm": "", "_css": ""})
    assert "12345678" not in state
    assert "secret" not in state
