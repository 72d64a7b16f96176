"""The tubes of all servers in one list, each server as it answers: frozen, dead and restarted ones hold up no other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.session.config import profile
from tests.tui.conftest import Clock, dashboard, fill
from tests.waits import PATIENCE

WIDE = (160, 50)


@pytest.fixture
def two(beanstalkd: Beanstalkd) -> Iterator[tuple[Beanstalkd, Beanstalkd]]:
    with Beanstalkd() as prod, Beanstalkd() as batch:
        Path(os.environ["BEANOPS_CONFIG"]).write_text(
            f"""
            [servers.queue]
            address = "{beanstalkd.address}"
            [servers.prod]
            address = "{prod.address}"
            label = "PRODUCTION"
            [servers.batch]
            address = "{batch.address}"
            """
        )
        yield prod, batch


async def test_the_worst_tube_of_all_servers_comes_first_and_enter_goes_there(
    session: Session, client: Client, clock: Clock, two: tuple[Beanstalkd, Beanstalkd]
) -> None:
    fill(client, "mail", b"1")
    with Client(two[0].address) as prod, Client(two[1].address) as batch:
        fill(prod, "billing", *[b"x"] * 1200, bury=1100)
        fill(batch, "mail", b"x")
        async with dashboard(session, clock, WIDE, profile=profile("queue")) as desk:
            await desk.press("T")
            await desk.shows("6 tubes")
            rows = desk.rows("#all-tubes")
            assert rows[0][:2] == ["prod", "billing"]
            assert "1,100" in rows[0]
            assert {(row[0], row[1]) for row in rows} >= {("batch", "mail"), ("batch", "default"), ("queue", "←")}
            await desk.press("home", "enter")
            await desk.settle()
            assert "tube billing" in desk.line("#tube")
            assert desk.line("#profile").startswith("PRODUCTION · prod · ")
            await desk.press("escape")
            assert desk.app.view.TITLE == "All tubes"  # type: ignore[union-attr]
            await desk.shows("prod ←")
            assert desk.cursor("#all-tubes").split()[:3] == ["prod", "←", "billing"], "as the list was left"
            await desk.press("enter")
            assert "tube billing" in desk.line("#tube")


async def test_the_cursor_begins_on_a_tube_when_servers_answer_after_the_first_rows(
    session: Session, client: Client, clock: Clock, two: tuple[Beanstalkd, Beanstalkd]
) -> None:
    async with dashboard(session, clock, WIDE, profile=profile("queue")) as desk:
        for process in two:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            await desk.press("T")
            await desk.shows("1 tube")
        finally:
            for process in two:
                os.kill(process.pid, signal.SIGCONT)
        await desk.shows("3 tubes")
        assert "default" in desk.cursor("#all-tubes")
        assert "no longer exists" not in desk.line("#about")


async def test_the_filter_takes_tubes_and_servers(
    session: Session, client: Client, clock: Clock, two: tuple[Beanstalkd, Beanstalkd]
) -> None:
    fill(client, "mail", b"1")
    async with dashboard(session, clock, WIDE, profile=profile("queue")) as desk:
        await desk.press("T")
        await desk.shows("4 tubes")
        await desk.at_once("/", *"bat", "enter")
        assert [row[0] for row in desk.rows("#all-tubes")] == ["batch"]
        assert "1 of 4 tubes with 'bat'" in desk.line("#status")
        await desk.press("escape")
        await desk.at_once("/", *"!default", "enter")
        assert [row[2] for row in desk.rows("#all-tubes")] == ["mail"]
        await desk.press("escape", "escape")
        assert desk.app.view.TITLE == "Tubes"  # type: ignore[union-attr]


async def test_frozen_and_dead_servers_are_named_and_hold_up_no_other(
    session: Session, client: Client, clock: Clock, two: tuple[Beanstalkd, Beanstalkd]
) -> None:
    prod, batch = two
    fill(client, "mail", b"1")
    with Client(prod.address) as there:
        fill(there, "billing", b"x")
    async with dashboard(session, clock, WIDE, profile=profile("queue")) as desk:
        await desk.press("T")
        await desk.shows("5 tubes")
        os.kill(prod.pid, signal.SIGSTOP)
        try:
            batch.stop()
            clock.seconds += 1
            desk.app.tick()
            await desk.shows("batch LOST since 03:04:06 UTC")
            fill(client, "sms", b"x")
            clock.seconds += 4
            desk.app.tick()
            painted = await desk.shows("sms")
            assert "prod NO ANSWER for 4s" in painted
            rows = desk.rows("#all-tubes")
            assert {tuple(row[:4]) for row in rows[:2]} == {
                ("prod", "(server)", "✖", "NO"),
                ("batch", "(server)", "✖", "LOST,"),
            }  # fmt: skip
            assert ["prod", "billing"] in [row[:2] for row in rows], "what was known stays in sight"
            await desk.command("servers")
            painted = await desk.shows("3 servers, 2 without an answer")
            assert "NO ANSWER" in painted
        finally:
            os.kill(prod.pid, signal.SIGCONT)
        clock.seconds += 1
        desk.app.tick()
        await desk.shows("3 servers, 1 without an answer")
        await desk.settle()


async def test_a_restart_of_another_server_is_told(
    session: Session,
    clock: Clock,
    two: tuple[Beanstalkd, Beanstalkd],
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    prod, _ = two
    with Client(prod.address) as there:
        fill(there, "billing", *[b"x"] * 240)
    async with dashboard(session, clock, WIDE, profile=profile("queue")) as desk:
        await desk.press("s")
        await desk.shows("no workers")
        prod.stop()
        start_beanstalkd(port=prod.port)
        give_up = monotonic() + PATIENCE
        while "restarted " not in (painted := await desk.painted()):
            assert monotonic() < give_up, painted
            await desk.tick(5)
        await desk.press("T")
        await desk.shows("restarted ")
        desk.app.view.table.select(("prod", None))  # type: ignore[union-attr]
        await desk.settle()
        assert "240 jobs fewer" in desk.line("#about")


async def test_a_page_that_shows_one_server_says_so(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock, alone=True) as desk:
        for key in ("T", "s"):
            await desk.press(key)
            assert "this page shows one server only" in desk.line("#status")
            assert desk.app.view.TITLE == "Tubes"  # type: ignore[union-attr]
