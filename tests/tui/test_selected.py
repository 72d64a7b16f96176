"""What an action acts on: marks, all jobs of a list that is not complete, and jobs chosen by a predicate."""

from __future__ import annotations

import pytest

from beanops import Client, Session
from beanops.tui.jobs import feed as job_feed
from tests.tui.conftest import Clock, dashboard, fill


@pytest.fixture
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_feed, "PAGE", 10)


@pytest.mark.usefixtures("_short_pages")
async def test_all_jobs_of_a_list_that_is_not_complete_are_acted_on_and_undone(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b"x"] * 300, bury=300)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter")
        assert desk.app.view.table.given < 300
        await desk.press("t", "*")
        assert "all 300 selected" in desk.line("#status")
        await desk.press("k")
        assert "Kick 300 buried jobs of tube mail?" in await desk.painted()
        # One that is buried after the number was shown is not touched.
        (later,) = fill(client, "mail", b"later", bury=1)
        await desk.press("y")
        assert "✓ kick: 300 done" in desk.line("#status")
        assert client.stats_job(later).state == "buried"
        await desk.press("u", "y")
        assert client.stats_tube("mail").current_jobs_buried == 301


@pytest.mark.usefixtures("_short_pages")
async def test_all_jobs_of_a_predicate_are_counted_before_they_are_deleted(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b'{"poison": true}', b'{"poison": false}'] * 60, bury=120)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "w", *"data->>'$.poison' = 'true'", "enter", "*", "D")
        painted = await desk.painted()
        assert "Delete 60 buried jobs of tube mail where" in painted
        await desk.press("y")
        assert "✓ delete: 60 done" in desk.line("#status")
        assert client.stats_tube("mail").current_jobs_buried == 60


@pytest.mark.usefixtures("_short_pages")
async def test_a_row_less_than_all_leaves_only_the_loaded_rows(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *[b"x"] * 300, bury=300)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "*", "space")
        loaded = desk.app.view.table.given
        assert loaded < 300
        assert f"{loaded - 1} selected" in desk.line("#status")
        await desk.press("*", "escape")
        assert "selected" not in desk.line("#status")


async def test_an_action_leaves_out_marked_jobs_whose_state_it_does_not_take(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[b"x"] * 10, bury=7)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "*", "k")
        painted = await desk.painted()
        assert "Kick 7 of 10 jobs of tube mail?" in painted
        assert "left out: 3 ready" in painted
        await desk.press("y")
        assert "✓ kick: 7 done" in desk.line("#status")
        assert "selected" not in desk.line("#status")


async def test_a_count_can_be_cancelled_and_a_yes_that_comes_too_early_does_nothing(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", *[b"x"] * 10, bury=10)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "w", *"id > 0", "enter")
        table = desk.app.view.table
        table.partial = True
        from beanops.tui.dialogs.counting import Counting

        monkeypatch.setattr(Counting, "_count", lambda self: None)
        await desk.press("*", "D", "y")
        assert "Still counting" in await desk.painted()
        await desk.press("escape")
        assert desk.app.view is desk.app.screen
        assert client.stats_tube("mail").current_jobs_buried == 10
