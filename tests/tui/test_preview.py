"""The preview of the tube under the cursor, and idle tubes in one row."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest
from textual.widgets import Static

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import ConnectFailed
from beanops.tui.screens import preview
from beanops.tui.tubes import causes
from beanops.tui.tubes.causes import CauseMemory, TubeCauses, read_causes
from beanops.tui.widgets import columns
from tests.tui.conftest import Clock, Desk, dashboard, fill

WIDE = (160, 50)


def failed(error: str, number: int) -> list[bytes]:
    return [json.dumps({"task": "app.Pay", "error": error, "n": n}).encode() for n in range(number)]


def pane(desk: Desk) -> str:
    return str(desk.app.view.query_one("#pane", Static).content)  # type: ignore[union-attr]


def watched(client: Client, tube: str) -> None:
    """Put a tube to use, so that idle ones are folded."""
    client.watch(tube)
    fill(client, tube, b"x")
    client.reserve()


async def test_it_shows_problems_causes_the_next_job_and_what_can_be_done(
    session: Session, client: Client, clock: Clock
) -> None:
    bodies = [*failed("smtp timed out", 5), *failed("no such customer", 3), *failed("out of memory", 2)]
    fill(client, "billing", *bodies, *failed("disk full", 1), bury=11)
    async with dashboard(session, clock, WIDE, sort=None) as desk:
        text = pane(desk)
        assert text.startswith("billing\n▲ buried: 11 jobs buried")
        assert "causes of 11 buried jobs\n5  45% smtp timed out\n3  27% no such customer" in text
        assert "1      other causes" in text
        assert "next buried: job 1 put" in text
        assert "ago\nsmtp timed out" in text
        assert "k kick 11" in text
        await desk.press("k", "y")
        assert "kinds of 11 ready jobs" in pane(desk)


async def test_a_narrow_terminal_has_it_in_three_lines_and_i_hides_it(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "billing", *failed("smtp timed out", 5), *failed("disk full", 3), bury=8)
    async with dashboard(session, clock, (80, 24), sort=None) as desk:
        assert desk.line("#about").startswith("billing  buried: 8 jobs buried")
        assert desk.line("#causes").startswith("5 smtp timed out  3 disk full")
        assert desk.line("#next") == "next buried: job 1  smtp timed out"
        await desk.press("i")
        assert "next buried" not in await desk.painted()
        await desk.press("i")
        assert "next buried" in await desk.painted()


async def test_jobs_are_read_again_only_when_the_tube_has_changed(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(*arguments: Any) -> TubeCauses:
        read.append(arguments[1].name)
        return read_causes(*arguments)

    monkeypatch.setattr(preview, "read_causes", counted)
    fill(client, "billing", *failed("disk full", 3), bury=3)
    fill(client, "sms", b"x", delay=600)
    async with dashboard(session, clock, WIDE, sort=None) as desk:
        for _ in range(3):
            await desk.tick(30)
        assert read == ["billing"]
        await desk.press("down", "up")
        assert read.count("billing") == 1
        fill(client, "billing", *failed("out of memory", 1), bury=1)
        await desk.tick(causes.SOON)
        assert read.count("billing") == 2
        assert "out of memory" in pane(desk)


async def test_jobs_are_not_read_while_the_server_does_not_answer(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise ConnectFailed("cannot connect")

    fill(client, "billing", *failed("disk full", 3), bury=3)
    fill(client, "mail", *failed("disk full", 1), bury=1)
    async with dashboard(session, clock, WIDE) as desk:
        monkeypatch.setattr(session._lookups, "survey", lost)
        await desk.tick()
        await desk.press("end")
        assert "jobs are not read while the server does not answer" in pane(desk)


async def test_secrets_and_control_characters_of_bodies_are_not_shown(beanstalkd: Beanstalkd, clock: Clock) -> None:
    with Client(beanstalkd.address) as client:
        fill(
            client, "mail", json.dumps({"token": "s3cr3t", "error": "bad \x1b]52;c;x\x07 [red]x[/y]"}).encode(), bury=1
        )
    with connect(beanstalkd.address, source="tui", redact=["token"]) as session:
        for size in ((80, 24), WIDE):
            async with dashboard(session, clock, size, sort=None) as desk:
                painted = await desk.painted()
                assert "[red]x[/y]" in painted
                assert "s3cr3t" not in painted
                assert "\x1b" not in painted


async def test_idle_tubes_are_one_row_that_enter_opens(session: Session, client: Client, clock: Clock) -> None:
    watched(client, "busy")
    for number in range(5):
        fill(client, f"idle-{number}", b"x")
    async with dashboard(session, clock, (100, 30), sort=None) as desk:
        assert desk.rows("#tubes")[0][:4] == ["+", "5", "idle", "tubes"]
        assert len(desk.names()) == 3
        assert "no workers: 5 tubes: idle-0, idle-1, idle-2 and 2 more" in desk.line("#about")
        await desk.press("enter")
        assert desk.cursor("#tubes").startswith("idle-0")
        assert len(desk.names()) == 7
        await desk.press("escape")
        assert desk.cursor("#tubes").startswith("+ 5 idle tubes")
        await desk.press("slash", *"idle", "enter")
        assert len(desk.names()) == 5


async def test_the_tube_under_the_cursor_is_not_folded_away(session: Session, client: Client, clock: Clock) -> None:
    watched(client, "busy")
    for number in range(4):
        fill(client, f"idle-{number}", b"x")
    fill(client, "mail", b"x", bury=1)
    async with dashboard(session, clock, (100, 30), sort=None) as desk:
        assert desk.cursor("#tubes").startswith("mail")
        client.kick_job(next(iter(session.jobs("mail").id)))
        await desk.tick(400)
        await desk.tick(400)
        assert desk.cursor("#tubes").startswith("mail")
        assert "+ 4 idle tubes" in "\n".join(desk.lines("#tubes"))


async def test_idle_tubes_have_their_rows_where_nothing_else_is_in_use(
    session: Session, client: Client, clock: Clock
) -> None:
    for number in range(5):
        fill(client, f"idle-{number}", b"x")
    async with dashboard(session, clock, (100, 30), sort=None) as desk:
        assert len(desk.names()) == 6


def test_the_examples_are_right() -> None:
    for module in (causes, columns):
        assert doctest.testmod(module).failed == 0


def test_what_is_remembered_of_tubes_is_bounded(session: Session, client: Client) -> None:
    fill(client, "mail", b"x")
    stats, memory = session._lookups.tube("mail"), CauseMemory()
    for number in range(causes.MOST + 5):
        memory.keep(TubeCauses("server", stats._replace(name=f"tube-{number}"), 1.0))
    assert memory.of("tube-0", "server") is None
    assert memory.of(f"tube-{causes.MOST}", "server") is not None
    assert memory.of(f"tube-{causes.MOST}", "another") is None
