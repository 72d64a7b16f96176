"""State tabs, groups by cause and facets: what they show, what they narrow, and what actions on them do."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.tui.jobs.breakdown import GroupBreakdown
from beanops.tui.screens.tube import TubeScreen
from tests.tui.conftest import Clock, Desk, dashboard, fill

CAUSES = {"smtp.internal:25 timed out": 40, "'customer_id'": 12, "duplicate key": 5}


def body(message: str, number: int) -> bytes:
    error = {"class": "Problem", "message": message}
    return json.dumps({"job": "Charge", "customer": number % 3, "exception": error}).encode()


def fill_causes(client: Client) -> None:
    bodies = [body(message, number) for message, jobs in CAUSES.items() for number in range(jobs)]
    fill(client, "mail", *bodies, bury=len(bodies))
    fill(client, "mail", *[b'{"job": "Mail"}'] * 9)


def screen(desk: Desk) -> TubeScreen:
    view = desk.app.view
    assert isinstance(view, TubeScreen)
    return view


async def test_tabs_list_the_jobs_of_a_state_and_of_stuck_ones_the_oldest_first(
    session: Session, client: Client, clock: Clock
) -> None:
    fill_causes(client)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter")
        assert "[all 66]" in desk.line("#counts")
        await desk.press("t")
        assert "[ready 9]" in desk.line("#counts")
        await desk.press("t")
        assert "[buried 57]" in desk.line("#counts")
        assert "oldest first" in desk.line("#status")
        await desk.pilot.click("#counts", offset=(3, 0))
        await desk.settle()
        assert "[all 66]" in desk.line("#counts")
        assert "oldest first" not in desk.line("#status")
        await desk.press("escape")
        assert desk.names() == ["default", "mail"]


async def test_a_class_of_error_is_kicked_with_four_keys_and_undone(
    session: Session, client: Client, clock: Clock
) -> None:
    fill_causes(client)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "G")
        painted = await desk.painted()
        assert "3 groups by cause of buried jobs" in painted
        assert "all 57 jobs" in painted
        assert [row[0] for row in desk.rows("#groups")] == ["40", "12", "5"]
        await desk.press("down", "k")
        painted = await desk.painted()
        assert "Kick 12 buried jobs of tube mail in group" in painted
        assert "'customer_id'" in painted
        await desk.press("y")
        assert "✓ kick: 12 done" in desk.line("#status")
        assert client.stats_tube("mail").current_jobs_buried == 45
        # It is counted again, since the jobs are others now.
        assert [row[0] for row in desk.rows("#groups")] == ["40", "5"]
        await desk.press("u", "y")
        assert client.stats_tube("mail").current_jobs_buried == 57
        assert [row[0] for row in desk.rows("#groups")] == ["40", "12", "5"]


async def test_a_group_narrows_the_list_and_escape_takes_it_back_step_by_step(
    session: Session, client: Client, clock: Clock
) -> None:
    fill_causes(client)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "G", "down", "enter")
        assert screen(desk).table.has_focus
        assert screen(desk).table.given == 12
        assert "'customer_id'" in desk.line("#narrowed")
        # Marks come before the focus, and the list before the pane that has none.
        await desk.press("*", "k", "y")
        assert "kick: 12 done" in desk.line("#status")
        await desk.press("u", "y", "escape")
        assert screen(desk).table.given == 57
        assert screen(desk).pane.is_open
        await desk.press("escape")
        assert not screen(desk).pane.is_open
        await desk.press("escape", "escape")
        assert desk.names() == ["default", "mail"]


async def test_the_job_under_the_cursor_stays_in_sight_when_other_jobs_are_listed(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *[body("failed", n) for n in range(120)], bury=120)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "end")
        table = screen(desk).table
        found = table.found
        # As a search does that is slower than the next repaint.
        table.restart()
        await desk.settle()
        assert not table.show_vertical_scrollbar
        for row in found:
            row.found = False
        table.extend(found)
        table.settle()
        await desk.settle()
        assert table.row is not None
        assert table.row.id in table.ids_in_sight()


async def test_values_are_filters_that_come_on_top_of_each_other(
    session: Session, client: Client, clock: Clock
) -> None:
    fill_causes(client)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press("down", "enter", "t", "t", "F")
        rows = desk.rows("#facets")
        assert rows[[row[0] for row in rows].index("$.customer")][:3] == ["$.customer", "20", "35%"]
        pane = screen(desk).pane
        values = [(row.path, row.value) for row in pane.table.rows]
        await desk.press(*["down"] * values.index(("$.customer", "1")), "enter")
        assert screen(desk).table.given == 19
        assert "where data->>'$.customer' = '1'" in desk.line("#narrowed")
        # The values are still those of all jobs of the tab.
        await desk.press("F")
        assert [(row.path, row.value) for row in pane.table.rows] == values
        pane.table.select(("$.exception.message", "'customer_id'"))
        await desk.press("enter")
        assert screen(desk).table.given == 4
        assert "and" in desk.line("#narrowed")
        await desk.press("*", "D")
        assert "Delete 4 jobs of tube mail?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").current_jobs_buried == 53
        await desk.press("escape", "escape")
        assert screen(desk).table.given == 53


async def test_a_count_is_kept_until_something_changes_and_can_be_stopped(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_causes(client)
    begun: list[str] = []
    begin = GroupBreakdown._begin
    monkeypatch.setattr(GroupBreakdown, "_begin", lambda *given: begun.append("") or begin(*given))
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "G")
        await desk.tick()
        await desk.tick(60)
        await desk.press("G", "G")
        assert len(begun) == 1
        screen(desk).action_scan()
        await desk.settle()
        assert len(begun) == 2


async def test_the_group_of_a_tube_with_hidden_values_shows_none_of_them(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    secrets = [f"secret-{number % 2}" for number in range(8)]
    bodies = [json.dumps({"token": secret, "error": f"token {secret}"}) for secret in secrets]
    fill(client, "mail", *map(str.encode, bodies), bury=8)
    with connect(beanstalkd.address, source="tui", redact=["token", "error"]) as session:
        async with dashboard(session, clock, (120, 40)) as desk:
            for key in ("G", "F"):
                await desk.press(*(["down", "enter"] if key == "G" else []), key)
                assert "secret" not in await desk.painted()


async def test_hostile_causes_reach_the_terminal_as_text(session: Session, client: Client, clock: Clock) -> None:
    hostile = "\x1b]52;c;ZXZpbA==\x07[@click=app.quit]x[/x]\u202egnp\n\r\x9b31m"
    fill(client, "mail", *[body(hostile, n) for n in range(3)], bury=3)
    async with dashboard(session, clock) as desk:
        for key in ("G", "F"):
            await desk.press(*(["down", "enter"] if key == "G" else []), key, "enter")
            painted = await desk.painted()
            assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(painted)
            assert "only" in painted


async def test_a_server_that_restarts_while_groups_are_shown_has_others(
    session: Session,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
    client: Client,
    clock: Clock,
) -> None:
    fill_causes(client)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "G", "k")
        assert "Kick 40 buried jobs" in await desk.painted()
        beanstalkd.stop()
        start_beanstalkd(port=beanstalkd.port)
        with Client(beanstalkd.address) as again:
            fill(again, "mail", body("another", 1), bury=1)
        await desk.tick()
        await desk.tick(20.0)
        await desk.press("y")
        assert "kick: nothing done; the server was restarted" in desk.line("#status")
        await desk.tick()
        assert [row[0] for row in desk.rows("#groups")] == ["1"]
        assert "another" in "\n".join(desk.lines("#groups"))


async def test_read_only_groups_are_shown_and_no_action_is_offered(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    fill_causes(client)
    with connect(beanstalkd.address, source="tui", read_only=True) as session:
        async with dashboard(session, clock) as desk:
            await desk.press("down", "enter", "G", "k")
            assert "this session is read-only" in desk.line("#status")
            assert [row[0] for row in desk.rows("#groups")] == ["40", "12", "5"]


async def test_a_job_that_was_deleted_here_is_said_to_come_back_by_undo(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"x", b"y", bury=2)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "enter", "D", "y")
        await desk.tick()
        assert "your delete ended it; undo puts it again" in desk.line("#job")
        await desk.press("u", "y")
        await desk.tick()
        assert "your delete" not in desk.line("#job")
        assert client.stats_tube("mail").current_jobs_buried == 2


async def test_jobs_that_changed_since_they_were_seen_are_no_failure(
    session: Session, client: Client, clock: Clock
) -> None:
    ids = fill(client, "mail", *[b"x"] * 4, bury=4)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "*", "k")
        client.kick_job(ids[0])
        await desk.press("y")
        assert desk.line("#status").startswith("! kick: 3 done, 1 skipped")
