"""What goes wrong in a thread of a screen is told on that screen, and the screen goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.monitor.fleet import Fleet
from beanops.protocol.errors import ProtocolError
from tests.tui.conftest import Clock, dashboard, fill


async def test_a_comparison_that_cannot_be_made_says_why(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", b"1", b"2")

    def broken(error: Exception) -> None:
        def jobs_by_id(ids: object) -> object:
            raise error

        monkeypatch.setattr(session, "jobs_by_id", jobs_by_id)

    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "space", "space")
        broken(ProtocolError("the server sent nonsense"))
        await desk.press("equals_sign")
        assert desk.line("#status").startswith("✗ the server sent nonsense")
        await desk.press("escape")
        broken(RuntimeError("oh"))
        await desk.press("equals_sign")
        assert desk.line("#status").startswith("✗ fault in beanops: RuntimeError: oh")


async def test_the_servers_are_asked_again_after_a_fault(
    session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(f"[servers.here]\naddress = '{session.address}'\n")
    look = Fleet.look

    def broken(self: Fleet) -> object:
        raise RuntimeError("oh")

    monkeypatch.setattr(Fleet, "look", broken)
    async with dashboard(session, clock) as desk:
        await desk.press("s")
        assert desk.line("#status").startswith("✗ fault in beanops: RuntimeError: oh")
        monkeypatch.setattr(Fleet, "look", look)
        await desk.tick()
        assert desk.cursor("#servers").split()[:2] == ["here", "up"]
