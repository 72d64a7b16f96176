"""The HTTP server of the dashboard in a browser: a page, its files, and a websocket for each visitor."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import textual_serve
from aiohttp import WSMsgType, web

from beanops.protocol.errors import UsageError
from beanops.session.web_access import ROLES, WebAccess
from beanops.text import safe_text
from beanops.tui.web.login import Login, NoEntry, WebVisitor
from beanops.tui.web.origins import Origins, authority
from beanops.tui.web.pages import dashboard_page, notice_page, policy
from beanops.tui.web.visit import Visit
from beanops.ui.defaults import INTERVAL

#: Maximum visitors at once: each needs a process of some 100 MB.
VISITORS = 8
#: Seconds after which a full page tries again.
RETRY = 5
#: Maximum columns or lines of a terminal.
_LARGEST = 1000
#: Seconds between two pings of a browser, which has half of that to answer.
_HEARTBEAT = 30.0
_OURS = Path(__file__).parent / "page"
#: The terminal for browsers, and its fonts, from textual-serve.
_THEIRS = Path(textual_serve.__file__).parent / "static"
#: Who sends a request, as the guard found out.
VISITOR = web.RequestKey("visitor", WebVisitor)
#: The errors of reading a malformed message.
JUNK = (ValueError, TypeError, RecursionError)
log = logging.getLogger("beanops.web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ServedDashboard(NamedTuple):
    """What visitors see: the server, and how."""

    address: str
    interval: float
    redact: tuple[str, ...]


class DashboardServer:
    """An HTTP server for the dashboard of one beanstalkd.

    Parameters
    ----------
    address : str
        The server, as in `beanops.connect`.
    host, port : str and int
        The address to listen on.
    read_only : bool
        Whether visitors cannot change anything; those who log in, whatever their role.
    interval : float
        Refresh interval in seconds.
    url : str or None
        The URL that visitors type, if not host and port.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden.
    visitors : int
        Maximum visitors at once.
    access : WebAccess
        Who may come in, and what for.
    clock : callable
        Monotonic seconds.

    Raises
    ------
    UsageError
        `url` is not a URL, or is missing where `host` is a wildcard address: the host names of requests are checked
        against it.
    """

    def __init__(
        self,
        address: str,
        *,
        host: str,
        port: int,
        read_only: bool,
        interval: float,
        url: str | None = None,
        redact: Iterable[str] = (),
        visitors: int = VISITORS,
        access: WebAccess = WebAccess(),  # noqa: B008
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at = host, port, url
        self._listening(port)
        self._shown = ServedDashboard(address, interval, tuple(redact))
        self._login = Login(access, ROLES["view" if read_only else "admin"], read_only=read_only, clock=clock)
        self._most, self._clock = visitors, clock
        self._visits: dict[Visit, web.WebSocketResponse] = {}
        # Visitors whose dashboard starts count too.
        self._here = 0

    def _listening(self, port: int) -> None:
        host, _, url = self._at
        self._origins = Origins(host, port, url)
        self.public_url = self._origins.url
        self._base = urlsplit(self.public_url).path.rstrip("/")

    @property
    def about(self) -> str:
        """What is served, where, to whom, in one line."""
        access = self._login.access
        if not access.asked:
            who = "read-only" if self._login.anonymous.read_only else "everybody who reaches it can act"
        else:
            ways = ["password"] * access.by_password + [access.proxy.header] * bool(access.proxy.header)
            who = f"login by {' or '.join(ways)}{', read-only' if self._login.read_only else ''}"
            if access.by_password and not self._origins.private:
                who += "; passwords are not encrypted on the way: put a proxy with TLS in front"
        return f"beanops web: {safe_text(self._shown.address)} at {self.public_url}, {who}; Ctrl-C ends it"

    def make_app(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._websocket),
                web.get("/download/{key}", self._download),
                web.static("/page", _OURS),
                web.static("/static", _THEIRS),
            ]
        )
        app.on_response_prepare.append(self._add_headers)
        app.on_shutdown.append(self._shut_down)
        return app

    def serve(self) -> None:
        """Serve until a signal ends it.

        Raises
        ------
        UsageError
            It cannot listen there.
        """
        handler = logging.StreamHandler()
        handler.setFormatter(_OneLine())
        logging.basicConfig(level=logging.WARNING, handlers=[handler])
        with suppress(KeyboardInterrupt):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        host, port, _ = self._at
        runner = web.AppRunner(self.make_app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
                raise UsageError(f"cannot listen on {host}:{port}: {why}") from None
            self._listening(runner.addresses[0][1])  # any free one, if it was 0
            print(self.about, file=sys.stderr, flush=True)
            over = asyncio.Event()
            for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(one, over.set)
            await over.wait()
        finally:
            await runner.cleanup()

    async def _shut_down(self, _: web.Application) -> None:
        await asyncio.gather(*(visit.stop("beanops web was stopped.") for visit in list(self._visits)))

    # -- who may come in -----------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Reject what another site made a browser send, and visitors who may not come in."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        # Browsers send an origin with every websocket request.
        if not self._origins.admits(host, origin, needs_origin=request.path == "/ws"):
            return web.Response(status=403, text=f"beanops web is at {self.public_url}\n")
        found = self._login.tickets.use(request.query.get("ticket", "")) if request.path == "/ws" else None
        visitor = found or await self._login.identify(request.remote or "", request.headers)
        if isinstance(visitor, NoEntry):
            return self._rejection(visitor)
        request[VISITOR] = visitor
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return notice_page(self._base, 404, "There is no such page", "The dashboard is at the start page.")

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        asked = request.headers.get("Host", "")
        public = urlsplit(self.public_url).netloc
        names = (asked, public) if authority(asked, False) is not None else (public,)
        response.headers["Content-Security-Policy"] = policy(*names)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "no-referrer"
        if not request.path.startswith("/static"):
            response.headers.setdefault("Cache-Control", "no-store")

    @property
    def _is_full(self) -> bool:
        return self._here >= self._most

    def _full(self) -> web.Response:
        number = f"{self._most} {'visitor is' if self._most == 1 else 'visitors are'} connected, the maximum."
        again = f"{number} This page tries again by itself."
        return notice_page(self._base, 503, "beanops web is full", again, retry=RETRY)

    def _rejection(self, rejected: NoEntry) -> web.Response:
        headings = {401: "Log in", 403: "No access", 429: "Too many wrong passwords", 503: "Busy"}
        page = notice_page(self._base, rejected.status, headings.get(rejected.status, "Not possible"), rejected.why)
        if rejected.asks:
            page.headers["WWW-Authenticate"] = 'Basic realm="beanops", charset="UTF-8"'
        if rejected.wait:
            page.headers["Retry-After"] = str(rejected.wait)
        return page

    # -- pages ---------------------------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if self._is_full:
            return self._full()
        visitor = request[VISITOR]
        return dashboard_page(self._base, self._shown.address, visitor, self._login.tickets.issue(visitor))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """Send a file that the dashboard of the same visitor has for its browser."""
        key, visitor = request.match_info["key"], request[VISITOR]
        visit = next((one for one in self._visits if key in one.files and one.visitor == visitor), None)
        if visit is None:
            why = "A file can be downloaded once, while its dashboard runs."
            return notice_page(self._base, 404, "There is no such file", why)
        name = "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in visit.files[key].name)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.headers["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
        await response.prepare(request)
        try:
            while chunk := await visit.chunk(key):
                await response.write(chunk)
        except TimeoutError:
            if request.transport is not None:  # so that the browser does not take a part for the whole
                request.transport.abort()
            return response
        finally:
            visit.files.pop(key, None)
        await response.write_eof()
        return response

    # -- visits --------------------------------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        """Run a dashboard for a visitor, and count it until it ends."""
        if self._is_full:
            return self._full()
        sides = [request.query.get(side, default) for side, default in (("width", "80"), ("height", "24"))]
        if not all(side.isascii() and side.isdigit() and 0 < int(side[:6]) <= _LARGEST for side in sides):
            return web.Response(status=400, text="no such size of a terminal\n")
        browser = web.WebSocketResponse(heartbeat=_HEARTBEAT)
        if not browser.can_prepare(request):
            return web.Response(status=400, text="expected a websocket\n")
        self._here += 1
        try:
            await browser.prepare(request)
            await self._run(request, browser, int(sides[0]), int(sides[1]))
        finally:
            self._here -= 1
        return browser

    async def _run(self, request: web.Request, browser: web.WebSocketResponse, width: int, height: int) -> None:
        visitor = request[VISITOR]
        name = visitor.name or f"anonymous@{request.remote}"
        arguments = {**self._shown._asdict(), "role": visitor.role.name, "name": visitor.name, "actor": name}
        visit = Visit(arguments, visitor, self._login.access, browser, self._clock)
        try:
            await visit.start(width, height)
        except OSError as error:
            log.error("no process for a visitor: %s", error)
            await _say_goodbye(browser, "The dashboard could not start: the machine has no room for it.")
            return
        self._visits[visit] = browser
        running = asyncio.create_task(self._draw(visit, browser))
        try:
            await _pass_on(browser, visit)
        finally:
            if not running.done():
                await visit.stop("The browser left.")
            await asyncio.shield(running)
            del self._visits[visit]

    async def _draw(self, visit: Visit, browser: web.WebSocketResponse) -> None:
        await visit.run()
        await _say_goodbye(browser, visit.ended)


async def _say_goodbye(browser: web.WebSocketResponse, why: str) -> None:
    with suppress(ConnectionError, RuntimeError):
        await browser.send_str(json.dumps(["ended", why]))
        await browser.close()


async def _pass_on(browser: web.WebSocketResponse, visit: Visit) -> None:
    """Pass on the messages of the page; disconnect after a malformed one."""
    async for message in browser:
        try:
            call = read_message(message.data if message.type is WSMsgType.TEXT else None, visit, browser)
        except JUNK:
            log.warning("disconnected a visitor after a malformed message")
            await browser.close(code=1008)
            return
        await call


def read_message(text: Any, visit: Visit, browser: web.WebSocketResponse) -> Awaitable[object]:
    """Return the call that a message asks for; raise one of `JUNK` for a malformed message."""
    match json.loads(text):
        case ["stdin", str(keys)]:
            keys.encode()
            return visit.type(keys)
        case ["resize", {"width": int(width), "height": int(height)}] if 0 < width <= _LARGEST >= height > 0:
            return visit.resize(width, height)
        case ["ping", (str() | int() | float()) as data]:
            return browser.send_json(["pong", data])
        case ["blur", *_]:
            return visit.focus(False)
        case ["focus", *_]:
            return visit.focus(True)
    raise ValueError


class _OneLine(logging.Formatter):
    """Formats a record in one short line, because untrusted input must not fill a log."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() if error is None else f"{record.getMessage()} ({type(error).__name__}: {error})"
        return f"beanops web: {safe_text(' '.join(text.split()), limit=300)}"


def serve(
    address: str, *, host: str, port: int, read_only: bool = True, interval: float = INTERVAL, **how: Any
) -> None:
    """Serve the dashboard until it is interrupted; see `DashboardServer`."""
    DashboardServer(address, host=host, port=port, read_only=read_only, interval=interval, **how).serve()
