"""How the screens about jobs look, small and large; ``BEANOPS_LOOKS=write`` takes what is there as right."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from tests.tui.conftest import Clock, Desk, dashboard, fill

LOOKS = Path(__file__).with_name("looks")
#: What differs from run to run: seconds of a real server, times, and the random part of a run's id.
VOLATILE = (
    (r"age \d+s", lambda match: "age ##"),
    (r" +\d{1,2}s\b", lambda match: "##".rjust(len(match.group()))),
    (r"\b\d\d:\d\d:\d\d\b", lambda match: "##:##:##"),
    (r"(?<=\d-)[0-9a-f]{8}\b", lambda match: "####"),
)


async def seen(desk: Desk) -> str:
    """Return what is on the screen between the header of the server and the keys, which come later."""
    text = "\n".join(line.rstrip() for line in (await desk.painted()).split("\n")[3:-1])
    for pattern, still in VOLATILE:
        text = re.sub(pattern, still, text)
    return text + "\n"


def same(name: str, text: str) -> None:
    path = LOOKS / f"{name}.txt"
    if os.environ.get("BEANOPS_LOOKS") == "write":
        LOOKS.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: "x".join(map(str, size)))
async def test_looks(beanstalkd: Beanstalkd, client: Client, clock: Clock, size: tuple[int, int]) -> None:
    bodies = [b'{"task": "app.Mail", "user": {"id": %d}, "error": "no route"}' % number for number in range(6)]
    fill(client, "mail", *bodies, bury=2, priority=7)
    fill(client, "mail", b"\x00\xff later", delay=6030)
    shape = "x".join(map(str, size))
    with connect(beanstalkd.address, source="tui", actor="tester", clock=clock.now) as session:
        async with dashboard(session, clock, size) as desk:
            await desk.press("down", "enter")
            same(f"tube-{shape}", await seen(desk))
            await desk.press("slash", *"mail", "enter", "asterisk", "D")
            same(f"confirm-{shape}", await seen(desk))
            await desk.press("escape", "escape", "escape", "enter", "2")
            same(f"job-{shape}", await seen(desk))
            await desk.press("escape", "k", "y", "a")
            same(f"journal-{shape}", await seen(desk))
