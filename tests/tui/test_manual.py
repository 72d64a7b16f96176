"""The manual in the dashboard: from the help, from the command line, by keys alone."""

from __future__ import annotations

from textual.widgets import Markdown

from beanops import Client, Session, manual
from tests.tui.conftest import Clock, dashboard


async def test_the_help_leads_to_the_page_about_the_screen(session: Session, client: Client, clock: Clock) -> None:
    client.put(b"1", tube="mail")
    async with dashboard(session, clock, (120, 30)) as desk:
        await desk.press("question_mark")
        assert "F1 Manual" in await desk.painted()
        await desk.press("f1")
        assert "Find your way" in await desk.shows("shows the tubes of one server live")
        await desk.press("escape", "a", "f1")
        await desk.shows("Every action is in the journal before it is sent")


async def test_keys_choose_topics_and_scroll_the_page(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock, (120, 30)) as desk:
        await desk.command("manual quickstart")
        titles = [*manual.topics().values()]
        await desk.press("down")
        assert desk.app.screen.query_one(Markdown).source.startswith(f"# {titles[1]}\n")
        # Who holds the key sees the page where it ends.
        await desk.at_once(*["down"] * (len(titles) - 2))
        assert desk.app.screen.query_one(Markdown).source.startswith(f"# {titles[-1]}\n")
        await desk.press("up")
        await desk.shows("The package is a row of rooms")
        for _ in range(5):
            await desk.press("pagedown")
        await desk.shows("CONTRIBUTING.md")
        await desk.press("escape")
        assert "Architecture" not in await desk.painted()


async def test_an_unknown_topic_is_named_with_the_one_that_is_like_it(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock, (120, 30)) as desk:
        await desk.command("manual recipies")
        assert "unknown topic 'recipies'; did you mean 'recipes'?" in desk.line("#status")
