"""The dashboard on a recording: it shows what was, moves about in time, and changes nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beanops import connect
from beanops.cli.app import run
from beanops.embedded.process import Beanstalkd
from beanops.monitor.problems.problem import Problem
from beanops.recording.replay import Player
from beanops.session.watching.recorded_session import recorded_session
from beanops.tui.replay import ReplayDashboard
from tests.recording.conftest import NOON, Stage
from tests.session.test_recorded_past import record
from tests.tui.conftest import Clock, Desk, dashboard


@pytest.fixture
def recorded(tmp_path: Path) -> Stage:
    """Record a tube that grows and has a problem for a while, with a gap and a restart of the server."""
    stage = Stage(tmp_path / "recording.sqlite")
    for second in range(300):
        mail = {"current_jobs_ready": second, "total_jobs": 2 * second, "cmd_delete": second}
        buried = Problem("buried", "warning", "mail", "7 jobs buried", NOON, "beanops jobs mail --state buried")
        since = stage.mono if second < 100 else stage.mono - (second - 100)
        stage.look(
            {"mail": mail, "sms": {}}, (buried._replace(since=since),) if 100 <= second < 200 else (), uptime=second
        )
        stage.wait(1)
    stage.writer.lose("prod", "queue:11300", "connection refused")
    stage.wait(600)
    stage.restart_server()
    for second in range(60):
        stage.look({"mail": {"current_jobs_ready": 5}, "new": {}}, uptime=second)
        stage.wait(1)
    stage.writer.close()
    return stage


@asynccontextmanager
async def replaying(stage: Stage, clock: Clock, at: float, size: tuple[int, int] = (140, 40)) -> AsyncIterator[Desk]:
    """Open the dashboard on a recording, paused at some seconds after noon."""
    with stage.read() as recording:
        player = Player(recording, at=NOON + at, clock=clock)
        app = ReplayDashboard(player, recorded_session("queue:11300", "tui"), interval=3600)
        async with app.run_test(size=size) as pilot:
            desk = Desk(app, pilot, clock)
            await desk.settle()
            yield desk


def shown(desk: Desk) -> dict[str, str]:
    """Return the ready jobs of each tube."""
    return {row[0]: next(word for word in row[1:] if word.isdigit()) for row in desk.rows("#tubes")}


async def test_it_shows_the_tubes_of_a_moment_and_says_that_it_is_a_replay(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 50) as desk:
        assert shown(desk) == {"mail": "50", "sms": "0"}
        line = desk.line("#replay")
        assert "REPLAY" in line
        assert "2026-01-01 12:00:50 UTC  paused  ends 2026-01-01 12:15:59 UTC" in line
        painted = await desk.painted()
        assert "READ-ONLY" in painted
        assert "2.0" in painted  # jobs put per second


async def test_keys_play_pause_and_change_the_speed(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 50) as desk:
        await desk.press("f")
        assert "1×" in desk.line("#replay")
        await desk.tick(10)
        assert shown(desk)["mail"] == "60"
        await desk.press("plus", "plus")
        assert "5×" in desk.line("#replay")
        await desk.tick(10)
        assert shown(desk)["mail"] == "110"
        await desk.press("minus", "f")
        await desk.tick(10)
        assert shown(desk)["mail"] == "110"
        assert "paused" in desk.line("#replay")
        await desk.press("right")
        assert shown(desk)["mail"] == "170"
        await desk.press("left", "left")
        assert shown(desk)["mail"] == "50"
        await desk.press("shift+right")
        assert "end" in desk.line("#replay")
        assert shown(desk) == {"mail": "5", "new": "0"}


async def test_problems_can_be_jumped_to(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 0) as desk:
        await desk.press("}")
        assert shown(desk)["mail"] == "100"
        assert "2026-01-01 12:01:40 UTC  mail: 7 jobs buried" in desk.line("#status")
        assert "buried: 7 jobs buried" in desk.line("#about")
        await desk.press("}")
        assert "no later problem" in desk.line("#status")
        await desk.press("right", "right", "{")
        assert shown(desk)["mail"] == "100"


async def test_a_dialog_jumps_to_a_time(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 0) as desk:
        for typed, ready in (("12:02:30", "150"), ("2026-01-01 12:03", "180"), ("13m", "179")):
            await desk.press("@")
            await desk.press("ctrl+u", *typed, "enter")
            assert shown(desk)["mail"] == ready
        await desk.press("@")
        await desk.press("ctrl+u", *"soon", "enter")
        assert "'soon' is not a time" in desk.line("#status")
        await desk.press("@", "escape")
        assert shown(desk)["mail"] == "179"


async def test_a_gap_says_why_nothing_is_known(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 500) as desk:
        banner = desk.line("#banner")
        assert "NOT RECORDED from 2026-01-01 12:04:59 to 2026-01-01 12:15:00 UTC" in banner
        assert "connection refused" in banner
        await desk.press("@")
        await desk.press("ctrl+u", *"12:15:30", "enter")
        assert "NOT RECORDED" not in await desk.painted()
        assert shown(desk) == {"mail": "5", "new": "0"}


async def test_a_tube_has_its_charts_and_no_jobs(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 250) as desk:
        await desk.press("enter")
        painted = await desk.shows("this is a recording: it has no jobs")
        assert "▁▁▂" in painted.replace("\n", "")
        await desk.press("left")
        assert "190" in desk.line("#counts")
        await desk.press("escape")
        assert shown(desk)["mail"] == "190"


@pytest.mark.parametrize("key", ["k", "p", "D", "P", "u", "X"])
async def test_actions_are_refused_with_a_reason(key: str, recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 250) as desk:
        await desk.press(key)
        assert "this is a recording: nothing can be changed" in desk.line("#status")
        assert len(desk.app.screen_stack) == 1
        await desk.command("journal")
        assert "no journal" in desk.line("#status")


async def test_the_help_lists_its_keys(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 250) as desk:
        await desk.press("?")
        painted = await desk.painted()
        assert "Play or pause the recording" in painted
        assert "Jump to a time" in painted
        assert "One minute back or forward" in painted


async def test_keys_are_left_to_what_the_user_types_into(recorded: Stage, clock: Clock) -> None:
    async with replaying(recorded, clock, 50) as desk:
        await desk.press("/", "s", "@", "left", "m", "enter")
        assert desk.app.tube_list.filter.value == "sm@"
        assert "12:00:50" in desk.line("#replay")


def test_what_cannot_be_replayed_is_told_in_one_line(
    recorded: Stage, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.cli.plain_tubes.on_terminal", lambda *streams: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    for given, message in (
        (["tui", "--replay", "/nowhere"], "there is no recording /nowhere"),
        (["tui", "--replay", str(recorded.path), "--at", "soon"], "'soon'"),
        (["-s", "other", "tui", "--replay", str(recorded.path)], "server 'other' is not in"),
        (["tui", "--at", "12:00"], "--at and --speed need --replay FILE"),
    ):
        assert run(given) == 2
        said = capfd.readouterr().err
        assert message in said
        assert said.count("\n") == 1


async def test_the_charts_of_a_live_server_begin_with_the_default_recording(
    beanstalkd: Beanstalkd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEANOPS_RECORDING", str(tmp_path / "recording.sqlite"))
    with connect(beanstalkd.address, source="tui") as session:
        session.put(b"x", tube="mail")
        record(tmp_path / "recording.sqlite", beanstalkd.address, 300)
        clock = Clock()
        clock.seconds = time.monotonic()
        async with dashboard(session, clock, (120, 40)) as desk:
            await desk.press("down", "enter")
            assert "charts 5m" in desk.line("#tube")
            ready = next(line for line in (await desk.painted()).splitlines() if "█" in line)
            assert "█  " in ready  # the gap until now
