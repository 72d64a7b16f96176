"""How the overview, the servers and the ways to command look, small and large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.session.config import Profile
from beanops.tui.commandline import CommandLine
from tests.tui.conftest import Clock, dashboard, fill
from tests.tui.test_looks_jobs import same, seen

PRODUCTION = Profile("prod", "queue.internal:11300", color="red", label="PRODUCTION")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: "x".join(map(str, size)))
async def test_looks(session: Session, client: Client, clock: Clock, size: tuple[int, int]) -> None:
    shape = "x".join(map(str, size))
    CommandLine.typed.clear()
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        "[servers.prod]\naddress = '127.0.0.1:1'\nlabel = 'PRODUCTION'\n[servers.gone]\naddress = '127.0.0.1:1'\n"
    )
    client.watch("mail-out")
    fill(client, "mail-in", b"1", b"2")
    fill(client, "mail-out", b"1", bury=1)
    fill(client, "sms", b"1", b"2", delay=60)
    async with dashboard(session, clock, size, profile=PRODUCTION) as desk:
        for number in (1, 3, 2):
            fill(client, "mail-in", *[b"x"] * number)
            await desk.tick(5)
        await desk.press("down", "space")
        same(f"tubes-{shape}", await seen(desk))
        await desk.press("escape", "g")
        same(f"group-{shape}", await seen(desk))
        await desk.press("colon", "s")
        same(f"command-{shape}", await seen(desk))
        await desk.press("escape", "ctrl+p", *"mail")
        same(f"palette-{shape}", await seen(desk))
        await desk.press("escape", "question_mark")
        same(f"help-{shape}", await seen(desk))
        await desk.press("escape", "f", "s")
        await desk.settle()
        same(f"servers-{shape}", await seen(desk))
