"""What strangers write is shown, never obeyed: by the terminal, or as markup."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol.errors import ProtocolError
from beanops.text import safe_text
from tests.tui.conftest import Clock, dashboard, fill

BODIES = [
    b"\x1b]52;c;aGk=\x07 \x1b[31mred\x1b[0m",
    "\x9b31m \u202egnp.exe \u200b\u2066".encode(),
    b"[/x] [@click=app.quit]quit[/] [red]red[/red] $foreground",
    b'{"task": "[@click=app.quit]x[/]\\u001b[2J", "error": "\\u001b]0;title\\u0007"}',
    "全角文字と\u0301 wide 👩\u200d👩\u200d👧 ".encode() * 40,
    b"\n" * 65_000,
    b"\r\n\t\x00\x7f" * 200,
    b"x" * 60_000,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: safe_text(repr(body[:12])))
async def test_bodies_do_not_reach_the_terminal_or_run(
    session: Session, client: Client, clock: Clock, written: list[str], body: bytes
) -> None:
    fill(client, "mail", body, bury=1)
    async with dashboard(session, clock) as desk:
        await desk.press("down", "enter", "enter", "pagedown", "escape", "D")
        assert "Delete job 1 of tube mail?" in await desk.painted()
        await desk.press("escape", "question_mark", "escape", "k", "y", "a")
        assert desk.app.is_running
    assert_harmless(written, "kick")


@pytest.mark.parametrize("text", ["\x1b]52;c;aGk=\x07\x1b[2J", "\x9b31m\u202e\u200b", "[/x] [@click=app.quit]quit[/]"])
async def test_names_and_errors_of_a_server_do_not_either(
    session: Session,
    client: Client,
    clock: Clock,
    written: list[str],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look = session._lookups.survey

    def haunted(surveyor: Surveyor, wanted: Collection[str] = ()) -> Survey:
        seen = look(surveyor, wanted)
        tubes = {f"{text}{name}": tube for name, tube in seen.tubes.items()}
        return seen._replace(
            server=seen.server._replace(version=text, hostname=text),
            tubes={name: tube._replace(stats=tube.stats._replace(name=name)) for name, tube in tubes.items()},
        )

    def broken(surveyor: Surveyor, wanted: Collection[str] = ()) -> Survey:
        raise ProtocolError(f"the server sent {text}")

    monkeypatch.setattr(session._lookups, "survey", haunted)
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        f"[servers.{json.dumps(text)}]\naddress = '127.0.0.1:1'\nlabel = {json.dumps(text)}\n"
    )
    async with dashboard(session, clock) as desk:
        await desk.press("enter", "p", "enter", "y", "a", "escape", "escape", "slash", "x", "escape")
        await desk.press("g", "enter", "space", "*", "C", "escape", "ctrl+p", "x", "escape", "s", "escape")
        await desk.command("tube x")
        await desk.command(f"group {text.replace(' ', '')}")
        await desk.command("tubes")
        monkeypatch.setattr(session._lookups, "survey", broken)
        await desk.tick(60)
        assert "the server sent" in desk.line("#banner")
        assert desk.app.is_running
    assert_harmless(written, "stale")


def assert_harmless(written: list[str], seen: str) -> None:
    sent = "".join(written)
    assert seen in sent
    for forbidden in ("\x1b]52", "\x1b]0;", "\x1b[2J", "\x9b", "\u202e", "\u200b", "\u2066", "\x00", "\x7f"):
        assert forbidden not in sent
