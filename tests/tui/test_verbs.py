"""Typed verbs, canaries, exports and imports: what is typed is confirmed, carried out and undone as a key would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from tests.tui.conftest import Clock, Desk, dashboard, fill


def bodies(*errors: str) -> list[bytes]:
    return [
        json.dumps({"customer": n, "exception": {"class": "E", "message": error}}).encode()
        for n, error in enumerate(errors)
    ]


def counts(client: Client, tube: str = "mail") -> tuple[int, int]:
    stats = client.stats_tube(tube)
    return stats.current_jobs_ready, stats.current_jobs_buried


async def told(desk: Desk) -> str:
    """Return the screen as it is."""
    return await desk.painted()


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("kick mail", (4, 0)),
        ("kick mail where data->>'$.customer' = '1'", (2, 2)),
        ("kick m* buried", (4, 0)),
        ("delete mail buried", (1, 0)),
        ("delete mail where body like '%poison%'", (1, 1)),
        ("release mail buried delay 0 priority 7", (4, 0)),
        ("bury mail ready", (0, 4)),
    ],
)
async def test_verbs_act_on_what_was_typed(
    session: Session, client: Client, clock: Clock, line: str, left: tuple[int, int]
) -> None:
    fill(client, "mail", *bodies("poison", "poison", "smtp"), bury=3)
    fill(client, "mail", b"ready")
    client.watch("mail")
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command(line)
        await desk.settle()
        if "no such jobs" not in await told(desk):
            await desk.press("y")
        assert counts(client) == left


async def test_a_typed_move_asks_for_nothing_that_was_typed(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies("a", "b"), bury=2)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("move mail buried to hospital")
        assert "Move 2 buried jobs of tube mail into tube hospital?" in await told(desk)
        await desk.press("y")
        assert counts(client, "hospital") == (0, 2)
        await desk.press("u", "y")
        assert counts(client) == (0, 2)


async def test_an_edit_of_many_is_typed(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies("a", "b"), bury=2)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("edit mail buried set $.customer=7 where data->>'$.customer' = '1'")
        assert "Edit 1 buried job of tube mail" in await told(desk)
        await desk.press("y")
        found = [json.loads(job.body or b"")["customer"] for batch in session.scan("mail") for job in batch]
        assert sorted(found) == [0, 7]


async def test_what_cannot_be_done_says_why(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock, (120, 40)) as desk:
        for line, why in {
            "kick mail": "kick: no such jobs",
            "delete mail": "missing state, group or where",
            "kick nail": "unknown word 'nail'; did you mean 'mail'?",
            "move mail ready to": "missing value after to",
            "edit mail ready": "nothing to change",
            "import /nowhere": "/nowhere",
            "export mail ready": "missing file before 'mail'",
            "put mail @/nowhere": "put: cannot read /nowhere",
            "delete mail where eror like 'x'": "there is no column 'eror'",
            "jobs mail where id =": "at character",
            "undo nothing": "the journal has no run nothing",
            "pause mail soon": "expected whole seconds",
            "pause mail ready 10m": "pause: takes no state",
            "drain mail ready where id = 1": "drain: takes no where",
            "drain mail ready group g12345678": "drain: takes no group",
            "kick-next mail 1 where id = 1": "kick-next: takes no where",
            "unpause mail where id = 1": "unpause: takes no where",
            "groups mail group g12345678": "groups: takes no group",
            "facets mail ready buried": "facets: one state",
        }.items():
            await desk.command(line)
            shown = await told(desk)
            if "Put the jobs of" in shown:
                await desk.press("y")
                shown = await told(desk)
            assert why in shown, line
            await desk.press("escape")
        assert session._lookups.own_actions() == []


async def test_a_run_of_the_journal_is_undone_by_its_id(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies("a", "b"), bury=2)
    run = session.kick("mail", state="buried")
    session.pause("mail", 60)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command(f"undo {run.id}")
        assert "Undo kick" in await told(desk)
        await desk.press("y")
        assert counts(client) == (0, 2)


async def test_a_line_with_a_wrong_predicate_stays_open(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1", bury=1)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press(":", *(line := "kick mail where eror like 'x'"), "enter")
        assert "there is no column 'eror'" in await told(desk)
        assert desk.app.screen.query_one(Input).value == line
        await desk.press("escape")
        assert counts(client) == (0, 1)


async def test_tubes_are_paused_and_jobs_put_by_typing(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", b"1")
    (lines := tmp_path / "lines").write_bytes(b"one\n\ntwo\nthree")
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("pause mail 10m")
        assert "Pause tube mail for 600 seconds?" in await told(desk)
        await desk.press("y")
        assert client.stats_tube("mail").pause == 600
        await desk.command(f"put mail @{lines}")
        assert "Put 3 jobs of 11 bytes into tube mail?" in await told(desk)
        await desk.press("y")
        assert counts(client)[0] == 4
        await desk.command("put mail one more")
        await desk.press("y")
        assert counts(client)[0] == 5


async def test_each_line_of_a_form_may_be_a_job(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("tube mail")
        await desk.press("P", "ctrl+o", *"ab", "enter", *"cd", "ctrl+s")
        assert "Put 2 jobs of 4 bytes into tube mail?" in await told(desk)
        await desk.press("y")
        assert counts(client)[0] == 3


async def test_what_was_exported_is_imported_again(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", *bodies("a", "b"), bury=2)
    file = tmp_path / "out.jsonl"
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command(f"export {file} mail buried")
        assert "export: 2 done" in desk.line("#status")
        assert len(file.read_text().splitlines()) == 2
        await desk.command(f"export {file} mail buried")
        assert "exists" in desk.line("#status")
        await desk.command("delete mail buried")
        await desk.press("y")
        await desk.command(f"import {file}")
        await desk.press("y")
        assert counts(client) == (0, 2)


async def test_marked_jobs_are_exported_by_a_key_also_read_only(
    beanstalkd: Beanstalkd, client: Client, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fill(client, "mail", *bodies("a", "b", "c"), bury=3)
    with connect(beanstalkd.address, source="tui", read_only=True) as session:
        await exported(session, clock, tmp_path)


async def exported(session: Session, clock: Clock, tmp_path: Path) -> None:
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("tube mail")
        await desk.press("space", "down", "space", "E", "enter")
        (file,) = tmp_path.iterdir()
        assert len(file.read_text().splitlines()) == 2


async def test_a_canary_shows_its_waves_and_asks_before_the_next(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "mail", *bodies(*"abc"), bury=3)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("canary mail first 1 watch 1")
        assert "Kick 1 of 3 buried jobs of tube mail, watch them for up to" in await told(desk)
        await desk.send("y")
        shown = await desk.shows("Kick the other 2 jobs?")
        assert "wave 1: 1 job" in shown
        assert "nobody has taken it" in shown
        assert counts(client) == (1, 2)
        await desk.send("y")
        await desk.shows("kick: 3 done")
        await desk.press("escape")
        assert counts(client) == (3, 0)
        await desk.press("u", "y")
        assert counts(client) == (0, 3)


async def test_a_canary_that_is_not_confirmed_leaves_the_rest(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies(*"abc"), bury=3)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("canary mail first 1 watch 1")
        await desk.send("y")
        await desk.shows("Kick the other 2 jobs?")
        await desk.send("n")
        await desk.shows("not confirmed: 2 jobs left untouched")
        assert counts(client) == (1, 2)


async def test_a_wait_ends_when_its_condition_is_true(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock, (120, 40), slow=0) as desk:
        await desk.press(":", *"wait mail ready = 0")
        await desk.send("enter")
        await desk.shows("mail: 1 ready")
        client.delete(client.reserve_job(1))
        await desk.shows("ready = 0 is true")


async def test_lists_groups_and_facets_open_by_typing(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *bodies("smtp", "smtp", "disk"), bury=3)
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.command("jobs mail buried where data->>'$.customer' = '2'")
        assert "where data->>'$.customer' = '2'" in await told(desk)
        assert len(desk.rows("#heads")) == 1
        await desk.press("escape")
        await desk.command("groups")
        assert "E: smtp" in await told(desk)
        await desk.command("facets mail")
        assert "$.customer" in await told(desk)


async def test_words_states_and_files_are_completed(
    session: Session, client: Client, clock: Clock, tmp_path: Path
) -> None:
    fill(client, "mail", b"1")
    (tmp_path / "some.jsonl").touch()
    async with dashboard(session, clock, (120, 40)) as desk:
        await desk.press(":", *"kick m", "tab", *" bur", "tab", *" wh", "tab", *" pri", "tab")
        assert "kick mail buried where priority" in await told(desk)
        await desk.press("ctrl+u", *f"import {tmp_path}/so", "tab")
        assert "some.jsonl" in await told(desk)
