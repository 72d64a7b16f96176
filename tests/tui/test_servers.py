"""Several servers: all at a glance, production that cannot be missed, and the way from one to another."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.session.config import profile
from beanops.tui import refresh
from beanops.tui.dialogs.confirm import Confirm
from tests.proxies import Proxy
from tests.tui.conftest import Clock, dashboard, fill
from tests.tui.test_jobs import Stalled
from tests.waits import PATIENCE


@pytest.fixture
def other(beanstalkd: Beanstalkd) -> Iterator[Beanstalkd]:
    with Beanstalkd() as other:
        Path(os.environ["BEANOPS_CONFIG"]).write_text(
            f"""
            [servers.here]
            address = "{beanstalkd.address}"
            [servers.prod]
            address = "{other.address}"
            color = "red"
            label = "PRODUCTION"
            [servers.gone]
            address = "127.0.0.1:1"
            read_only = true
            """
        )
        yield other


async def test_all_servers_are_shown_and_one_is_switched_to(
    session: Session, client: Client, clock: Clock, other: Beanstalkd
) -> None:
    fill(client, "mail", b"1")
    with Client(other.address) as there:
        fill(there, "billing", b"1", b"2")
    async with dashboard(session, clock, profile=profile("here")) as desk:
        assert not desk.app.view.query_one("#profile").display  # type: ignore[union-attr]
        await desk.press("s")
        await desk.shows("3 servers, 1 without an answer")
        await desk.shows("no workers")
        assert desk.rows("#servers")[0][:2] == ["gone", "LOST"]
        assert desk.cursor("#servers").split()[:3] == ["here", "←", "up"]
        assert "PRODUCTION" in "\n".join(desk.lines("#servers"))
        await desk.press("down", "enter")
        await desk.settle()
        assert desk.names() == ["billing", "default"]
        assert desk.line("#profile").startswith("PRODUCTION · prod · ")
        assert str(desk.app.view.query_one("#profile").styles.background.hex) == "#FF0000"  # type: ignore[union-attr]
        await desk.command("server here")
        await desk.settle()
        assert desk.names() == ["mail", "default"]
        await desk.command("server gone")
        await desk.settle()
        assert desk.line("#status").startswith("✗ gone: ")
        assert desk.names() == ["mail", "default"]
        await desk.command("server nowhere")
        assert "unknown server 'nowhere'" in desk.line("#status")


class Slowly:
    """Has connecting to some servers take until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *slow: str) -> None:
        self.going = threading.Event()
        self.opened: list[Session] = []

        def reach(target: str, **how: Any) -> Session:
            if target in slow:
                assert self.going.wait(60)
            session = connect(target, **how)
            self.opened.append(session)
            return session

        monkeypatch.setattr(refresh, "connect", reach)


