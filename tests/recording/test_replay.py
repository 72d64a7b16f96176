"""What a player shows of a moment is what a live dashboard showed then."""

from __future__ import annotations

import pytest

from beanops.monitor.problems.problem import Problem
from beanops.recording.replay import Player
from beanops.recording.storage import NotARecording
from tests.recording.conftest import NOON, Stage


class Watch:
    """A clock that stands still until it is told to go."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def recorded(stage: Stage, seconds: int = 120) -> None:
    """Record a tube that grows, one at rest, and one that comes and goes."""
    for second in range(seconds):
        tubes = {
            "grows": {"current_jobs_ready": second, "total_jobs": 2 * second, "cmd_delete": second},
            "rests": {"current_jobs_buried": 7, "total_jobs": 7},
        }
        if 30 <= second < 40:
            tubes["short"] = {"current_jobs_delayed": 1}
        stage.look(tubes, current_jobs_ready=second, total_jobs=2 * second, uptime=second)
        stage.wait(1)
    stage.writer.flush()


def test_each_moment_is_shown_as_it_was(stage: Stage) -> None:
    recorded(stage)
    for settled in (False, True):
        if settled:
            stage.writer.settle(everything=True)
        with stage.read() as recording:
            player = Player(recording)
            for second in (0, 1, 29, 30, 35, 39, 40, 100, 119):
                player.jump(NOON + second)
                survey, playback = player.look()
                assert playback.gap is None
                assert survey.at == NOON + second
                assert survey.server.current_jobs_ready == survey.server.uptime == second
                assert set(survey.tubes) == {"grows", "rests", *(["short"] if 30 <= second < 40 else [])}
                assert survey.tubes["grows"].stats.current_jobs_ready == second
                assert survey.tubes["grows"].stats.total_jobs == 2 * second
                assert survey.tubes["rests"].stats.current_jobs_buried == 7
                if second >= 29:
                    assert survey.tubes["grows"].rates == (2.0, 1.0)
                    assert survey.rates.puts == 2.0
                    assert survey.tubes["rests"].rates == (0.0, 0.0)
            player.jump(NOON + 100)
            past = player.look()[0].tubes["grows"].history
            assert [cell.ready.high for cell in past.cells(NOON + 90, NOON + 100)] == list(range(91, 101))
            assert past.begun == NOON


def test_time_passes_at_the_chosen_speed_until_the_end(stage: Stage) -> None:
    recorded(stage)
    watch = Watch()
    with stage.read() as recording:
        player = Player(recording, clock=watch)
        assert (player.at, player.playing) == (NOON + 119, False)
        player.play()  # from the beginning
        watch.now += 10
        assert player.at == NOON + 10
        player.step_speed(1)
        watch.now += 10
        assert (player.speed, player.at) == (2.0, NOON + 30)
        player.pause()
        watch.now += 99
        assert player.at == NOON + 30
        player.jump(NOON + 50)
        player.step_speed(-1)
        player.play()
        watch.now += 5
        assert player.at == NOON + 55
        watch.now += 1000
        assert player.at == NOON + 119
        assert player.look()[1].is_over
        player.jump(NOON - 500)
        assert player.at == NOON


def test_a_gap_is_shown_with_its_reason(stage: Stage) -> None:
    recorded(stage, 20)
    stage.writer.lose("prod", "queue:11300", "connection refused")
    stage.wait(600)
    stage.restart_server()
    recorded(stage, 20)
    with stage.read() as recording:
        player = Player(recording, at=NOON + 300)
        survey, playback = player.look()
        assert survey.server.uptime == 19
        assert playback.gap is not None
        assert (playback.gap.cause, playback.gap_since, playback.gap.began) == (
            "connection refused", NOON + 19, NOON + 620
        )  # fmt: skip
        player.jump(NOON + 625)
        survey, playback = player.look()
        assert (survey.server.id, survey.server.uptime, playback.gap) == ("one'", 5, None)
        assert survey.tubes["grows"].rates.puts == 2.0


def test_problems_are_shown_while_they_lasted_and_can_be_jumped_to(stage: Stage) -> None:
    for second in range(100):
        buried = Problem("buried", "warning", "mail", "7 jobs buried", stage.mono - 5, "beanops jobs mail")
        draining = Problem("draining", "critical", None, "the server drains", stage.mono, "beanops stats")
        found = ((buried._replace(since=stage.mono - second % 20),) if 20 <= second < 40 else ()) + (
            (draining,) if 60 <= second < 80 else ()
        )
        stage.look({"mail": {}}, found)
        stage.wait(1)
    stage.writer.flush()
    with stage.read() as recording:
        player = Player(recording)
        before = player.jump_to_problem(-1)
        assert before is not None
        assert (before.name, player.at) == ("draining", NOON + 60)
        survey, _ = player.look()
        assert [one.name for one in survey.problems] == ["draining"]
        earlier = player.jump_to_problem(-1)
        assert earlier is not None
        assert (earlier.name, player.at) == ("buried", NOON + 20)
        survey, _ = player.look()
        assert [one.reason for one in survey.tubes["mail"].problems] == ["7 jobs buried"]
        assert player.jump_to_problem(-1) is None
        assert player.jump_to_problem(1) is not None
        player.jump(NOON + 50)
        assert player.look()[0].problems == ()


def test_only_minutes_are_left_of_an_old_day(stage: Stage) -> None:
    recorded(stage, 600)
    stage.writer.settle(everything=True)
    stage.wait(10 * 86_400)
    stage.writer.prune()
    with stage.read() as recording:
        player = Player(recording, at=NOON + 330)
        survey, _ = player.look()
        assert 270 <= survey.tubes["grows"].stats.current_jobs_ready <= 330
        assert survey.tubes["rests"].stats.current_jobs_buried == 7
        assert survey.tubes["grows"].rates.puts == pytest.approx(2.0, abs=0.1)


def test_a_growing_recording_goes_on(stage: Stage) -> None:
    recorded(stage, 20)
    watch = Watch()
    with stage.read() as recording:
        player = Player(recording, clock=watch)
        recorded(stage, 20)
        watch.now += 10
        assert player.ended == NOON + 39


def test_a_server_that_is_not_in_it_is_refused(stage: Stage) -> None:
    with stage.read() as recording, pytest.raises(NotARecording, match="has no looks yet"):
        Player(recording)
    recorded(stage, 2)
    with stage.read() as recording, pytest.raises(NotARecording, match="did you mean 'prod'"):
        Player(recording, "prud")
