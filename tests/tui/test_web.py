"""The dashboard in a browser: it shows the tubes, a key opens one, and the door is narrow."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import UsageError
from beanops.session import samples
from beanops.tui.app import Dashboard
from beanops.tui.web import Page
from tests.needs import chromium, missing
from tests.tui.conftest import Clock, dashboard, fill
from tests.waits import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


@pytest.fixture
def page(beanstalkd: Beanstalkd, client: Client, tmp_path: Path) -> Iterator[str]:
    """Serve a server with the tubes billing and mail."""
    for tube in ("billing", "mail"):
        fill(client, tube, b"x", bury=1)
    port = free_port()
    code = "import sys; from beanops.cli.app import run; sys.exit(run(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "-s", beanstalkd.address, "web", "--port", str(port)],
        env={**os.environ, "BEANOPS_STATE": str(tmp_path / "tui.json")},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url))
        yield url
    finally:
        process.terminate()
        _, told = process.communicate(timeout=10)
    assert f"at {url}, read-only" in told


def status(url: str, **headers: str) -> int:
    try:
        return int(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5).status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_browser_shows_the_tubes_and_a_key_opens_one_read_only(page: str) -> None:
    program = chromium() or missing("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1100, "height": 700})
        loaded: list[str] = []
        drawn = bytearray()
        tab.on("requestfinished", lambda request: loaded.append(request.url))

        def receive(frame: str | bytes) -> None:
            drawn.extend(frame if isinstance(frame, bytes) else frame.encode())

        tab.on("websocket", lambda one: one.on("framereceived", receive))
        tab.goto(page)

        def wait(text: str) -> str:
            # The page draws on a canvas; what it is given to draw tells what it shows.
            give_up = time.monotonic() + 30
            while text not in (seen := re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode(errors="replace"))):
                assert time.monotonic() < give_up, f"{text!r} is not shown, but {seen}"
                tab.wait_for_timeout(50)
            return seen

        seen = wait("billing")
        assert "READ-ONLY" in seen
        assert tab.locator("canvas").count()
        drawn.clear()
        tab.locator("textarea").focus()
        tab.keyboard.press("Enter")
        seen = wait("tube billing")
        assert "Delete" not in seen
        with tab.expect_download() as download:
            tab.keyboard.press("Enter")
            wait("Raw")
            tab.keyboard.press("w")
        assert download.value.suggested_filename == "job-1.txt"
        assert Path(download.value.path()).read_bytes() == b"x"
        assert all(url.startswith(page) for url in loaded)
        browser.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", ""])
def test_to_listen_everywhere_wants_the_name_that_visitors_use(host: str) -> None:
    how: dict[str, Any] = {"host": host, "port": 8000, "read_only": True, "interval": 1.0}
    with pytest.raises(UsageError, match="say by --url which one visitors use"):
        Page("127.0.0.1:11300", **how)
    assert Page("127.0.0.1:11300", **how, url="http://box:8000").public_url == "http://box:8000"


@pytest.mark.parametrize("url", ["box:8000", "box", "http://", "http://[box"])
def test_a_url_that_names_no_host_is_refused_as_nobody_would_get_in(url: str) -> None:
    with pytest.raises(UsageError, match="write what visitors type, such as http://box:8000"):
        Page("127.0.0.1:11300", host="127.0.0.1", port=8000, read_only=True, interval=1.0, url=url)


async def test_a_visitor_gets_one_server_and_leaves_nothing_behind(
    session: Session, client: Client, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sent: dict[str, bytes] = {}

    def deliver(app: Dashboard, data: BinaryIO, *, save_filename: str) -> None:
        sent[save_filename] = data.read()

    monkeypatch.setattr(Dashboard, "is_web", property(lambda app: True))
    monkeypatch.setattr(Dashboard, "deliver_binary", deliver)
    Path(os.environ["BEANOPS_CONFIG"]).write_text("[servers.secret]\naddress = '127.0.0.1:1'\n")
    fill(client, "mail", b"x")
    async with dashboard(session, clock, alone=True) as desk:
        await desk.press("s")
        assert "Servers" not in str(desk.app.screen.title)
        for command in ("servers", "server secret"):
            await desk.command(command)
            assert "this page is for one server" in desk.line("#status")
        await desk.press(":", *"server ")
        assert "secret" not in await desk.painted()
        await desk.press("escape", "down", "enter", "enter", "w", "S")
        assert "to the browser" in desk.line("#status")
        assert sorted(sent) == ["beanops-20260102-030405.svg", "job-1.txt"]
        assert sent["job-1.txt"] == b"x"
        await desk.press("v", "y")
        await desk.press("escape", "n", "ctrl+t")
        assert samples.names() == []
    assert list(tmp_path.iterdir()) == []


def test_other_sites_are_kept_out(page: str) -> None:
    port = page.rpartition(":")[2]
    assert status(page) == 200
    assert status(page, Origin=f"http://localhost:{port}") == 200
    assert status(page, Origin="http://evil.example") == 403
    assert status(f"{page}/ws", Origin="http://evil.example") == 403
    assert status(page, Host="evil.example") == 403  # a name that was made to point here
