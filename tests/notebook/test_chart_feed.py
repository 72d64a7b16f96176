"""What the charts of a dashboard show: the past, each look, the selected tubes, gaps, and actions in the journal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import beanops
from beanops.embedded.process import Beanstalkd
from beanops.monitor.survey import Surveyor
from beanops.notebook import chart_feed
from beanops.notebook.chart_feed import ChartFeed
from beanops.notebook.chart_samples import MOST_BINS, MOST_SUMMED, PANELS, WINDOWS, scope_text, step_of
from beanops.notebook.widgets.chart import Chart, Row
from beanops.session.session import Session
from tests.session.test_recorded_past import record

BURIED, READY, PUTS = 0, 3, 4
#: Seconds of the tests' clock at their start, and seconds since 1970 then.
START, EPOCH = 1000.0, 1_800_000_000.0


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with beanops.connect(beanstalkd.address) as session:
        yield session


class Stage:
    """A feed whose time the test makes."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seconds = START
        self.chart = Chart("chart", PANELS, WINDOWS, on_window=lambda _: self.feed.begin_again())
        self.surveyor = Surveyor(lambda: self.seconds, past=session._context.past)
        self.feed = self.made()

    def made(self) -> ChartFeed:
        wall = lambda: self.seconds - START + EPOCH  # noqa: E731
        return ChartFeed(self.chart, self.session._context.past.known, lambda: self.seconds, wall)

    def look(self, after: float = 1.0, *, show: bool = True) -> None:
        self.seconds += after
        survey = self.session._lookups.survey(self.surveyor)
        if show:
            self.feed.show(survey)

    @property
    def rows(self) -> list[tuple[int, Row | None]]:
        """Return the bins that are shown, by their seconds after the start."""
        course = self.chart.course
        return [(round((course.first + place) * course.step - EPOCH), row) for place, row in enumerate(course.rows)]

    def values(self, series: int) -> list[tuple[int, float | None]]:
        return [(at, row and row[series]) for at, row in self.rows]


@pytest.fixture
def stage(session: Session) -> Stage:
    return Stage(session)


def test_charts_begin_with_the_past_of_the_session_and_bridge_no_gap(stage: Stage) -> None:
    for gap in (1, 1, 1, 100, 1):
        stage.look(gap, show=False)
        stage.session.put(b"x", tube="sms")
    stage.look(1)
    ready = dict(stage.values(READY))
    assert [ready[second] for second in (1, 2, 3, 103, 104, 105)] == [0, 1, 2, 3, 4, 5]
    assert {ready[second] for second in range(5, 102)} == {None}
    assert stage.chart.course.at == EPOCH + 105
    assert stage.chart.course.now is not None
    assert stage.chart.course.now[READY] == 5


def test_each_look_adds_its_counts_and_a_lost_server_leaves_a_gap(stage: Stage) -> None:
    stage.look()
    stage.session.put(b"x", tube="mail")
    stage.look()
    stage.look(3)
    stage.feed.lose(stage.seconds + 5)
    assert (stage.chart.course.now, stage.chart.course.at) == (None, EPOCH + 10)
    stage.look(10)
    ready = stage.values(READY)[-14:]
    assert ready == [(2, 1), (3, 1), (4, 1), (5, 1), *((second, None) for second in range(6, 15)), (15, 1)]
    assert stage.values(PUTS)[-14][1] == 1.0


def test_rates_after_a_gap_do_not_count_what_was_before_it(stage: Stage) -> None:
    for _ in range(4):
        stage.session.put_many([b"x"] * 8, tube="mail")
        stage.look(show=False)
    stage.session._context.past.lose()
    for _ in range(2):
        stage.look(3)
    rates = dict(stage.values(PUTS))
    assert [rates[second] for second in (4, 5, 6, 7, 10)] == [8.0, None, None, None, 0.0]


def test_several_looks_in_one_bin_keep_the_peak_and_the_mean_rate(stage: Stage) -> None:
    stage.look()
    stage.look()
    stage.session.put_many([b"x"] * 6, tube="mail")
    stage.look(0.6)
    stage.session.drain("mail", state="ready")
    stage.look(0.3)
    *_, (at, row) = stage.rows
    assert (at, row and row[READY]) == (2, 6)
    assert stage.chart.course.now is not None
    assert stage.chart.course.now[READY] == 0


def test_charts_follow_the_sum_of_the_selected_tubes(stage: Stage) -> None:
    stage.session.put_many([b"x"] * 3, tube="mail")
    stage.session.put_many([b"x"] * 2, tube="sms")
    stage.session.put_many([b"x"] * 5, tube="fax")
    for _ in range(3):
        stage.look()
    assert [value for _, value in stage.values(READY)] == [10, 10, 10]
    stage.feed.follow(["mail", "sms"])
    assert stage.chart.said("scope") == "Sum of mail and sms"
    assert [value for _, value in stage.values(READY)] == [5, 5, 5]
    stage.session.bury([1])
    stage.look()
    assert (stage.values(READY)[-1], stage.values(BURIED)[-1]) == ((4, 4), (4, 1))
    stage.feed.follow([])
    assert (stage.chart.said("scope"), stage.values(READY)[-1]) == ("Whole server", (4, 9))


