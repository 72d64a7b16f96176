"""The dashboard in a browser: it shows the tubes, a key opens one, and the door is narrow."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.web import AppRunner, TCPSite
from textual_serve.app_service import AppService

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import UsageError
from beanops.session.files import samples
from beanops.tui.app import Dashboard
from beanops.tui.web import JUNK, DashboardServer, _OneLine, _read
from tests.needs import chromium, missing
from tests.tui.conftest import Clock, dashboard, fill
from tests.waits import PATIENCE, until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


@contextmanager
def web(address: str, state: Path, *arguments: str) -> Iterator[tuple[str, list[str]]]:
    """Serve a server's page; give where it is, and the lines that it said when it has ended."""
    port, lines = free_port(), list[str]()
    code = "import sys; from beanops.cli.app import run; sys.exit(run(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "-s", address, "web", "--port", str(port), *arguments],
        env={**os.environ, "BEANOPS_STATE": str(state)},
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url))
        yield url, lines
    finally:
        process.terminate()
        try:
            # A visitor's dashboard that only starts is ended when it has started.
            _, told = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        lines += told.splitlines()
    assert f"at {url}, read-only" in lines[0]


@pytest.fixture
def page(beanstalkd: Beanstalkd, client: Client, tmp_path: Path) -> Iterator[str]:
    """Serve a server with the tubes billing and mail."""
    for tube in ("billing", "mail"):
        fill(client, tube, b"x", bury=1)
    with web(beanstalkd.address, tmp_path / "tui.json") as (url, _):
        yield url


def status(url: str, **headers: str) -> int:
    try:
        return int(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE).status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_browser_shows_the_tubes_and_a_key_opens_one_read_only(page: str) -> None:
    program = chromium() or missing("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE * 1000)
        tab = browser.new_page(viewport={"width": 1100, "height": 700})
        tab.set_default_timeout(PATIENCE * 1000)
        loaded: list[str] = []
        drawn = bytearray()
        tab.on("requestfinished", lambda request: loaded.append(request.url))

        def receive(frame: str | bytes) -> None:
            drawn.extend(frame if isinstance(frame, bytes) else frame.encode())

        tab.on("websocket", lambda one: one.on("framereceived", receive))
        tab.goto(page)

        def wait(text: str) -> str:
            # The page draws on a canvas; what it is given to draw tells what it shows.
            give_up = time.monotonic() + PATIENCE
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
            tab.keyboard.press("Y")
        assert download.value.suggested_filename == "job-1.txt"
        assert Path(download.value.path()).read_bytes() == b"x"
        assert all(url.startswith(page) for url in loaded)
        browser.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0", ""])
def test_to_listen_everywhere_wants_the_name_that_visitors_use(host: str) -> None:
    how: dict[str, Any] = {"host": host, "port": 8000, "read_only": True, "interval": 1.0}
    with pytest.raises(UsageError, match="pass --url with the one that visitors use"):
        DashboardServer("127.0.0.1:11300", **how)
    assert DashboardServer("127.0.0.1:11300", **how, url="http://box:8000").public_url == "http://box:8000"


@pytest.mark.parametrize("url", ["box:8000", "box", "http://", "http://[box"])
def test_a_url_that_names_no_host_is_refused_as_nobody_would_get_in(url: str) -> None:
    with pytest.raises(UsageError, match="expected a URL such as http://box:8000"):
        DashboardServer("127.0.0.1:11300", host="127.0.0.1", port=8000, read_only=True, interval=1.0, url=url)


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
            assert "this page shows one server only" in desk.line("#status")
        await desk.press(":", *"server ")
        assert "secret" not in await desk.painted()
        await desk.press("escape", "down", "enter", "enter", "Y", "S")
        assert "to the browser" in desk.line("#status")
        assert sorted(sent) == ["beanops-20260102-030405.svg", "job-1.txt"]
        assert sent["job-1.txt"] == b"x"
        await desk.press("v", "y")
        await desk.press("escape", "P", "ctrl+t")
        assert samples.names() == []
    assert list(tmp_path.iterdir()) == []


def test_other_sites_are_kept_out(page: str) -> None:
    port = page.rpartition(":")[2]
    assert status(page) == 200
    assert status(page, Origin=page) == 200
    for origin in (
        "http://evil.example", f"http://evil.example:{port}", "http://127.0.0.1", "http://127.0.0.1:1", "null", "",
        f"http://localhost:{port}", f"http://x@127.0.0.1:{port}.evil.example", f"ftp://127.0.0.1:{port}",
    ):  # fmt: skip
        assert (status(page, Origin=origin), origin) == (403, origin)
        assert (status(f"{page}/ws", Origin=origin), origin) == (403, origin)
    assert status(f"{page}/ws") == 403  # no browser leaves it out
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"x@127.0.0.1:{port}", ""):
        assert (status(page, Host=host), host) == (403, host)  # a name that was made to point here
    named = f"localhost:{port}"
    assert status(page, Host=named, Origin=f"http://{named}") == 200
    asked = urllib.request.Request(page, headers={"Host": named})
    assert f"ws://{named}/ws" in urllib.request.urlopen(asked, timeout=PATIENCE).read().decode()
    assert status(f"{page}/ws", Origin=page) == 400


