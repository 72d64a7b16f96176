"""The server of the dashboard in a browser: who comes in, who is kept out, and what a visit leaves behind."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import UsageError
from beanops.session.files import samples
from beanops.session.reaching import give
from beanops.tui.app import Dashboard
from beanops.tui.web.server import JUNK, DashboardServer, _OneLine, read_message
from tests.certificates import Certificates
from tests.tui.conftest import Clock, dashboard, fill
from tests.tui.web.serving import served, web
from tests.waits import PATIENCE, until


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
    with web(beanstalkd.address, tmp_path / "tui.json") as (url, *_):
        yield url


def status(url: str, **headers: str) -> int:
    try:
        return int(urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE).status)
    except urllib.error.HTTPError as error:
        return error.code


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
    assert status(f"{page}/ws", Origin=page) == 400


def test_files_are_served_and_not_listed(page: str) -> None:
    assert status(f"{page}/static/js/textual.js") == 200
    for path in ("static", "static/", "static/js", "static/js/", "static/%2e", "static//", "static/js/%2e%2e/"):
        assert (status(f"{page}/{path}"), path) in ((404, path), (403, path))
    for path in ("page/page.js", "page/start.js", "page/page.css", "page/icon.svg"):
        assert (status(f"{page}/{path}"), path) == (200, path)


async def test_one_visitor_too_many_is_told_so_on_a_page(beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    with web(beanstalkd.address, tmp_path / "tui.json", "--max-visitors", "1") as (url, *_):
        async with ClientSession() as browser:
            async with browser.ws_connect(f"{url}/ws", origin=url) as visit:
                await visit.receive_bytes(timeout=PATIENCE)
                async with browser.get(url) as answer:
                    assert answer.status == 503
                    text = await answer.text()
                    assert "1 visitor is connected" in text
                    assert 'http-equiv="refresh"' in text
                with pytest.raises(WSServerHandshakeError, match="503"):
                    await browser.ws_connect(f"{url}/ws", origin=url)
            await asyncio.to_thread(until, lambda: answers(url))  # who left makes room


async def test_junk_ends_a_visit_with_a_line_in_the_log(beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    junk = ("{", b"\x00\xff")
    with web(beanstalkd.address, tmp_path / "tui.json") as (url, lines, _):
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
        read_message(junk, None, None)  # type: ignore[arg-type]


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


async def goodbye(visit: ClientWebSocketResponse) -> str:
    """Return what a page is told at the end of its visit."""
    async with asyncio.timeout(PATIENCE):
        async for message in visit:
            if message.type is WSMsgType.TEXT and json.loads(message.data)[0] == "ended":
                return str(json.loads(message.data)[1])
    raise AssertionError("the page was told nothing")


async def drawn(visit: ClientWebSocketResponse, text: str) -> str:
    """Return what was drawn until a text was."""
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while text.encode() not in seen:
            message = await visit.receive()
            assert message.type is WSMsgType.BINARY, message
            seen += message.data
    return seen.decode(errors="replace")


async def test_who_quits_is_told_so(beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd) as (url, browser), browser.ws_connect(f"{url}/ws", origin=url) as visit:
        await drawn(visit, "tube")
        await visit.send_json(["stdin", "q"])
        assert await goodbye(visit) == "The dashboard was closed."


async def test_visitors_reach_a_server_with_tls_and_a_token(
    start_beanstalkd: Callable[..., Beanstalkd], certificates: Certificates, tmp_path: Path
) -> None:
    server = start_beanstalkd(tls=certificates, token="s3cret")
    token = tmp_path / "token"
    token.write_text("s3cret")
    give(server.address, {"tls_ca": str(certificates.ca), "token_command": f"cat {token}"})
    async with served(server) as (url, browser), browser.ws_connect(f"{url}/ws", origin=url) as visit:
        await drawn(visit, "beanstalks://")
        await drawn(visit, "default")


async def test_a_server_that_does_not_answer_is_named_at_the_end(beanstalkd: Beanstalkd) -> None:
    beanstalkd.stop()
    async with served(beanstalkd) as (url, browser), browser.ws_connect(f"{url}/ws", origin=url) as visit:
        told = await goodbye(visit)
    assert told.startswith(
        f"The dashboard could not start: beanops: cannot connect to beanstalkd at {beanstalkd.address}"
    )


async def test_visits_end_when_the_server_does(beanstalkd: Beanstalkd) -> None:
    async with served(beanstalkd) as (url, browser):
        visit = await browser.ws_connect(f"{url}/ws", origin=url)
        await drawn(visit, "tube")
        ended = asyncio.create_task(goodbye(visit))
        await asyncio.sleep(0)
    assert await ended == "beanops web was stopped."


def test_a_port_in_use_is_an_error_in_one_line(page: str, beanstalkd: Beanstalkd) -> None:
    how: dict[str, Any] = {"host": "127.0.0.1", "port": int(page.rpartition(":")[2]), "interval": 1.0}
    with pytest.raises(UsageError, match=r"cannot listen on 127.0.0.1:\d+: Address already in use"):
        DashboardServer(beanstalkd.address, read_only=True, **how).serve()