def test_a_tube_that_is_asked_for_in_turn_holds_its_last_count(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.session.put_many([b"x"] * 3, tube="mail")
    stage.session.put_many([b"x"] * 2, tube="sms")
    stage.look()
    stage.session.put_many([b"x"] * 2, tube="sms")
    monkeypatch.setattr("beanops.monitor.survey.FULL", 1)
    monkeypatch.setattr("beanops.monitor.survey.IN_TURN", 1)
    stage.seconds += 3
    survey = stage.session._lookups.survey(stage.surveyor, ["sms"])
    assert survey.tubes["mail"].at < survey.at
    stage.feed.show(survey)
    stage.feed.follow(["mail", "sms"])
    assert stage.values(READY)[-1] == (4, 7)


def test_too_many_tubes_show_the_whole_server_and_say_so(stage: Stage) -> None:
    stage.session.put(b"x", tube="mail")
    stage.look()
    stage.feed.follow([f"tube-{number}" for number in range(MOST_SUMMED + 1)])
    assert stage.chart.said("scope") == "Whole server: more than 100 tubes are selected"
    assert stage.values(READY)[-1][1] == 1


def test_the_title_names_tubes_safely() -> None:
    assert scope_text(["a\x1b[2J"]) == "Tube a\\x1b[2J"
    assert scope_text(["a", "b", "c"]) == "Sum of a, b and c"


def test_longer_times_have_coarser_bins_and_forget_nothing_else(stage: Stage) -> None:
    stage.session.put(b"x", tube="mail")
    for _ in range(400):
        stage.look(2)
    assert (stage.rows[0][0], stage.rows[-1][0], stage.chart.course.step) == (500, 800, 1.0)
    stage.chart.choose("1h")
    assert stage.chart.course.step == 5.0
    assert stage.rows[0][0] <= 5
    stage.chart.choose("all")
    assert len(stage.rows) <= MOST_BINS + 1
    assert {value for _, value in stage.values(READY)} == {1}
    assert step_of(3 * 86_400) == 1200.0


def test_charts_of_all_that_is_known_grow_coarser_as_they_grow(stage: Stage) -> None:
    stage.look()
    stage.chart.choose("all")
    for _ in range(130):
        stage.look(7)
    assert len(stage.rows) <= 2 * MOST_BINS
    assert stage.chart.course.step > 1
    assert None not in {value for _, value in stage.values(READY)}


def test_all_reaches_back_into_the_recording(
    beanstalkd: Beanstalkd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "recording.sqlite"
    monkeypatch.setenv("BEANOPS_RECORDING", str(path))
    with beanops.connect(beanstalkd.address) as session:
        session.put(b"x", tube="mail")
    record(path, beanstalkd.address, 7200)
    with beanops.connect(beanstalkd.address) as session:
        session.put(b"x", tube="mail")
        chart = Chart("chart", PANELS, WINDOWS, on_window=lambda _: feed.begin_again())
        feed = ChartFeed(chart, session._context.past.known)
        feed.show(session._lookups.survey(Surveyor(time.monotonic, past=session._context.past)))
        assert [row[READY] for row in chart.course.rows if row] == [2]
        for tubes in ([], ["mail"]):
            feed.follow(tubes)
            chart.choose("all")
            known = [row[READY] for row in chart.course.rows if row]
            assert (known[0], known[-1]) == (1, 2)
            assert chart.course.first * chart.course.step == pytest.approx(time.time() - 7200, abs=30)
            assert None in chart.course.rows[3:-3]
            chart.choose("5m")


def test_actions_of_everybody_are_marked_and_of_the_selected_tubes_alone(session: Session) -> None:
    seen = ChartFeed(chart := Chart("chart", PANELS, WINDOWS), session._context.past.known)
    seen.show(session._lookups.survey(Surveyor(time.monotonic, past=session._context.past)))
    assert chart.marks == []
    session.put_many([b"x"] * 3, tube="mail")
    with beanops.connect(session.address) as other:
        other.bury([1, 2], reason="a\x1b[2J")
        other.put(b"x", tube="sms")
    journal, server = session._context.journal(), str(session.address)
    seen.show_actions(journal, server)
    texts = [mark.text.split(", by ")[0] for mark in chart.marks]
    assert texts == ["put mail: 3 done", "bury 2 jobs: 2 done", "put sms: 1 done"]
    assert chart.marks[0].at == pytest.approx(time.time(), abs=60)
    seen.follow(["sms"])
    seen.show_actions(journal, server)
    assert [mark.text.split(", by ")[0] for mark in chart.marks] == ["put sms: 1 done"]


def test_marks_are_cut_safe_and_without_predicates(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.put(b"x", tube="mail")
    session.drain("mail", state="ready", where="'hunter2' != ''")
    marks = chart_feed.marks_of(session._context.journal(), str(session.address), 0.0)
    assert "hunter2" not in marks[-1].text
    assert marks[-1].text.startswith("drain mail: 1 done")
    monkeypatch.setattr(chart_feed, "MARK_TEXT", 30)
    session._context.actor = "a\x1b[2J" + "b" * 99
    session.put(b"x", tube="mail")
    mark = chart_feed.marks_of(session._context.journal(), str(session.address), 0.0)[-1]
    assert len(mark.text) <= 30
    assert "\x1b" not in mark.text