def test_files_are_served_and_not_listed(page: str) -> None:
    assert status(f"{page}/static/js/textual.js") == 200
    for path in ("static", "static/", "static/js", "static/js/", "static/%2e", "static//", "static/js/%2e%2e/"):
        assert (status(f"{page}/{path}"), path) in ((404, path), (403, path))


@asynccontextmanager
async def served(beanstalkd: Beanstalkd, **how: Any) -> AsyncIterator[tuple[str, ClientSession]]:
    """Serve a page within the test."""
    port = free_port()
    known: dict[str, Any] = {"host": "127.0.0.1", "port": port, "read_only": True, "interval": 1.0, **how}
    runner = AppRunner(await DashboardServer(beanstalkd.address, **known)._make_app())
    await runner.setup()
    await TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with ClientSession() as browser:
            yield f"http://127.0.0.1:{port}", browser
    finally:
        await runner.cleanup()


async def test_one_visitor_too_many_is_told_so_on_a_page(beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    with web(beanstalkd.address, tmp_path / "tui.json", "--max-visitors", "1") as (url, _):
        async with ClientSession() as browser:
            async with browser.ws_connect(f"{url}/ws", origin=url) as visit:
                await visit.receive_bytes(timeout=PATIENCE)
                async with browser.get(url) as answer:
                    assert answer.status == 503
                    assert "1 visitor is connected" in await answer.text()
                with pytest.raises(WSServerHandshakeError, match="503"):
                    await browser.ws_connect(f"{url}/ws", origin=url)
            await asyncio.to_thread(until, lambda: answers(url))  # who left makes room


async def test_junk_ends_a_visit_with_a_line_in_the_log(beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    junk = ("{", b"\x00\xff")
    with web(beanstalkd.address, tmp_path / "tui.json") as (url, lines):
        async with ClientSession() as browser:
            for one in junk:
                async with browser.ws_connect(f"{url}/ws", origin=url) as visit:
                    await (visit.send_str(one) if isinstance(one, str) else visit.send_bytes(one))
                    while (await visit.receive(timeout=PATIENCE)).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED):
                        pass
                    assert visit.close_code == 1008
    assert lines[1:] == ["beanops web: disconnected a visitor after a malformed message"] * len(junk)


@pytest.mark.parametrize(
    "junk",
    ["", "{", "5", "[]", "{}", '["stdin"]', '["stdin", 5]', '["stdin", "\\ud800"]', '["resize"]', '["ping", {}]', None,
     '["resize", {"width": 99999, "height": 5}]', '["quit", 1]', "[" * 100_000, "null", '["resize", {"width": -1}]'],
)  # fmt: skip
def test_junk_is_told_from_what_the_page_sends(junk: str | None) -> None:
    with pytest.raises(JUNK):
        _read(junk, AppService("", write_bytes=None, write_str=None, close=None, download_manager=None), None)  # type: ignore[arg-type]


def test_a_log_has_a_line_for_each_fault() -> None:
    try:
        raise ValueError("two\nlines \x1b[2J")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "it failed", (), sys.exc_info())
    assert _OneLine().format(record) == "beanops web: it failed (ValueError: two lines \\x1b[2J)"


@pytest.mark.parametrize("size", ["width=0", "width=-5", "width=99999999", "height=x", "width=1001"])
async def test_a_terminal_of_no_size_is_refused(size: str, beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd) as (url, browser):
        with pytest.raises(WSServerHandshakeError, match="400"):
            await browser.ws_connect(f"{url}/ws?{size}", origin=url)


async def test_behind_a_proxy_the_address_that_visitors_type_is_the_origin(beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd, url="https://box.example") as (url, browser):
        for host, origin, wanted in (
            ("box.example", "https://box.example", 200),
            ("box.example:443", "https://box.example", 200),
            (url.removeprefix("http://"), "https://box.example", 200),  # the proxy asks for it by its own name
            ("box.example", "https://box.example:8443", 403),
            ("box.example", "http://box.example:80", 403),
            ("evil.example", "https://evil.example", 403),
        ):
            async with browser.get(url, headers={"Host": host, "Origin": origin}) as answer:
                assert (answer.status, host, origin) == (wanted, host, origin)
