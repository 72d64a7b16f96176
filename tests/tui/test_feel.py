"""How the dashboard feels: commands, the palette, keys of one's own, a frozen screen, the pace, colours, its size."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.session.config import ConfigError
from beanops.tui.actions.catalogue import bindings
from beanops.tui.keys import keymap
from tests.tui.conftest import Clock, dashboard, fill


async def test_a_frozen_screen_stands_still_says_so_and_goes_on(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("f")
        fill(client, "mail", b"2")
        await desk.tick(12)
        assert "FROZEN for 12s" in desk.line("#banner")
        assert "ready 1" in desk.line("#jobs")
        await desk.press("f")
        assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]
        assert "ready 2" in desk.line("#jobs")


async def test_a_screen_that_is_opened_while_frozen_shows_what_it_is_for(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "mail", b"hello", bury=1)
    session.kick(id)
    async with dashboard(session, clock) as desk:
        await desk.press("f", "a")
        assert [row[2] for row in desk.rows("#runs")] == ["kick"]
        session.bury(id)
        await desk.tick()
        assert "FROZEN" in desk.line("#banner")
        await desk.press("escape", "down", "enter")
        assert desk.rows("#heads")[0][:3] == ["next", "buried", str(id)]
        await desk.press("enter")
        assert desk.lines("#body")[0] == "hello"


async def test_the_pace_goes_up_and_down_and_is_told(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock) as desk:
        await desk.command("interval 5")
        await desk.press("plus")
        await desk.tick()
        assert "every 10 s" in desk.line("#connections")
        await desk.press("minus", "minus")
        await desk.tick()
        assert "every 2 s" in desk.line("#connections")
        await desk.command("interval never")
        assert "refresh interval must be 0.1 to 3600 seconds" in desk.line("#status")


async def test_commands_are_completed_recalled_and_told_when_they_are_wrong(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "billing", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press(":", *"tube bil")
        assert "tube billing" in await desk.painted()
        await desk.press("tab", "enter")
        await desk.settle()
        assert "tube billing" in desk.line("#tube")
        await desk.command("tubes")
        assert "billing" in desk.names()
        await desk.press(":", "up", "enter")
        await desk.settle()
        assert desk.names()
        await desk.command("tube nowhere")
        assert desk.line("#status").startswith("✗ unknown tube 'nowhere'")
        for line, said in {
            "tube biling": "unknown tube 'biling'; did you mean 'billing'?",
            "sort redy": "unknown column 'redy'; did you mean 'ready'",
            "columns redy": "unknown column 'redy'; did you mean 'ready'",
            "theme contrst": "unknown theme 'contrst'; did you mean 'contrast'?",
            "intervall 2": "unknown command 'intervall'; did you mean 'interval'?",
            "tube": "missing tube",
            "sort": "missing column",
        }.items():
            await desk.command(line)
            assert said in desk.line("#status")
        await desk.command("s")
        assert "ambiguous command 's': sort, servers, server, screenshot" in desk.line("#status")
        await desk.press(":", "escape", "escape", "escape")
        assert desk.app.is_running
        await desk.command("quit")
        assert not desk.app.is_running


async def test_the_palette_finds_keys_commands_and_tubes(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "billing", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("ctrl+p", *"freeze", "enter")
        await desk.settle()
        assert "FROZEN" in desk.line("#banner")
        await desk.press("f", "ctrl+p", *"billi", "enter")
        await desk.settle()
        assert "tube billing" in desk.line("#tube")


async def test_keys_of_ones_own_work_and_stand_in_the_help(session: Session, clock: Clock) -> None:
    async with dashboard(
        session, clock, (100, 60), keys=keymap({"app.freeze": "z", "app.help": "h"}, bindings())
    ) as desk:
        await desk.press("f")
        assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]
        await desk.press("z")
        assert "FROZEN" in desk.line("#banner")
        await desk.press("h")
        line = next(line for line in (await desk.painted()).splitlines() if "Pause or resume" in line)
        assert " z " in line


def test_a_key_for_nothing_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'app\.freeze'"):
        keymap({"app.freez": "z"}, bindings())


@pytest.mark.parametrize("theme", ["light", "contrast", "beanops"])
async def test_themes_change_the_colours_of_all(session: Session, client: Client, clock: Clock, theme: str) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.command(f"theme {theme}")
        assert desk.app.theme == theme
        colours = {desk.app.theme_variables[name] for name in ("ready", "reserved", "delayed", "buried", "paused")}
        assert len(colours) == 5
        await desk.command("theme pink")
        assert "unknown theme 'pink'; choose from beanops, " in desk.line("#status")


async def test_without_colours_the_cursor_and_the_selection_are_still_shown(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        assert desk.app.no_color
        await desk.press("space")
        assert desk.lines("#tubes")[1].startswith("●")
        assert desk.lines("#tubes")[2].startswith("▌")


async def test_cursor_and_filter_survive_another_size(session: Session, client: Client, clock: Clock) -> None:
    for number in range(60):
        fill(client, f"tube-{number:02}", b"x")
    async with dashboard(session, clock, (160, 50)) as desk:
        await desk.press("/", *"tube", "enter", "end")
        await desk.pilot.resize_terminal(80, 24)
        await desk.settle()
        assert desk.cursor("#tubes").startswith("tube-59")
        assert all(len(line) <= 80 for line in (await desk.painted()).splitlines())
        await desk.pilot.resize_terminal(160, 50)
        await desk.settle()
        assert desk.cursor("#tubes").startswith("tube-59")


async def test_a_picture_of_the_screen_is_saved_but_never_over_a_file(
    session: Session, client: Client, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = tmp_path / "beanops-20260102-030405.svg"
    async with dashboard(session, clock) as desk:
        desk.app.action_screenshot()
        assert "beanstalkd" in picture.read_text()  # it is there as soon as it is said to be
        assert "saved" in desk.app.status.text  # type: ignore[union-attr]
        picture.write_text("mine")
        await desk.press("S")
        assert desk.line("#status").startswith(f"✗ {picture.name} already exists; nothing written")
        assert picture.read_text() == "mine"
        await desk.command("screenshot nowhere/x.svg")
        assert "cannot write nowhere/x.svg: No such file or directory" in desk.line("#status")
        await desk.command("screenshot ~/x.svg")
        assert (tmp_path / "x.svg").exists()


async def test_half_of_a_file_is_not_left_behind(
    session: Session, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with dashboard(session, clock) as desk:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # as a disk that is full
        try:
            desk.app.action_screenshot("x.svg")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await desk.settle()
        assert "✗ cannot write x.svg: File too large" in desk.line("#status")
        assert list(tmp_path.iterdir()) == []


async def test_a_status_line_goes_when_it_is_old_and_what_failed_stays_longer(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "p", "enter", "y")
        assert "pause: 1 done" in desk.line("#status")
        await desk.tick(9)
        assert "pause: 1 done" in desk.line("#status")
        await desk.tick(1)
        assert "pause" not in desk.line("#status")
        await desk.press("u", "y")  # it can still be undone
        assert client.stats_tube("mail").pause == 0
        await desk.press("K")
        await desk.tick(30)
        assert "no job is buried" in desk.line("#status")
        await desk.tick(30)
        assert "no job" not in desk.line("#status")
