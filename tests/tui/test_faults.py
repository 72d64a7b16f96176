"""What goes wrong in a thread of a screen is told on that screen, and the screen goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.journal.journal import Journal
from beanops.journal.records import JournalError
from beanops.protocol.errors import ProtocolError
from beanops.ui.poller import Poller
from tests.tui.conftest import Clock, dashboard, fill
from tests.waits import PATIENCE


async def test_a_comparison_that_cannot_be_made_says_why(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", b"1", b"2")

    def broken(error: Exception) -> None:
        def jobs_by_id(ids: object) -> object:
            raise error

        monkeypatch.setattr(session._lookups, "jobs_by_id", jobs_by_id)

    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "space", "space")
        broken(ProtocolError("the server sent nonsense"))
        await desk.press("equals_sign")
        assert desk.line("#status").startswith("✗ the server sent nonsense")
        await desk.press("escape")
        broken(RuntimeError("oh"))
        await desk.press("equals_sign")
        assert desk.line("#status").startswith("✗ fault in beanops: RuntimeError: oh")


async def test_an_action_with_a_fault_ends_and_lets_one_quit(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **how: object) -> None:
        raise RuntimeError("oh")

    fill(client, "mail", b"1", bury=1)
    monkeypatch.setattr(session, "kick", broken)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "k", "y")
        assert desk.line("#status").startswith("✗ fault in beanops: RuntimeError: oh")
        await desk.press("q")
        assert not desk.app.is_running


async def test_a_journal_that_cannot_be_read_is_no_lost_server(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(client, "mail", b"x")

    def broken() -> Journal:
        raise JournalError("the journal at here failed: disk I/O error")

    async with dashboard(session, clock, (140, 24)) as desk:
        with monkeypatch.context() as patch:
            patch.setattr(session._context, "journal", broken)
            await desk.press("a")
            assert not desk.app.view.query_one("#banner").display  # type: ignore[union-attr]
            assert "the journal at here failed: disk I/O error" in "\n".join(desk.lines("#runs"))
            assert "cannot read: the journal" in desk.line("#status")
            await desk.press("escape", "down")
            assert "Pause" in desk.footer
        await desk.press("a")
        assert "no runs yet" in "\n".join(desk.lines("#runs"))


async def test_the_journal_is_read_only_when_it_has_changed(
    session: Session, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id,) = fill(client, "mail", b"x")
    session.bury(id)
    reads = []
    runs = Journal.runs
    monkeypatch.setattr(Journal, "runs", lambda *given, **how: reads.append(given) or runs(*given, **how))
    async with dashboard(session, clock) as desk:
        await desk.press("a")
        for _ in range(3):
            await desk.tick()
        assert len(reads) == 1
        session.kick(id)
        await desk.tick()
        assert [row[2] for row in desk.rows("#runs")] == ["kick", "bury"]
        assert len(reads) == 2


async def test_the_servers_are_asked_again_after_a_fault(
    session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(f"[servers.here]\naddress = '{session.address}'\n")
    look = Poller.look

    def broken(self: Poller, *given: object, **named: object) -> object:
        if self is desk.app._poller:
            return look(self, *given, **named)  # type: ignore[arg-type]
        raise RuntimeError("oh")

    async with dashboard(session, clock) as desk:
        monkeypatch.setattr(Poller, "look", broken)
        await desk.press("s")
        await desk.shows("fault in beanops:")
        monkeypatch.setattr(Poller, "look", look)
        await desk.tick(60)
        give_up = time.monotonic() + PATIENCE
        while desk.cursor("#servers").split()[:2] != ["here", "up"]:
            assert time.monotonic() < give_up, desk.cursor("#servers")
            await desk.handled()
