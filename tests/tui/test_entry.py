"""What is typed without a pause: each key does what it was pressed for, however busy the dashboard is."""

from __future__ import annotations

from pathlib import Path

from textual import events

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.tui.state import StateFile
from tests.tui.conftest import Clock, dashboard, fill


async def test_what_is_typed_at_once_filters_the_tubes_and_opens_what_is_left(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("billing", "mail", "sms"):
        fill(client, tube, b"1")
    async with dashboard(session, clock) as desk:
        await desk.at_once("/", *"mail", "enter", "home", "enter")
        assert "tube mail" in desk.line("#tube")
        await desk.press("escape")
        assert desk.names() == ["mail"]


async def test_what_is_typed_at_once_filters_the_jobs_and_asks_for_what_is_left(
    session: Session, client: Client, clock: Clock
) -> None:
    _, wanted, _ = fill(client, "mail", b"Alice", b"Bob", b"Carol", bury=3)
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter")
        await desk.at_once("/", *"Bob", "enter", "home", "D")
        assert f"Delete job {wanted} of tube mail?" in await desk.painted()
        await desk.press("escape", "escape")
        await desk.at_once("w", *"body = 'Carol'", "enter", "o")
        assert desk.line("#status").endswith("1 job, where, oldest first")


async def test_a_command_typed_at_once_is_one_command_and_no_keys_of_the_screen(
    session: Session, client: Client, clock: Clock
) -> None:
    ids = fill(client, "mail", b"1", b"2", bury=2)
    async with dashboard(session, clock) as desk:
        await desk.press("down")
        await desk.at_once(":", *"tube mail", "enter")
        assert "tube mail" in desk.line("#tube")
        await desk.at_once(":", *"kick", "escape", "escape")
        assert desk.names() == ["default", "mail"]
    assert [client.stats_job(id).state for id in ids] == ["buried", "buried"]


async def test_a_paste_right_after_the_key_of_an_entry_goes_into_the_entry(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        desk._post(":")
        desk.app.post_message(events.Paste("tube mail"))
        await desk.at_once("enter")
        assert "tube mail" in desk.line("#tube")


async def test_what_is_typed_at_once_into_a_form_is_what_it_is_asked_for(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down")
        await desk.at_once("p", "end", *["backspace"] * 5, *"17m", "enter", "y")
        assert client.stats_tube("mail").pause == 1020


async def test_a_key_of_an_action_that_is_not_possible_says_why(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        for key, why in {
            "K": "kick-next: no job is buried or delayed",
            "u": "undo: nothing to undo",
        }.items():
            await desk.press(key)
            assert why in desk.line("#status")
        await desk.press("down", "enter", "k")
        assert "kick: takes buried or delayed jobs, not these" in desk.line("#status")


async def test_a_key_with_two_actions_complains_of_neither_while_one_is_possible(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "p", "escape")
        assert "not paused" not in desk.line("#status")
        client.pause_tube("mail", 60)
        await desk.press("f5", "p", "n")
        assert "paused already" not in desk.line("#status")


async def test_a_key_of_an_action_says_that_the_session_is_read_only(beanstalkd: Beanstalkd, clock: Clock) -> None:
    with connect(beanstalkd.address, read_only=True) as session, connect(beanstalkd.address) as other:
        other.put(b"1", tube="mail")
        async with dashboard(session, clock) as desk:
            for key, action in {"X": "drain", "p": "pause", "u": "undo"}.items():
                await desk.press(key)
                assert f"{action}: this session is read-only" in desk.line("#status")
            await desk.press("down", "enter", "D")
            assert "delete: this session is read-only" in desk.line("#status")


async def test_a_command_that_is_wrong_keeps_its_line_and_takes_what_is_typed_after_it(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"1", bury=1)
    async with dashboard(session, clock) as desk:
        await desk.press("down")
        await desk.at_once(":", *"tube mial", "enter", *"Dy")
        assert "tube mialDy" in await desk.painted()
        await desk.press("backspace", "backspace")
        assert "unknown tube 'mial'; did you mean 'mail'?" in await desk.painted()
        await desk.press("backspace", "backspace", "backspace", *"ail", "enter")
        assert "tube mail" in desk.line("#tube")
    assert client.stats_job(id).state == "buried"


async def test_bodies_and_secrets_that_were_typed_are_recalled_but_in_no_file(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", b'{"n": 1}')
    kept = tmp_path / "tui.json"
    async with dashboard(session, clock, state_file=StateFile(kept)) as desk:
        await desk.command("put mail hunter1")
        await desk.press("escape")
        await desk.command("jobs mail where data->>'$.password' = 'hunter2'")
        await desk.press("w", "ctrl+u", *"data->>'$.token' = 'hunter3'", "enter")
        await desk.command("sort ready")
        await desk.press(":", "up", "up")
        assert "hunter2" in await desk.painted()
        await desk.press("up")
        assert "put mail hunter1" in await desk.painted()
    assert "sort ready" in kept.read_text()
    assert "hunter" not in kept.read_text()


async def test_commands_of_earlier_sessions_are_recalled(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", b"1")
    state_file = StateFile(tmp_path / "tui.json")
    async with dashboard(session, clock, state_file=state_file) as desk:
        await desk.command("sort ready")
        await desk.command("tube mail")
    async with dashboard(session, clock, state_file=StateFile(tmp_path / "tui.json")) as desk:
        await desk.press(":", "up", "up")
        assert "sort ready" in await desk.painted()
        await desk.press("down", "enter")
        assert "tube mail" in desk.line("#tube")
