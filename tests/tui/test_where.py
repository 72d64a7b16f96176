"""The entry of a predicate: what it offers, what it says of the predicate, and of the jobs that match."""

from __future__ import annotations

import json
from pathlib import Path

from beanops import Client, Session
from beanops.protocol.errors import ConnectionLost
from beanops.tui.dialogs import where, where_check
from beanops.tui.dialogs.where import WhereEntry
from beanops.tui.screens.tube import TubeScreen
from beanops.tui.state import StateFile
from tests.tui.conftest import Clock, Desk, dashboard, fill


def bodies(number: int) -> list[bytes]:
    return [json.dumps({"customer": n % 3, "task": "app.Mail"}).encode() for n in range(number)]


def listed(desk: Desk) -> int:
    screen = desk.app.view
    assert isinstance(screen, TubeScreen)
    return len(screen.table.rows)


def entry(desk: Desk) -> str:
    assert isinstance(desk.app.screen, WhereEntry)
    return desk.app.screen._entry.value


async def test_the_number_of_jobs_is_known_before_enter(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies(30))
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "w")
        await desk.press(*"data->>'$.customer' = '1'")
        await desk.shows("10 jobs match")
        assert listed(desk) == 30
        await desk.press("enter")
        assert listed(desk) == 10
        assert desk.line("#status").endswith("10 jobs, where")


async def test_what_is_wrong_stands_beside_the_entry_which_stays_open(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *bodies(3))
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter")
        await desk.at_once("w", *"priority < x", "enter")
        painted = await desk.painted()
        assert "at character 12: there is no column 'x'" in painted
        assert entry(desk) == "priority < x"
        lines = painted.splitlines()
        (typed,) = [line for line in lines if "priority < x" in line]
        (caret,) = [line for line in lines if line.strip() == "^"]
        assert caret.index("^") == typed.index("x", typed.index("<"))
        await desk.at_once("backspace", *"9", "enter", "o")
        assert desk.line("#status").endswith("where, oldest first")


async def test_a_predicate_that_fails_on_a_job_stays_in_the_entry(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", b'{"customer": "x"}')
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "w", *"(data->>'$.customer')::int = 1")
        await desk.shows("Could not convert string")
        await desk.press("enter")
        assert "(data->>'$.customer')::int = 1" in entry(desk)


async def test_history_and_saved_searches_come_back_in_the_next_session(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", *bodies(30), bury=5)
    kept = tmp_path / "state"
    async with dashboard(session, clock, (100, 40), state_file=StateFile(kept)) as desk:
        await desk.command("tube mail")
        await desk.press("w", *"data->>'$.customer' = '1'", "enter")
        await desk.press("w", "ctrl+u", *"buries > 0", "ctrl+s", *"tries", "enter")
        assert "★ tries  buries > 0" in await desk.painted()
        await desk.press("escape")
    async with dashboard(session, clock, (100, 40), state_file=StateFile(kept)) as desk:
        await desk.command("tube mail")
        await desk.press("w")
        painted = await desk.painted()
        assert painted.index("★ tries") < painted.index("data->>'$.customer' = '1'")
        await desk.press("up")
        assert entry(desk) == "data->>'$.customer' = '1'"
        await desk.press("up", "enter")
        assert listed(desk) == 5
        await desk.press("w", "up", "ctrl+r")
        painted = await desk.painted()
        assert "data->>'$.customer' = '1'" not in painted
        assert "★ tries  buries > 0" in painted


async def test_poison_is_deleted_by_a_predicate_in_six_keys(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies(30))
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "w", *"data->>'$.customer' = '1'", "enter", "escape", "escape")
        await desk.press("enter", "w", "up", "enter", "asterisk", "D")
        assert "Delete 10 jobs of tube mail?" in await desk.painted()


async def test_paths_and_their_values_are_completed(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies(30), b'{"other": {"deep": 1}, "cost": 2}')
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "w", *"state = 'ready' and data->>'$.o")
        assert "data->>'$.other.deep'" in await desk.painted()
        await desk.press("tab")
        assert entry(desk) == "state = 'ready' and data->>'$.other"
        await desk.press("ctrl+u", *"data->>'$.cu", "tab")
        assert "data->>'$.customer' = '2'" in await desk.painted()
        assert "data->>'$.customer'" in entry(desk)
        await desk.press("up")
        assert entry(desk).startswith("data->>'$.customer' = '")
        await desk.shows("10 jobs match")


async def test_a_server_that_is_lost_while_jobs_are_counted_is_no_fault_of_the_predicate(
    session: Session, client: Client, clock: Clock, monkeypatch: object
) -> None:
    fill(client, "mail", *bodies(3))
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "w")
        scan = session.scan

        def lost(*arguments: object, **options: object) -> object:
            found = scan(*arguments, **options)  # type: ignore[arg-type]
            found._connect = _fail
            return found

        session.scan = lost  # type: ignore[method-assign, assignment]
        await desk.press(*"priority > 1")
        await desk.shows("not counted: it is gone")
        del session.scan  # type: ignore[method-assign]
        await desk.press("enter")
        assert listed(desk) == 3


def _fail() -> Client:
    raise ConnectionLost("it is gone")


async def test_a_count_ends_after_a_while_and_says_so(
    session: Session, client: Client, clock: Clock, monkeypatch: object
) -> None:
    fill(client, "mail", *bodies(3000))
    before = where_check.IDS
    where_check.IDS = 500
    try:
        async with dashboard(session, clock, (100, 40)) as desk:
            await desk.press("down", "enter", "w", *"priority > 1")
            painted = await desk.shows("at least")
            assert "of 3,000 searched" in painted
    finally:
        where_check.IDS = before
    assert where.REST < 1
