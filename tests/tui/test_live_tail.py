"""Jobs as they are put: on top of the list, bounded, and with the connection that they come by."""

from __future__ import annotations

import time
from collections.abc import Callable

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.tui.screens.tube import TubeScreen
from beanops.tui.widgets import job_table
from tests.tui.conftest import Clock, Desk, dashboard, fill
from tests.waits import PATIENCE


def table(desk: Desk) -> job_table.JobTable:
    screen = desk.app.view
    assert isinstance(screen, TubeScreen)
    return screen.table


async def listed(desk: Desk, id: int) -> None:
    """Wait until a job is in the list; the tail goes on, so that nothing settles."""
    give_up = time.monotonic() + PATIENCE
    while table(desk).get(id) is None:
        assert time.monotonic() < give_up, f"{id} is not listed"
        await desk.pilot.pause(0.01)


async def begin(desk: Desk) -> None:
    """Press the key, and wait until new jobs are found."""
    await press(desk, "L")
    screen, give_up = desk.app.view, time.monotonic() + PATIENCE
    assert isinstance(screen, TubeScreen)
    while not (screen._tail and screen._tail.begun):
        assert time.monotonic() < give_up, "nothing begins"
        await desk.pilot.pause(0.01)


async def press(desk: Desk, *keys: str) -> None:
    for key in keys:
        await desk.send(key)
        await desk.pilot.pause(0.02)


async def test_new_jobs_come_on_top_until_it_is_stopped(session: Session, client: Client, clock: Clock) -> None:
    old = fill(client, "mail", b"1", b"2")
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter")
        await begin(desk)
        (new,) = fill(client, "mail", b"three")
        fill(client, "other", b"not this one")
        await listed(desk, new)
        await desk.shows("LIVE: 1 new")
        assert [row.id for row in table(desk).rows] == [old[0], new, old[1]]
        # The cursor is on no job that could be another one when a key is pressed.
        assert table(desk).row is None
        await press(desk, "down")
        assert table(desk).row is not None
        await press(desk, "L")
        await desk.settle()
        assert "LIVE" not in desk.line("#status")


async def test_a_predicate_holds_for_new_jobs(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"user": 1}', b'{"user": 2}')
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter", "w", *"data->>'$.user' = '1'", "enter")
        await begin(desk)
        _, new = fill(client, "mail", b'{"user": 2}', b'{"user": 1}')
        await listed(desk, new)
        assert len(table(desk).rows) == 2
        await press(desk, "L")
        await desk.settle()


async def test_only_the_newest_stay(session: Session, client: Client, clock: Clock) -> None:
    before, job_table.TOP = job_table.TOP, 10
    try:
        async with dashboard(session, clock, (120, 40)) as desk:
            fill(client, "mail", b"0")
            await desk.tick()
            await desk.press("down", "enter")
            await begin(desk)
            for number in range(8):
                ids = fill(client, "mail", *[b"%d" % number] * 8)
                await listed(desk, ids[-1])
            assert len(table(desk).rows) <= 1 + 2 * 10 + 8
            await desk.shows("LIVE: 64 new")
            await press(desk, "escape")
            await desk.settle()
    finally:
        job_table.TOP = before


async def test_a_server_that_dies_and_comes_back_is_followed_on(
    session: Session, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd], clock: Clock
) -> None:
    with Client(beanstalkd.address) as client:
        fill(client, "mail", b"1")
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter")
        await begin(desk)
        beanstalkd.stop(kill=True)
        await desk.shows("connection lost, trying again")
        start_beanstalkd(port=beanstalkd.port)
        await desk.shows("connected again")
        with Client(beanstalkd.address) as client:
            fill(client, "mail", b"first", b"second")
        await desk.shows("LIVE: 2 new")
        await press(desk, "L")
        await desk.settle()
