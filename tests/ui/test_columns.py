"""The columns that all faces share: named as in frames, and written alike."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime
from typing import Any

import pytest

import beanops.ui.columns.jobs
import beanops.ui.columns.journal
import beanops.ui.columns.tubes
import beanops.ui.formatting
from beanops import Client, Session, connect
from beanops.journal.frames import actions_frame
from beanops.monitor.rates import RATE_WINDOW
from beanops.monitor.survey import Surveyor
from beanops.notebook.tube_rows import TubeRows, static_table
from beanops.ui.columns.column import Column, named
from beanops.ui.columns.jobs import job_columns
from beanops.ui.columns.journal import RUN_COLUMNS, action_columns
from beanops.ui.columns.tubes import SEEN, tube_columns
from beanops.ui.formatting import UNKNOWN

FACES: list[Any] = ["cli", "tui", "notebook"]


@pytest.fixture
def session(client: Client) -> Any:
    with connect(client.address) as session:
        yield session


@pytest.mark.parametrize("face", FACES)
def test_a_table_fits_its_face(face: Any) -> None:
    for columns in (tube_columns(face), job_columns(face), action_columns(face), RUN_COLUMNS):
        names = [column.name for column in columns]
        assert len(set(names)) == len(names)
        for column in columns:
            assert len(column.title) <= column.width or face != "tui"
            assert len(column.short or column.title) <= (column.narrow or column.width) or face != "tui"


def test_columns_are_named_as_in_frames(session: Session, client: Client) -> None:
    client.put(b"x")
    known = {*session.tubes(), *session.rates(seconds=0.01, every=0.01), "problem", "trend", "age", "drain", SEEN}
    known |= {*session.job_times(seconds=0.01, every=0.01)}
    for face in FACES:
        assert {column.name for column in tube_columns(face)} <= known
        assert {column.name for column in job_columns(face)} <= {*session.jobs()}
        assert {column.name for column in action_columns(face)} <= {*actions_frame([]), "number"}


def test_a_tube_has_the_same_rate_and_words_in_the_terminal_and_in_a_notebook(client: Client) -> None:
    now = [0.0]
    surveyor = Surveyor(lambda: now[0])
    for _ in range(20):
        now[0] += 1.0
        client.put(b"x", tube="mail")
        survey = surveyor.look(client)
    row = survey.tubes["mail"]
    assert row.rates.puts == 1.0
    table = static_table("", [TubeRows().of(survey)["mail"]], 1)
    terminal = {column.name: column.text(row, 24) for column in tube_columns("tui", lambda: row.at)}
    words = [terminal[column.name] for column in table.columns]  # a page leaves out what no row has
    assert table.text.splitlines()[2].split() == " ".join(words).split()
    for face in ("tui", "notebook"):
        titles = [column.title for column in tube_columns(face) if column.unit == "rate"]  # type: ignore[arg-type]
        assert all(title.endswith(f" {RATE_WINDOW:.0f}s") for title in titles)


def test_how_a_value_is_written_follows_from_its_unit() -> None:
    def written(unit: Any, value: Any, width: int = 9, **more: Any) -> str:
        return Column[Any]("x", "x", lambda row: row, unit, **more).text(value, width)

    assert written("count", 1234567, 6) == "1.2M"
    assert written("count", None) == written("rate", None) == UNKNOWN
    assert written("rate", 0.04) == "0.04"
    assert written("rate", 0.004) == "0"
    assert written("seconds", 200) == "3m20s"
    assert written("time", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 8) == "03:04:05"
    assert written("id", 2**64 - 1) == str(2**64 - 1)
    assert written("text", None) == written("seconds", None) == written("count", 0, blank=True) == ""


def test_numbers_are_muted_when_they_are_zero_and_texts_never() -> None:
    ready = Column[Any]("ready", "ready", lambda row: row, tone="ready")
    assert (ready.style(3), ready.style(0), ready.style(None), ready.left) == ("ready", "muted", "muted", False)
    action = Column[Any]("action", "action", lambda row: row, "text", tone="strong")
    assert (action.style(""), action.left) == ("strong", True)
    assert [column.name for column in named([ready, action], "action ready")] == ["action", "ready"]


@pytest.mark.parametrize("module", [
    beanops.ui.columns.jobs, beanops.ui.columns.journal, beanops.ui.columns.tubes, beanops.ui.formatting,
])  # fmt: skip
def test_the_examples_of_the_documentation_are_true(module: Any) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)
