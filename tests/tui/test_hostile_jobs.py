"""What strangers write passes every screen about jobs without reaching the terminal, or being obeyed as markup."""

from __future__ import annotations

import pytest

from beanops import Client, Session
from beanops.text import safe_text
from tests.tui.conftest import Clock, dashboard, fill
from tests.tui.test_hostile import BODIES, assert_harmless


@pytest.mark.parametrize("body", BODIES, ids=lambda body: safe_text(repr(body[:12])))
async def test_no_screen_about_jobs_lets_a_body_through(
    session: Session, client: Client, clock: Clock, written: list[str], body: bytes
) -> None:
    fill(client, "mail", body, b"other", body, bury=1)
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "slash", "escape", "home", "space", "down", "space", "D")
        assert "Delete 2 jobs of tube mail?" in await desk.painted()
        await desk.press("escape", "equals_sign", "end", "escape", "escape", "home")
        # The form with the body as it is edited, and the job in every form.
        await desk.press("ctrl+n", "ctrl+s")
        await desk.painted()
        await desk.press("escape", "enter", "2", "down", "enter", "3", "end", "4", "end", "d", "d", "d", "escape")
        await desk.press("w", *"body like '[/x]\x1b%'", "enter", "escape", "escape")
        await desk.press("asterisk", "b", "y", "a", "enter", "escape", "u", "y")
        assert desk.app.is_running
    assert_harmless(written, "journal")


async def test_names_of_tubes_and_errors_on_the_record_do_not_either(
    session: Session, client: Client, clock: Clock, written: list[str]
) -> None:
    text = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b[/x] [@click=app.quit]quit[/]"
    from beanops.journal.records import Fate, Intent, RunRow

    journal = session._context.journal()
    now = clock.now()
    journal.begin(
        RunRow(
            "20260102-1",
            now,
            str(session.address),
            text[:30],
            text,
            "tui",
            "bury",
            text,
            text[:30],
            {"jobs": text, "where": text},
        )
    )
    journal.write("20260102-1", now, [Intent("bury", text, 5, "ready", target=text)])
    journal.write("20260102-1", now, fates=[(0, Fate("failed", text))])
    async with dashboard(session, clock, (120, 30)) as desk:
        await desk.press("a", "enter")
        assert "failed" in await desk.painted()
        await desk.press("escape", "escape")
        assert desk.app.is_running
    assert_harmless(written, "failed")
