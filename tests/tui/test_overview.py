"""The overview: what is wrong is told, tubes are selected and act together, filtered, folded, and remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.monitor import survey
from beanops.tui.screens import overview
from beanops.tui.state import Shown, StateFile
from tests.tui.conftest import Clock, Desk, dashboard, fill


def head(desk: Desk, name: str) -> str:
    return next(line for line in desk.lines("#tubes") if line.lstrip("▌●█ ").startswith(name))


async def test_what_is_wrong_with_a_tube_is_told_with_its_reason(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1", b"2")
    async with dashboard(session, clock, (160, 50)) as desk:
        assert "no workers" in head(desk, "mail")
        await desk.press("down")
        assert "no workers: 2 jobs ready and no worker watches it" in desk.line("#about")
        client.watch("mail")
        client.pause_tube("mail", 60)
        await desk.tick(5)
        assert "paused: 2 jobs ready, held back for" in desk.line("#about")
        assert "next job waits" in desk.line("#about")
        fill(client, "mail", b"3", bury=1)
        await desk.tick(5)
        assert "burying: 1 job buried in the last" in desk.line("#about")


async def test_the_course_of_a_tube_and_of_the_server_is_drawn(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x")
    client.watch("mail")
    async with dashboard(session, clock, (160, 50)) as desk:
        for number in range(4):
            fill(client, "mail", *[b"x"] * number)
            await desk.tick(5)
        assert "▂▂▃▃▅▅██" in head(desk, "mail")
        assert "puts/s 0.5" in desk.line("#jobs")  # 5 jobs in 10 seconds
        assert "█" in desk.line("#jobs")
        for _ in range(4):
            client.delete(client.reserve())
        await desk.tick(5)
        await desk.tick(25)
        await desk.press("down")
        assert "drains in 22s" in desk.line("#about")
        await desk.press("i")
        assert "drains in" in desk.lines("#tubes")[0]
        assert head(desk, "mail").endswith("22s")


async def test_selected_tubes_act_together_and_only_they(session: Session, client: Client, clock: Clock) -> None:
    for tube in ("a", "b", "c"):
        fill(client, tube, b"1", b"2", bury=1)
    async with dashboard(session, clock) as desk:
        await desk.press("end", "space")
        assert "1 selected" in desk.line("#status")
        await desk.press("escape")
        assert "selected" not in desk.line("#status")
        await desk.press("home", "space", "space", "p")
        assert "2 tubes" in await desk.painted()
        await desk.press("enter")
        assert "Pause 2 tubes for 600 seconds?" in await desk.painted()
        await desk.press("y")
        assert desk.line("#status").startswith("✓ pause of 2 tubes: 2 done")
        assert client.stats_tube("a").pause_time_left
        assert client.stats_tube("b").pause_time_left
        assert not client.stats_tube("c").pause_time_left


async def test_a_range_and_all_that_the_filter_shows_can_be_selected(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("mail-1", "mail-2", "mail-3", "sms"):
        fill(client, tube, b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "space", "down", "full_stop")
        assert "3 selected" in desk.line("#status")
        await desk.press("escape", "/", *"!mail", "enter", "*")
        assert "2 selected" in desk.line("#status")
        await desk.press("*")
        assert "selected" not in desk.line("#status")


async def test_a_refresh_that_sorts_anew_does_not_change_what_a_confirmation_is_for(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "aa", b"1", b"2")
    fill(client, "bb", b"1")
    async with dashboard(session, clock) as desk:
        await desk.command("sort ready")
        assert desk.cursor("#tubes").startswith("aa")
        await desk.press("p", "enter")
        assert "tube aa" in await desk.painted()
        fill(client, "bb", b"2", b"3", b"4")
        for _ in range(3):
            await desk.tick(5)
        assert "tube aa" in await desk.painted()
        await desk.press("y")
        await desk.settle()
        assert client.stats_tube("aa").pause_time_left
        assert not client.stats_tube("bb").pause_time_left


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("MAIL", ["mail-in", "mail-out"]),
        ("!mail", ["default", "sms"]),
        ("*-in", ["mail-in"]),
        ("//^(mail-in|sms)$", ["mail-in", "sms"]),
        ("!/in|out", ["default", "sms"]),
    ],
)
async def test_a_filter_is_a_text_a_glob_or_a_regular_expression_or_their_inverse(
    session: Session, client: Client, clock: Clock, text: str, names: list[str]
) -> None:
    for tube in ("mail-in", "mail-out", "sms"):
        fill(client, tube, b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("/", *text.removeprefix("/"), "enter")
        assert desk.names() == names


async def test_what_is_no_regular_expression_is_told_and_filters_nothing(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("/", *"/(")
        assert "invalid regular expression: missing ), untermin" in desk.line("#status")
        assert desk.names() == ["default", "mail"]


async def test_tubes_fold_into_a_row_with_their_sums_and_unfold(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail-in", b"1", b"2")
    fill(client, "mail-out", b"1", bury=1)
    fill(client, "sms", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "g")
        assert desk.names() == ["default", "mail-*", "sms"]
        assert desk.cursor("#tubes").split()[:7] == ["mail-*", "(2)", "▲", "no", "workers", "2", "1"]
        assert "tube mail-in: 2 jobs ready" in desk.line("#about")
        await desk.press("p", "enter", "y")
        await desk.settle()
        assert client.stats_tube("mail-in").pause_time_left
        assert client.stats_tube("mail-out").pause_time_left
        await desk.press("enter")
        assert desk.names() == ["default", "mail-in", "mail-out", "sms"]


async def test_how_tubes_are_shown_is_remembered_for_the_server(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    for tube in ("mail-in", "mail-out", "sms"):
        fill(client, tube, b"1")
    state_file = StateFile(tmp_path / "deep" / "tui.json")
    async with dashboard(session, clock, state_file=state_file) as desk:
        await desk.command("sort ready")
        await desk.command("columns ready buried")
        await desk.command("group mail-*")
        await desk.press("/", *"m", "enter")
        await desk.command("theme light")
    async with dashboard(session, clock, state_file=state_file) as desk:
        assert " ".join(desk.lines("#tubes")[0].split()) == "tube ▼ready buried"
        assert desk.names() == ["mail-*", "sms"]
        assert desk.app.theme == "light"
    assert state_file.shown("another") == Shown()


def test_what_was_remembered_and_is_broken_is_forgotten(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path / "tui.json")
    (tmp_path / "tui.json").write_text('{"theme": 5, "servers": {"a": {"sort": [], "columns": 7, "filter": "x"}}}')
    assert state_file.theme() == ""
    assert state_file.shown("a") == Shown(filter="x")
    (tmp_path / "tui.json").write_text("[")
    assert state_file.shown("a") == Shown()


async def test_the_columns_are_chosen_in_a_dialog(session: Session, client: Client, clock: Clock) -> None:
    async with dashboard(session, clock, (160, 30)) as desk:
        assert " why " in desk.lines("#tubes")[0]
        await desk.press("C", "space", "enter")
        await desk.settle()
        assert " why " not in desk.lines("#tubes")[0]
        assert "ready" in desk.lines("#tubes")[0]


async def test_with_many_tubes_each_row_tells_when_it_was_seen(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FULL", 30)
    monkeypatch.setattr(survey, "IN_TURN", 20)
    for number in range(100):
        fill(client, f"tube-{number:03}", b"x")
    async with dashboard(session, clock) as desk:
        for _ in range(8):
            await desk.tick(1)
        assert desk.line("#status").endswith("101 tubes")
        assert "seen" in desk.lines("#tubes")[0]
        assert all(line.endswith(" 0s") for line in desk.lines("#tubes")[1:])
        await desk.press("end")
        assert not all(line.endswith(" 0s") for line in desk.lines("#tubes")[1:])
        await desk.tick(1)
        assert all(line.endswith(" 0s") for line in desk.lines("#tubes")[1:])


async def test_a_large_group_is_not_asked_for_in_full_with_each_look(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "IN_TURN", 4)
    for number in range(9):
        fill(client, f"mail-{number}", b"1")
    fill(client, "sms", b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("down", "g")
        wanted = desk.app.view.wanted()  # type: ignore[union-attr]
        assert len(wanted) == 4
        assert "sms" in wanted  # what stands by itself comes first
