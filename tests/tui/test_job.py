"""One job: its body in every form, what is taken away from it, and the journal of what was done."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from beanops import Client, Session
from beanops.tui.actions.drafts import read, written
from beanops.tui.widgets.body import BodyView
from tests.tui.conftest import Clock, Desk, dashboard, fill


async def open_job(desk: Desk) -> None:
    await desk.press("down", "enter", "enter")
    assert desk.app.screen.title == "Job"


async def test_a_body_is_shown_in_every_form(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", gzip.compress(b'{"task": "app.Mail", "user": {"id": 7}}'))
    async with dashboard(session, clock, (100, 30)) as desk:
        await open_job(desk)
        assert desk.lines("#body")[:2] == ["{", '  "task": "app.Mail",']
        await desk.press("2")
        painted = await desk.painted()
        assert "task  app.Mail" in painted
        assert "user  1 field" in painted
        await desk.press("down", "down", "enter")
        assert "id  7" not in await desk.painted()
        await desk.press("3")
        assert desk.lines("#body")[0].startswith("\\x1f\\x8b\\x08")
        await desk.press("4")
        assert desk.lines("#body")[0].startswith("00000000  1f 8b 08")
        await desk.press("d")
        assert "gzip, json: 1 of " in desk.line("#form")
        await desk.press("d")
        assert "hex: 2 of 2" in desk.line("#form")


async def test_age_and_time_left_tick_between_two_looks(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x", delay=36_000)
    async with dashboard(session, clock, (100, 30)) as desk:
        await open_job(desk)
        assert "(ready in 9h59m)" in desk.line("#job")
        clock.seconds += 7200
        desk.app.view._show_facts()  # type: ignore[union-attr]
        assert "(ready in 7h59m)" in desk.line("#job")
        assert "age 2h00m" in desk.line("#history")


async def test_a_body_is_copied_and_saved_but_never_over_a_file(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda self, data: written.append(data))
    monkeypatch.chdir(tmp_path)
    fill(client, "mail", b"\x1b[2J \xff")
    async with dashboard(session, clock, (100, 30)) as desk:
        await open_job(desk)
        await desk.press("3", "y")
        assert "copied 12 characters" in desk.line("#status")
        (copied,) = [data for data in written if data.startswith("\x1b]52;c;")]
        assert base64.b64decode(copied[7:].rstrip("\x07")).decode() == "\\x1b[2J \\xff"
        await desk.press("Y", "enter")
        assert (tmp_path / "job-1.bin").read_bytes() == b"\x1b[2J \xff"
        assert "saved 6 bytes to job-1.bin" in desk.line("#status")
        await desk.press("Y", "enter")
        assert "already exists; nothing written" in desk.line("#status")


async def test_two_jobs_are_compared(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b'{"a": 1, "b": 2}', priority=5)
    fill(client, "mail", b'{"a": 1, "b": 3}', priority=9)
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "equals_sign")
        assert "select one or two jobs" in desk.line("#status")
        await desk.press("home", "space", "enter", "equals_sign")
        assert "priority 5 → 9" in desk.line("#differs")
        assert '-  "b": 2' in desk.lines("#body")
        assert '+  "b": 3' in desk.lines("#body")
        await desk.press("escape", "N")
        assert "job 1" in desk.line("#job")
        await desk.press("n")
        assert "job 2" in desk.line("#job")


async def test_a_job_is_acted_on_from_its_own_screen(session: Session, client: Client, clock: Clock) -> None:
    (id,) = fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock, (160, 30)) as desk:
        await open_job(desk)
        assert "New" not in desk.footer  # n goes to the next job here
        await desk.press("k", "y")
        assert client.stats_job(id).state == "ready"
        assert "Kick" not in desk.footer.replace("Kick next", "")
        await desk.press("v", "y")
        assert "reserved by you (times out in" in desk.line("#job")
        await desk.press("D", "y")
        assert "no longer exists" in desk.line("#job")
        await desk.press("u", "y")
        assert client.stats_tube("mail").current_jobs_ready == 1


async def test_a_run_of_long_ago_is_undone_from_the_journal(session: Session, client: Client, clock: Clock) -> None:
    many = fill(client, "mail", *[b"x"] * 3)
    session.bury(many[:2])
    session.delete(many[2])
    session.kick_next("mail", 1)
    async with dashboard(session, clock, (160, 30)) as desk:
        await desk.press("a")
        assert [row[2] for row in desk.rows("#runs")] == ["kick", "delete", "bury"]
        assert "Undo" not in desk.footer  # the server does not tell which job it kicked
        await desk.press("down", "down")
        assert "2 jobs" in desk.line("#why")
        await desk.press("enter", "u")
        assert "Undo bury (2)?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").current_jobs_buried == 0
        await desk.press("escape", "home")
        assert desk.rows("#runs")[0][2] == "undo"
        assert "undoes" in desk.line("#action")


async def test_a_journal_of_other_servers_says_which(session: Session, client: Client, clock: Clock) -> None:
    session.pause("mail", 60) if client.put(b"x", tube="mail") else None
    with session._context.journal()._database.transaction() as connection:
        connection.exec_driver_sql("update runs set server = 'elsewhere:1'")
    async with dashboard(session, clock, (200, 30)) as desk:
        await desk.press("a")
        shown = " ".join("\n".join(desk.lines("#runs")).split())
        assert "no runs yet; the journal at" in shown
        assert "elsewhere:1 (1 run)" in shown


async def test_the_journal_is_read_in_pages(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beanops.tui.screens.journal.RUNS", 2)
    monkeypatch.setattr("beanops.tui.screens.journal.JournalPages.per_page", 2)
    (id,) = fill(client, "mail", b"x")
    for _ in range(2):
        session.bury(id)
        session.kick(id)
    session.delete(id)
    async with dashboard(session, clock, (160, 30)) as desk:
        await desk.press("a")
        assert [row[2] for row in desk.rows("#runs")] == ["delete", "kick"]
        assert "1 to 2 of 5 runs" in desk.line("#status")
        await desk.press("n", "n", "n")
        assert [row[2] for row in desk.rows("#runs")] == ["bury"]
        await desk.press("N")
        assert [row[2] for row in desk.rows("#runs")] == ["bury", "kick"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"plain",
        b'{"a": "\\n"}',
        b"\xff\x00\\",
        "é\u202e全".encode(),
        b"#escaped\n\\x",
        b"tab\there\r\n",
        bytes(range(256)),
    ],
)
def test_any_body_survives_being_edited(body: bytes) -> None:
    text = written(body)
    assert read(text) == body
    assert not set(text) & set("\x1b\x07\x9b\u202e\r\t")


async def test_a_large_body_is_read_when_the_cursor_is_on_it(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"small")
    fill(client, "mail", b"\n".join(b"line %d" % number for number in range(5000)))
    async with dashboard(session, clock, (100, 40)) as desk:
        await desk.press("down", "enter", "down")
        assert desk.lines("#body")[:2] == ["line 0", "line 1"]
        assert f"{sum(len(str(number)) + 6 for number in range(5000)) - 1:,} bytes" in desk.line("#job")


async def test_no_body_stands_under_the_name_of_another_job(session: Session, client: Client, clock: Clock) -> None:
    first, second = fill(client, "mail", b'{"a": 1}', b'{"a": true}', bury=2)
    async with dashboard(session, clock, (100, 30)) as desk:
        await desk.press("down", "enter", "enter", "2")
        assert "a  1" in await desk.painted()
        await desk.press("n")
        assert f"job {second}" in desk.line("#job")
        assert "a  true" in await desk.painted()
        await desk.press("N")
        client.delete(second)
        await desk.press("n")
        assert f"job {second}  no longer exists" in desk.line("#job")
        assert "a  1" not in await desk.painted()
        assert desk.app.view.query_one(BodyView).text == ""  # type: ignore[union-attr]
        await desk.press("N")
        assert f"job {first}" in desk.line("#job")
        assert "a  1" in await desk.painted()
