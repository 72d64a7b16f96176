"""The screen of a job: its error on top, its timeline, the jobs that are like it, and what scrolls."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import pytest

from beanops import Client, Session
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.job_summary import Timeline
from tests.tui.conftest import Clock, Desk, dashboard, fill
from tests.waits import PATIENCE

TIMED_OUT = b'{"task": "Charge", "customer": %d, "error": "smtp.internal timed out after %d s"}'
NO_CUSTOMER = b'{"task": "Charge", "customer": %d, "error": "no such customer %d"}'


async def open_job(desk: Desk) -> None:
    await desk.press("down", "enter", "enter")
    assert desk.app.screen.title == "Job"


async def until(desk: Desk, condition: Callable[[], bool]) -> None:
    """Wait for what the screen does after a key has been handled: its layout, and scrolling."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        await desk.handled()
        await asyncio.sleep(0.005)


def timeline(desk: Desk) -> str:
    """Return the timeline, wrapped lines joined."""
    return desk.app.view.query_one(Timeline).text.replace("\n", "")  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (45, 30)])
async def test_the_error_is_on_top_and_the_others_with_it_are_counted(
    session: Session, client: Client, clock: Clock, size: tuple[int, int]
) -> None:
    fill(client, "mail", *[TIMED_OUT % (n, n) for n in range(3)], *[NO_CUSTOMER % (n, n) for n in range(2)], bury=5)
    async with dashboard(session, clock, size) as desk:
        await open_job(desk)
        assert desk.line("#error") == "✖ smtp.internal timed out after 0 s"
        assert "2 others with this error" in desk.line("#alike")
        painted = await desk.painted()
        assert painted.index("✖ smtp") < painted.index('"task"')
        assert "2 others with this error" in painted


async def test_a_key_lists_the_others_and_n_goes_through_them(session: Session, client: Client, clock: Clock) -> None:
    ids = fill(
        client, "mail", *[body % (n, n) for n in range(3) for body in (TIMED_OUT, NO_CUSTOMER)], b"plain", bury=7
    )
    async with dashboard(session, clock, (160, 50)) as desk:
        await open_job(desk)
        assert f"job {ids[0]}" in desk.line("#tube")
        await desk.press("G")
        listed = sorted(row.id for row in desk.app.view.table.rows)  # type: ignore[union-attr]
        assert listed == [ids[0], ids[2], ids[4]]
        await desk.press("home", "enter", "n", "n", "n")
        assert "no next job in the list" in desk.line("#status")
        assert "3 of 3" in desk.line("#tube")
        assert desk.line("#error").startswith("✖ smtp.internal timed out")


async def test_a_body_without_error_has_no_line_for_it(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"plain")
    async with dashboard(session, clock, (100, 30)) as desk:
        await open_job(desk)
        assert not desk.app.view.query_one("#error").display  # type: ignore[union-attr]
        assert "no other of this kind" in desk.line("#alike")


async def test_the_timeline_tells_what_beanops_and_others_did(session: Session, client: Client, clock: Clock) -> None:
    (id,) = fill(client, "mail", b'{"n": 1}')
    session.bury(id, reason="for a look")
    async with dashboard(session, clock, (160, 50)) as desk:
        await open_job(desk)
        assert "bury  done by tester" in timeline(desk)
        assert "(for a look)" in timeline(desk)
        client.kick_job(id)
        await desk.tick()
        assert "kicked" in timeline(desk).partition("seen")[0]  # the newest comes first
        client.delete(id)
        await desk.tick()
        assert "gone" in timeline(desk)
        assert f"job {id}  no longer exists" in desk.line("#job")
        await desk.press("k")
        assert "kick: " in desk.line("#status")


async def test_tab_goes_to_the_timeline_and_back(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", json.dumps([*range(2000)]).encode())
    async with dashboard(session, clock, (160, 30)) as desk:
        await open_job(desk)
        body = desk.app.view.query_one(BodyView)  # type: ignore[union-attr]
        for form in ("1", "3", "4"):
            await desk.press(form)
            await until(desk, lambda: body.max_scroll_y > 2)  # before it is laid out there is nothing to scroll
            await desk.press("down", "down")
            await until(desk, lambda: body.scroll_offset.y == 2)
        await desk.press("1", "tab")
        assert isinstance(desk.app.focused, Timeline)
        await desk.press("tab")
        assert desk.app.focused is body


async def test_a_frozen_count_says_so(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.session.investigation.same_cause.LONGEST", -1.0)
    fill(client, "mail", *[TIMED_OUT % (n, n) for n in range(1000)], bury=3)
    async with dashboard(session, clock, (160, 30)) as desk:
        await open_job(desk)
        assert desk.line("#alike").startswith(("at least ", "others with this error: not counted to the end"))


async def test_the_preview_in_the_list_has_all_forms_and_scrolls(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b'{"a": %s}' % json.dumps([*range(2000)]).encode())
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter")
        body = desk.app.view.query_one(BodyView)  # type: ignore[union-attr]
        assert desk.lines("#body")[0] == "{"
        for form, first in (("3", '{"a": [0, 1'), ("4", "00000000  7b 22 61"), ("1", "{")):
            await desk.press(form)
            assert desk.lines("#body")[0].startswith(first)
            await until(desk, lambda: body.max_scroll_y > 2)  # before it is laid out there is nothing to scroll
            await desk.press("tab", "down", "down")
            await until(desk, lambda: body.scroll_offset.y == 2)
            await desk.press("escape")
            assert desk.app.screen.title == "Tube"
        await desk.press("2")
        assert "a  2,000 items" in await desk.painted()
        await desk.press("d")
        assert "json: 1 of" in desk.line("#form")
        await desk.press("y")
        assert "copied" in desk.line("#status")
