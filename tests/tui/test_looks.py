"""How the screens look, with colours, header and keys.

The pictures in `looks` are what ``S`` saves, without frame and fonts; a browser shows them. With
``BEANOPS_LOOKS=write`` what is there is taken as right.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, TextArea

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol import JobStats, ServerStats
from beanops.protocol.errors import ConnectFailed
from beanops.protocol.payloads import Layout
from beanops.session.config import Profile
from tests.tui.conftest import Clock, Desk, dashboard, fill

LOOKS = Path(__file__).with_name("looks")
SMALL, LARGE = (80, 24), (160, 50)
PRODUCTION = Profile("prod", "queue.internal:11300", color="red", label="PRODUCTION")
#: What differs from run to run and stands in for it: the server's port, and the random part of a run's id.
VOLATILE = (
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:#####"),
    (r"(?<=\d-)[0-9a-f]{8}\b", "########"),
    (r"\b\d\d-\d\d&#160;\d\d:\d\d\b", "##-##&#160;##:##"),
)


@pytest.fixture(autouse=True)
def _a_server_without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a real server say always the same of its age and its costs, and of the ages of jobs."""
    read = Layout.read

    def still(layout: Layout[Any], payload: bytes) -> Any:
        record = read(layout, payload)
        if isinstance(record, JobStats):
            return record._replace(age=7, time_left=6000 if record.state == "delayed" else 0)
        if isinstance(record, ServerStats):
            steady = {"rusage_utime": 0.0, "rusage_stime": 0.0, "uptime": 90, "current_connections": 2}
            return record._replace(version="1.13", current_producers=1, current_workers=1, **steady)
        return record

    monkeypatch.setattr(Layout, "read", still)


def picture(svg: str) -> str:
    """Return a screenshot with a line for each piece of text and of background, whatever its ids are."""
    svg = re.sub(r"terminal-\d+-", "", svg)
    width, height = re.findall(
        r'<clipPath id="clip-terminal">\s*<rect x="0" y="0" width="([\d.]+)" height="([\d.]+)"', svg
    )[0]
    styles = [f".{name} {{ {style.strip()} }}" for name, style in re.findall(r"\.(r\d+) \{([^}]*)\}", svg)]
    rects: list[list[Any]] = []
    for colour, *places in re.findall(r'<rect fill="([^"]+)" x="([^"]+)" y="([^"]+)" width="([^"]+)" height="24', svg):
        x, y, wide = map(float, places)
        if rects and rects[-1][::2] == [colour, y] and abs(rects[-1][1] + rects[-1][3] - x) < 0.5:
            rects[-1][3] += wide
        else:
            rects.append([colour, x, y, wide])
    texts = [
        f'<text class="{style}" x="{x}" y="{y}">{text}</text>'
        for style, x, y, text in re.findall(r'<text class="(r\d+)" x="([^"]+)" y="([^"]+)"[^>]*>([^<]*)</text>', svg)
        if text.replace("&#160;", "").strip()
    ]
    whole = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
            "<style>text { font: 20px monospace; white-space: pre }",
            *styles,
            "</style>",
            *(f'<rect fill="{rgb}" x="{x:g}" y="{y:g}" width="{wide:g}" height="25"/>' for rgb, x, y, wide in rects),
            *texts,
            "</svg>\n",
        ]
    )
    for pattern, still in VOLATILE:
        whole = re.sub(pattern, still, whole)
    return whole


async def same(desk: Desk, name: str) -> None:
    """Compare what is on the screen with the picture of that name."""
    for screen in desk.app.screen_stack:
        for editor in screen.query("Input, TextArea").results(Input | TextArea):  # type: ignore[arg-type]
            editor.cursor_blink = False
    await desk.settle()
    shown = picture(desk.app.export_screenshot(simplify=True))
    path = LOOKS / f"{name}-{'x'.join(map(str, desk.app.size))}.svg"
    if os.environ.get("BEANOPS_LOOKS") == "write":
        LOOKS.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    before = path.read_text("utf-8").splitlines()
    differing = [one for one in shown.splitlines() if one not in before] + [
        one for one in before if one not in shown.splitlines()
    ]
    assert not differing, f"{path.name} looks otherwise"


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
async def test_the_tubes(session: Session, client: Client, clock: Clock, size: tuple[int, int]) -> None:
    Path(os.environ["BEANOPS_CONFIG"]).write_text(
        "[servers.prod]\naddress = 'unix:/nowhere'\nlabel = 'PRODUCTION'\n[servers.gone]\naddress = 'unix:/nowhere'\n"
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
        await same(desk, "tubes")
        if size == LARGE:
            await desk.press("escape", "question_mark")
            await same(desk, "help")
            await desk.press("escape", "ctrl+p", *"mail")
            await same(desk, "palette")
            return
        await desk.press("escape", "g", "f", "colon", "s")
        await same(desk, "command-frozen-group")
        await desk.press("escape", "f", "s")
        await desk.shows("2 without an answer")
        await same(desk, "servers")


@contextmanager
def jobs(beanstalkd: Beanstalkd, client: Client, clock: Clock) -> Iterator[Session]:
    """Fill a tube, and connect as somebody whose clock is the test's."""
    bodies = [b'{"task": "app.Mail", "user": {"id": %d}, "error": "no route"}' % number for number in range(6)]
    fill(client, "mail", *bodies, bury=2, priority=7)
    fill(client, "mail", b"\x00\xff later", delay=6030)
    with connect(beanstalkd.address, source="tui", actor="tester", clock=clock.now) as session:
        yield session


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
async def test_the_jobs(beanstalkd: Beanstalkd, client: Client, clock: Clock, size: tuple[int, int]) -> None:
    with jobs(beanstalkd, client, clock) as session:
        async with dashboard(session, clock, size) as desk:
            await desk.press("down", "enter")
            await same(desk, "tube")
            if size == LARGE:
                await desk.press("ctrl+n")
                await same(desk, "edit")
                return
            await desk.press("slash", *"mail", "enter", "asterisk", "D")
            await same(desk, "confirm")
            await desk.press("escape", "escape", "escape", "enter", "2")
            await same(desk, "job")
            await desk.press("escape", "k", "y", "a")
            await same(desk, "journal")


async def test_a_server_that_is_lost_and_read_only(
    beanstalkd: Beanstalkd, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise ConnectFailed(f"cannot connect to beanstalkd at {beanstalkd.address}: Connection refused")

    fill(client, "mail", b"x", bury=1)
    with connect(beanstalkd.address, source="tui", read_only=True) as session:
        async with dashboard(session, clock, SMALL) as desk:
            await desk.tick()  # the age of the buried job is known
            monkeypatch.setattr(session._lookups, "survey", lost)
            await desk.tick()
            await same(desk, "lost-read-only")
