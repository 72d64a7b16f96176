"""Several servers: all at a glance, production that cannot be missed, and the way from one to another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.session.config import profile
from tests.tui.conftest import Clock, dashboard, fill


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
        await desk.settle()
        assert desk.rows("#servers")[0][:2] == ["gone", "LOST"]
        assert desk.cursor("#servers").split()[:4] == ["here", "←", "up", "1"]
        assert "3 servers, 1 lost" in desk.line("#status")
        assert "PRODUCTION" in "\n".join(desk.lines("#servers"))
        await desk.press("down", "enter")
        await desk.settle()
        assert desk.names() == ["billing", "default"]
        assert desk.line("#profile").startswith("PRODUCTION · prod · ")
        assert str(desk.app.view.query_one("#profile").styles.background.hex) == "#FF0000"  # type: ignore[union-attr]
        await desk.command("server here")
        await desk.settle()
        assert desk.names() == ["default", "mail"]
        await desk.command("server gone")
        await desk.settle()
        assert desk.line("#status").startswith("✗ gone: ")
        assert desk.names() == ["default", "mail"]
        await desk.command("server nowhere")
        assert "no server of the configuration is called 'nowhere'" in desk.line("#status")


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
        assert "no server is configured" in "\n".join(desk.lines("#servers"))
        Path(os.environ["BEANOPS_CONFIG"]).write_text("[servers")
        await desk.press("escape")
        await desk.command("servers")
        assert "config.toml" in desk.line("#about")