async def test_the_server_that_was_asked_for_last_is_the_one_that_is_shown(
    session: Session, client: Client, clock: Clock, other: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(other.address) as there:
        fill(there, "billing", b"1")
    slowly = Slowly(monkeypatch, "prod")
    async with dashboard(session, clock, profile=profile("here")) as desk:
        desk.app.switch(profile("prod"))
        desk.app.switch(profile("prod"))  # a second Enter
        desk.app.switch(profile("here"))
        slowly.going.set()
        await desk.settle()
        assert "billing" not in desk.names()
        (late,) = slowly.opened
        assert late._context._clients["looking"].closed
        await desk.command("server prod")
        assert "billing" in desk.names()
        assert len(slowly.opened) == 2
        desk.app.switch(profile("here"))
        desk.app.switch(profile("prod"))  # known by now, each of the two
        await desk.settle()
        assert "billing" in desk.names()
        assert len(slowly.opened) == 2


async def test_a_confirmed_action_never_goes_to_another_server(
    session: Session, client: Client, clock: Clock, other: Beanstalkd
) -> None:
    with Client(other.address) as there:
        fill(there, "mail", b"1", b"2", bury=2)
        fill(client, "mail", b"1", b"2", bury=2)
        async with dashboard(session, clock, profile=profile("here")) as desk:
            await desk.press("down", "enter", "asterisk", "D")
            confirm = desk.app.screen
            assert isinstance(confirm, Confirm)
            await desk.app.workers.wait_for_complete()
            with connect(other.address) as elsewhere:
                desk.app.perform(confirm._request._replace(session=elsewhere))
            assert "delete: nothing done; another server is shown" in desk.app.status.text  # type: ignore[union-attr]
            await desk.command("server prod")
            assert not isinstance(desk.app.screen, Confirm)
            assert there.stats_tube("mail").current_jobs_buried == 2
            assert client.stats_tube("mail").current_jobs_buried == 2


async def test_what_is_under_way_on_a_server_that_was_gone_to_is_written_down_before_it_is_closed(
    session: Session, clock: Clock, other: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(other.address) as there:
        fill(there, "mail", *[b"x"] * 10, bury=10)
    async with dashboard(session, clock, (100, 40), profile=profile("here")) as desk:
        await desk.command("server prod")
        there_session = desk.app.session
        stalled = Stalled(there_session, monkeypatch)
        await desk.press("enter", "asterisk", "k")
        async with stalled.action(desk, "y"):
            # As when a terminal or a browser is closed; the pilot does this only at its own end.
            ending = asyncio.create_task(desk.app.on_unmount())
            for _ in range(100):
                await asyncio.sleep(0)
            assert not ending.done()
        await ending
    assert there_session._context._clients["acting"].closed
    journal = session._context.journal()
    (run,) = journal.runs(other.address)
    assert journal.counts([run.id]) == {run.id: {"done": 5}}


async def test_a_server_that_hangs_holds_up_no_other(
    session: Session, client: Client, clock: Clock, other: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(other.address) as there:
        fill(there, "billing", b"1")
    hanging = threading.Event()
    survey = session._lookups.survey

    def hang(*given: Any) -> Any:
        assert hanging.wait(60)
        return survey(*given)

    async with dashboard(session, clock, profile=profile("here")) as desk:
        await desk.press("s")
        monkeypatch.setattr(session._lookups, "survey", hang)
        clock.seconds += 1
        desk.app.tick()
        clock.seconds += 5
        desk.app.tick()
        await desk.handled()
        assert "NO ANSWER for 5s" in desk.line("#banner")
        assert "stale" in desk.line("#banner")
        desk.app.switch(profile("prod"))
        give_up = time.monotonic() + PATIENCE
        while desk.app.session is session or not desk.app.live.tubes or desk.app._poller.busy:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.01)
        assert "billing" in desk.names()
        clock.seconds += 5
        desk.app.tick()
        await desk.handled()
        assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]
        hanging.set()
        await desk.settle()
        assert "billing" in desk.names()


async def test_nothing_of_the_former_server_stands_under_the_name_of_one_that_does_not_answer(
    session: Session, client: Client, clock: Clock, other: Beanstalkd
) -> None:
    fill(client, "mail", *[b"x"] * 7_777, bury=3)
    fill(client, "billing", b"x")
    instance = client.stats().id
    async with dashboard(session, clock, (160, 50), profile=profile("here")) as desk:
        await desk.press("end", "space")
        assert "7,774" in await desk.painted()
        os.kill(other.pid, signal.SIGSTOP)
        try:
            await desk.press("enter")
            desk.app.switch(profile("prod"))
            give_up = time.monotonic() + PATIENCE
            while desk.app.session is session:
                assert time.monotonic() < give_up
                await asyncio.sleep(0.01)
            for seconds in (1, 4):
                clock.seconds += seconds
                desk.app.tick()
                painted = await desk.shows("no answer from this server yet")
                assert other.address in painted
                for former in ("7,774", "mail", "billing", "selected", instance, str(session.address)):
                    assert former not in painted
                assert "no answer from this server yet" in desk.line("#connections")
                assert desk.line("#jobs").split()[:8] == ["ready", "–", "reserved", "–", "delayed", "–", "buried", "–"]
                assert desk.lines("#tubes")[2].strip() == "loading ..."
                assert "no tubes yet" in desk.line("#status")
            assert "NO ANSWER for 5s; no answer" in desk.line("#banner")
            await desk.send("p")
            await desk.send("X")
            assert desk.app.screen is desk.app.view
        finally:
            os.kill(other.pid, signal.SIGCONT)
        await desk.settle()
        assert desk.names() == ["default"]
        await desk.command("server here")
        assert "7,774" in await desk.painted()
        assert "selected" not in desk.line("#status")


async def test_a_name_that_was_given_to_another_server_means_that_one(
    session: Session, client: Client, clock: Clock, other: Beanstalkd, beanstalkd: Beanstalkd
) -> None:
    fill(client, "mail", b"x")
    async with dashboard(session, clock, profile=profile("here")) as desk:
        await desk.command("server prod")
        config = Path(os.environ["BEANOPS_CONFIG"])
        config.write_text(config.read_text().replace(other.address, beanstalkd.address))
        await desk.command("server prod")
        assert desk.names() == ["mail", "default"]


async def test_read_only_stays_so_on_every_server(
    session: Session, client: Client, clock: Clock, other: Beanstalkd
) -> None:
    async with dashboard(session, clock, read_only=True) as desk:
        await desk.command("server prod")
        await desk.settle()
        assert "READ-ONLY" in desk.line("#server")


async def test_without_servers_it_says_how_to_name_some(session: Session, clock: Clock) -> None:
    async with dashboard(session, clock) as desk:
        await desk.command("servers")
        assert "no servers configured" in "\n".join(desk.lines("#servers"))
        Path(os.environ["BEANOPS_CONFIG"]).write_text("[servers")
        await desk.press("escape")
        await desk.command("servers")
        assert "config.toml" in desk.line("#about")


async def test_a_tunnel_to_a_protected_server_is_shown_as_that(
    beanstalkd: Beanstalkd, client: Client, clock: Clock
) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        f'[servers.prod]\naddress = "{beanstalkd.address}"\nread_only = true\nlabel = "PRODUCTION"\n'
    )
    fill(client, "mail", b"x", bury=1)
    with Proxy(beanstalkd.port) as proxy, connect(proxy.address) as session:
        async with dashboard(session, clock) as desk:
            assert "PRODUCTION" in desk.line("#profile")
            await desk.tick()
            assert "READ-ONLY" in desk.line("#server")
            await desk.press("K")
            assert client.stats_tube("mail").current_jobs_buried == 1
