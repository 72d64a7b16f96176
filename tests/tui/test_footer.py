"""The line of keys under a mouse."""

from __future__ import annotations

from textual import events

from beanops import Client, Session
from beanops.tui.widgets.footer import KeyFooter
from tests.tui.conftest import Clock, Desk, dashboard, fill

#: The rest of a mouse event: no movement, no button, no other key.
STILL = (0, 0, 0, False, False, False)


def bottom(painted: str) -> str:
    return painted.splitlines()[-1]


async def at(desk: Desk, text: str) -> tuple[int, int]:
    """Return where a key stands in the line."""
    return (bottom(await desk.painted()).index(text), 0)


async def test_a_click_presses_the_key_that_stands_there(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, (160, 24)) as desk:
        await desk.pilot.click(KeyFooter, offset=await at(desk, "Actions"))
        await desk.settle()
        assert "journal" in (await desk.painted()).lower()
        await desk.press("escape")
        gap = (bottom(await desk.painted()).index("more") + len("more") + 1, 0)
        before = desk.app.screen
        await desk.pilot.click(KeyFooter, offset=gap)
        await desk.settle()
        assert desk.app.screen is before


async def test_the_key_under_the_mouse_is_marked_and_explained(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock, (160, 24)) as desk:
        footer = desk.app.screen.query_one(KeyFooter)
        plain = footer.render().markup
        await desk.pilot.hover(KeyFooter, offset=await at(desk, "more"))
        await desk.settle()
        assert footer.tooltip == "Show the keys of this screen"
        assert footer.render().markup != plain
        await desk.pilot.hover("#tubes")
        await desk.settle()
        assert footer.tooltip is None
        assert footer.render().markup == plain


async def test_the_wheel_shows_the_keys_that_a_narrow_screen_has_no_room_for(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, (40, 24)) as desk:
        await desk.press("down", "enter")
        footer = desk.app.screen.query_one(KeyFooter)
        first = bottom(await desk.painted())
        assert "? more" in first
        assert "Quit" not in first
        for _ in range(30):  # it stops at the last
            footer.post_message(events.MouseScrollDown(footer, 1, 0, *STILL))
        assert "q Quit" in bottom(await desk.painted())
        for _ in range(30):
            footer.post_message(events.MouseScrollUp(footer, 1, 0, *STILL))
        assert bottom(await desk.painted()) == first
