"""The rows of tubes in a notebook: problems first, trends of the last minutes, and idle tubes that are folded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client
from beanops.monitor.survey import Survey, Surveyor
from beanops.notebook.tube_rows import COLUMNS, TubeFilter, TubeRows, freshness, static_table, worst_first
from beanops.notebook.tube_trends import TubeTrends
from beanops.notebook.widgets.table import Cells

Look = Callable[[float], Survey]


@pytest.fixture
def look(client: Client) -> Look:
    """Look at the server after some seconds of the test's clock."""
    now = [1000.0]
    surveyor = Surveyor(lambda: now[0])

    def after(seconds: float) -> Survey:
        now[0] += seconds
        return surveyor.look(client)

    return after


def put(client: Client, tube: str, number: int = 1) -> None:
    client.use(tube)
    for _ in range(number):
        client.put(b"x")


def cell(rows: dict[str, Cells], tube: str, column: str) -> object:
    return rows[tube][[one.name for one in COLUMNS].index(column)]


def test_problems_come_first_with_their_reason_and_since_when(client: Client, look: Look) -> None:
    put(client, "busy")
    client.watch("fine")
    put(client, "fine")
    client.reserve(0)
    look(1)
    put(client, "busy")
    look(30)
    put(client, "busy")
    rows = TubeRows().of(look(20))
    assert next(iter(worst_first(rows))) == "busy"
    assert cell(rows, "busy", "problem") == "✖ no workers, 50s+"
    assert cell(rows, "busy", "problem_tone") == "buried"
    assert cell(rows, "fine", "problem") == ""
    table = static_table("", worst_first(rows).values(), len(rows))
    assert table.text.splitlines()[2].startswith("busy")
    assert "5 min" not in table.text


def test_a_trend_grows_with_each_look_and_says_what_it_shows(client: Client, look: Look) -> None:
    rows = TubeRows()
    put(client, "mail", 2)
    assert str(cell(rows.of(look(0)), "mail", "trend")).endswith(" ready, last 10s: 2")
    put(client, "mail", 8)
    rows.of(look(20))
    drawn, words = str(cell(rows.of(look(10)), "mail", "trend")).split(" ", 1)
    assert words == "ready, last 40s: 2 to 10"
    assert drawn == "..77zz"
    assert cell(rows.of(look(0)), "default", "trend") == ""


def test_a_trend_begins_with_what_was_seen_before_the_view(client: Client, look: Look) -> None:
    put(client, "mail", 4)
    look(0)
    put(client, "mail", 4)
    look(60)
    survey = look(60)
    assert str(cell(TubeRows().of(survey), "mail", "trend")).endswith(" ready, last 2m: 4 to 8")
    flat = TubeTrends(reads=0).cell(survey.tubes["mail"])
    assert flat.endswith(" ready, last 10s: 8")
    assert flat.split()[0].strip(".-") == "h"  # in the middle: at the lower edge it would look like no jobs


def test_idle_tubes_are_folded_unless_they_are_selected(client: Client, look: Look) -> None:
    for number in range(4):
        put(client, f"old-{number}")
    client.watch("used")
    put(client, "used")
    client.reserve(0)
    rows, survey = TubeRows(), look(0)
    idle = {tube for tube, cells in rows.of(survey).items() if cells[-1]}
    assert idle == {"old-0", "old-1", "old-2", "old-3"}
    selected = rows.of(survey, ("old-1",))
    assert {tube for tube, cells in selected.items() if cells[-1]} == idle - {"old-1"}


def test_a_tube_that_was_not_asked_for_keeps_its_row(
    client: Client, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.monitor.survey.FULL", 2)
    monkeypatch.setattr("beanops.monitor.survey.IN_TURN", 1)
    for tube in "abcd":
        put(client, tube)
    rows = TubeRows()
    for _ in range(6):
        before = rows.of(look(1))
    after = rows.of(survey := look(1))
    assert sum(after[tube] is before[tube] for tube in after) >= 3
    assert freshness(survey).startswith("5 tubes are refreshed in turn")


def test_a_dashboard_of_some_tubes_knows_their_problems_alone(client: Client, look: Look) -> None:
    for tube in ("mail-in", "mail-out", "sms"):
        put(client, tube)
    survey = TubeFilter("mail-*").narrowed(look(0))
    assert set(survey.tubes) == {"mail-in", "mail-out"}
    assert [problem.tubes for problem in survey.problems] == [("mail-in", "mail-out")]
    assert TubeFilter("mail-*").nothing == "no tube matches mail-*"
