"""The bell rings once for a new problem of the server that is shown, and never for what is long known or recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.monitor.survey import Survey
from beanops.recording.playback import Playback
from beanops.tui.app import Dashboard
from beanops.ui.bell import AGAIN, NewProblems
from beanops.ui.poller import Live
from tests.tui.conftest import Clock, dashboard, fill


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    rung: list[object] = []
    monkeypatch.setattr(Dashboard, "bell", lambda app: rung.append(app))
    return rung


async def test_it_rings_once_for_each_new_problem_and_not_with_each_look(
    session: Session, client: Client, clock: Clock, rung: list[object]
) -> None:
    fill(client, "old", b"x", bury=1)
    async with dashboard(session, clock, bell=True) as desk:
        await desk.tick()
        assert not rung, "it is on the screen from the beginning"
        (buried,) = fill(client, "mail", b"x", bury=1)
        for _ in range(3):
            await desk.tick()
            assert len(rung) == 1
        client.delete(buried)
        await desk.tick()
        fill(client, "mail", b"y", bury=1)
        await desk.tick()
        assert len(rung) == 1, "one that comes and goes rings once"


async def test_it_rings_when_the_server_is_lost_and_when_it_comes_back_without_its_jobs(
    session: Session,
    clock: Clock,
    rung: list[object],
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    async with dashboard(session, clock, bell=True) as desk:
        beanstalkd.stop()
        await desk.tick()
        assert len(rung) == 1
        await desk.tick(60)
        assert len(rung) == 1
        start_beanstalkd(port=beanstalkd.port)
        await desk.tick(60)
        await desk.tick(60)
        assert "restarted" in desk.line("#server")
        assert len(rung) == 2


async def test_a_command_switches_it(session: Session, client: Client, clock: Clock, rung: list[object]) -> None:
    async with dashboard(session, clock) as desk:
        await desk.tick()
        fill(client, "mail", b"x", bury=1)
        await desk.tick()
        assert not rung
        await desk.command("bell on")
        assert "bell for new problems and alerts: on" in desk.line("#status")
        await desk.tick()
        assert not rung, "it was there before"
        fill(client, "sms", b"x", bury=1)
        await desk.tick()
        assert len(rung) == 1
        await desk.command("bell")
        assert "alerts: off" in desk.line("#status")
        fill(client, "push", b"x", bury=1)
        await desk.tick()
        assert len(rung) == 1
        await desk.command("bell loud")
        assert "bell must be on or off" in await desk.painted()


def test_a_recording_is_silent_and_a_problem_is_new_again_after_a_while(client: Client) -> None:
    from beanops.monitor.problems.problem import Problem

    def at(seconds: float, *since: float) -> Live:
        problems = tuple(
            Problem("buried", "warning", "mail", "1 job buried", one, "beanops jobs mail") for one in since
        )
        return Live(Survey(seconds, client.stats(), problems=problems), at=seconds)

    new = NewProblems()
    playback = Playback(5.0, 1.0, True, 0.0, 9.0)
    assert not new.come(at(0.0)._replace(playback=playback))
    assert not new.come(at(5.0, 4.0)._replace(playback=playback))
    assert [new.come(one) for one in (at(10.0), at(11.0, 11.0), at(12.0), at(13.0, 13.0))] == [
        False,
        True,
        False,
        False,
    ]
    assert new.come(at(14.0 + AGAIN, 14.0 + AGAIN))
