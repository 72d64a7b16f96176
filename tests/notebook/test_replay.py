"""The view of a recording: its widgets without a page, and the frames of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import beanops
from beanops.monitor.problems.problem import Problem
from beanops.notebook.tube_rows import COLUMNS
from beanops.notebook.views.replay import ReplayView
from beanops.protocol.errors import ArgumentError, NotFound, UsageError
from tests.notebook.lab import Lab
from tests.notebook.pages import Page
from tests.recording.conftest import NOON, Stage

READY = [column.name for column in COLUMNS].index("ready")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Record ten minutes of a tube that grows and has a problem for a minute, and of one that vanishes."""
    stage = Stage(tmp_path / "recording.sqlite")
    for second in range(600):
        mail = {"current_jobs_ready": second, "total_jobs": 3 * second, "cmd_delete": second}
        buried = Problem("buried", "warning", "mail", "7 jobs buried", stage.mono - second % 60, "beanops jobs mail")
        stage.look({"mail": mail, **({"old": {}} if second < 300 else {})}, (buried,) if 120 <= second < 180 else ())
        stage.wait(1)
    stage.writer.close()
    return stage.path


@pytest.fixture
def view(file: Path) -> Iterator[ReplayView]:
    with beanops.replay(file, at="12:05:30") as view:
        yield view


def test_it_shows_a_moment_as_the_dashboard_does(view: ReplayView) -> None:
    assert view.at == datetime(2026, 1, 1, 12, 5, 30, tzinfo=UTC)
    assert view.grid.rows["mail"][READY] == 330
    assert list(view.grid.rows) == ["mail"]
    title = view.chart.said("title")
    assert title.startswith("REPLAY 2026-01-01 12:05:30 UTC  paused  ends 2026-01-01 12:09:59 UTC")
    assert "recorded" not in title
    course = view.chart.course
    assert (course.at, course.live) == (NOON + 330, False)
    assert view.chart.said("scope") == "Whole server"
    assert view.controls.time["place"] == 330
    assert view.controls.time["end"] == 599
    html = view._repr_mimebundle_()["text/html"]
    assert "REPLAY" in html
    assert "mail" in html


def test_its_charts_follow_the_selected_tubes(view: ReplayView) -> None:
    view.select("mail")
    assert view.chart.said("scope") == "Tube mail"
    assert [row and row[3] for row in view.chart.course.rows[-3:]] == [328, 329, 330]
    view.chart.choose("1h")
    view.jump("12:01")
    assert [row and row[3] for row in view.chart.course.rows[-3:]] == [58, 59, 60]
    with pytest.raises(UsageError, match="nope is not in the table"):
        view.select("nope")


def test_the_slider_and_the_buttons_move_in_time(view: ReplayView) -> None:
    page = Page(view.controls)
    page.says("jump", place=60)
    assert view.grid.rows["mail"][READY] == 60
    page.says("next")
    assert (view.grid.rows["mail"][READY], page.heard[-1]["place"]) == (120, 120)
    assert "mail: 7 jobs buried" in view.grid.said("status")
    assert "warning: buried, mail: 7 jobs buried" in view.grid.said("problems")
    page.says("next")
    assert view.grid.said("status") == "no later problem"
    page.says("speed", speed=60)
    page.says("play")
    assert view.player.playing
    assert (page.heard[-1]["playing"], page.heard[-1]["speed"]) == (True, 60)
    page.says("pause")
    assert not view.player.playing
    page.says("speed")  # without a speed: no page of ours says that
    assert view.grid.said("status") == "KeyError: 'speed'"
    view.play(speed=5)
    assert view.player.speed == 5.0
    view.pause()
    view.jump("1m")
    assert view.grid.rows["mail"][READY] == 539
    view.previous_problem()
    assert view.at == datetime(2026, 1, 1, 12, 2, tzinfo=UTC)


def test_frames_have_what_was_recorded(view: ReplayView) -> None:
    tubes = view.tubes(at="12:01:00").set_index("tube")
    assert list(tubes.index) == ["mail", "old"]
    assert tubes.loc["mail", "ready"] == 60
    assert tubes.loc["mail", "puts_per_s"] == pytest.approx(3.0)
    assert list(view.tubes()["tube"]) == ["mail"]
    trend = view.trend("mail", since="12:01:00", until=datetime(2026, 1, 1, 12, 2))
    assert len(trend) == 60
    assert str(trend.index[-1]) == "2026-01-01 12:02:00+00:00"
    assert list(trend["ready"]) == list(range(61, 121))
    assert trend["puts_per_s"].eq(3.0).all()
    assert view.trend()["ready"].max() == 0
    assert view.trend("old")["ready"].isna().sum() > 250
    problems = view.problems()
    assert list(problems["problem"]) == ["buried"]
    assert str(problems["since"][0]) == "2026-01-01 12:02:00+00:00"
    assert str(problems["until"][0]) == "2026-01-01 12:03:00+00:00"
    assert view.problems(since="12:05").empty


def test_what_is_wrong_is_said(view: ReplayView, file: Path) -> None:
    with pytest.raises(NotFound, match="tube sms is not in"):
        view.trend("sms")
    with pytest.raises(ArgumentError):
        view.jump("soon")
    with pytest.raises(ArgumentError):
        view.play(speed=0)
    with pytest.raises(ArgumentError):
        view.trend("mail", since="12:09", until="12:08")
    with pytest.raises(UsageError, match="there is no recording"):
        beanops.replay("/nowhere")
    with pytest.raises(UsageError, match="server 'other' is not in"):
        beanops.replay(file, server="other")


def test_the_default_recording_is_found_and_a_second_view_replaces_the_first(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEANOPS_RECORDING", str(file))
    first = beanops.replay()
    first._repr_mimebundle_()
    assert first.at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    second = beanops.replay()
    assert first.aside
    second.close()


def test_a_page_moves_about_in_the_recording(lab: Lab, file: Path) -> None:
    cell = f"import beanops\nview = beanops.replay({str(file)!r}, at='12:05:30')\nview"
    with lab.notebook(cell) as notebook:
        notebook.command("notebook:run-all-cells")
        notebook.row(0, "mail").wait_for()
        assert "330" in notebook.row(0, "mail").text_content()
        notebook.page.get_by_role("button", name="Previous problem").click()
        notebook.until(lambda: "120" in notebook.row(0, "mail").text_content())
        notebook.picture("replay")
        notebook.page.get_by_role("button", name="Play", exact=True).click()
        notebook.until(lambda: "125" in notebook.row(0, "mail").text_content())
        notebook.page.get_by_role("button", name="Pause", exact=True).click()
        assert notebook.run_json("view.player.playing") is False
        assert notebook.errors == []
