"""Over a slow link the first rows appear after two round trips; what takes longer comes later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from beanops import Client, Session, connect
from beanops.client.pipeline_window import Window
from beanops.embedded.process import Beanstalkd
from beanops.tui.app import Dashboard
from beanops.tui.screens.job_search import TubeLook
from beanops.ui.poller import Live
from tests.proxies import at_distance
from tests.tui.conftest import Clock, Desk, dashboard, fill


@pytest.fixture
def far(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with at_distance(beanstalkd, 150) as address, connect(address, source="tui") as session:
        yield session


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what was sent, one for each round trip that nothing else waits for."""
    everything: list[bytes] = []
    take = Window.take

    def noted(window: Window) -> Any:
        data = take(window)
        if data:
            everything.append(bytes(data))
        return data

    monkeypatch.setattr(Window, "take", noted)
    return everything


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, sent: list[bytes]) -> list[tuple[Live, int]]:
    """Return what screens showed, with the number of round trips until then."""
    everything: list[tuple[Live, int]] = []
    show = Dashboard._show
    monkeypatch.setattr(
        Dashboard, "_show", lambda app, live: (everything.append((live, len(sent))), show(app, live))[-1]
    )
    return everything


async def test_the_first_tubes_take_two_round_trips(
    far: Session, client: Client, clock: Clock, shown: list[tuple[Live, int]], sent: list[bytes]
) -> None:
    for number in range(15):
        fill(client, f"tube{number}", b"x")
    sent.clear()
    async with dashboard(far, clock, (160, 50)) as desk:
        live, trips = next((live, trips) for live, trips in shown if live.tubes)
        assert set(live.tubes) == {"default", *(f"tube{number}" for number in range(15))}
        assert trips == 2
        assert desk.app.live.tubes["tube3"].age is not None, "the rest follows without a tick"
        assert len(sent) < 20, "and does not ask tube by tube"


async def test_the_next_jobs_of_a_tube_are_shown_before_the_survey(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", b"first", b"second")
    async with dashboard(session, clock) as desk:
        surveying, survey = threading.Event(), session._lookups.survey

        def late(*given: Any) -> Any:
            assert surveying.wait(60)
            return survey(*given)

        monkeypatch.setattr(session._lookups, "survey", late)
        try:
            desk.app.open_tube("mail")
            await _until_looked(desk)
        finally:
            surveying.set()
        await desk.settle()


async def _until_looked(desk: Desk) -> None:
    for _ in range(10_000):
        await desk.handled()
        if isinstance(desk.app.live.looked, TubeLook):
            assert [job.body for _, job in desk.app.live.looked.top.values()] == [b"first"]
            return
    raise AssertionError("the next jobs waited for the survey")
