"""The dashboard in a browser: textual-serve starts one dashboard process per visitor.

There is no login, so requests from other sites and malformed messages are rejected. Needs the extra ``beanops[web]``.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from beanops.protocol.errors import UsageError
from beanops.text import safe_text
from beanops.ui.defaults import INTERVAL

#: The program of a visitor's process.
VISITOR = (
    "import sys; from beanops.tui.app import run; _, address, how, interval, *redact = sys.argv;"
    "run(address, read_only=how == 'read-only', interval=float(interval), redact=redact, visitor=True)"
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: The page loads nothing from other sites, and cannot be framed.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
)
#: Maximum visitors at once: each needs a process of some 60 MB.
VISITORS = 8
FULL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10"><title>beanops web</title></head>
<body><h1>beanops web is full</h1>
<p>{number} {visitors} connected, the maximum. This page retries automatically.</p></body></html>
"""
#: Maximum columns or lines of a terminal.
_LARGEST = 1000
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s:/?#@\[\]\\]+)(?::(?P<port>[0-9]{1,5}))?")
#: The errors of reading a malformed message.
JUNK = (ValueError, TypeError, RecursionError)
log = logging.getLogger("beanops.web")

#: A host and a port.
Authority = tuple[str, int]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashboardServer(Server):
    """An HTTP server for the dashboard of one beanstalkd.

    Parameters
    ----------
    address : str
        The server, as in `beanops.connect`.
    host, port : str and int
        The address to listen on.
    read_only : bool
        Whether visitors cannot change anything.
    interval : float
        Refresh interval in seconds.
    url : str or None
        The URL that visitors type, if not host and port.
    redact : iterable of str
        Patterns of keys in bodies whose values are hidden.
    visitors : int
        Maximum visitors at once.

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
    ) -> None:
        if url is None and _everywhere(host):
            raise UsageError(f"--host {host} listens on all addresses; pass --url with the one that visitors use")
        if url is not None and _origin(url) is None:
            raise UsageError(f"invalid --url {safe_text(url, limit=80)}; expected a URL such as http://box:8000")
        how = "read-only" if read_only else "acting"
        command = shlex.join([sys.executable, "-c", VISITOR, address, how, str(interval), *redact])
        named = f"[{host}]" if ":" in host else host
        super().__init__(
            command, host=host, port=port, title=f"beanops {address}", public_url=url or f"http://{named}:{port}"
        )
        self._about = f"beanops web: {safe_text(address)} at {self.public_url}, {how}; Ctrl-C ends it"
        self._most, self._here = visitors, 0
        public = urlsplit(self.public_url)
        self._secure = public.scheme == "https"
        self._public = _authority(public.netloc, self._secure)
        names = LOOPBACK if host in LOOPBACK else (host.lower(),)
        self._served = {self._public, *((name, port) for name in names)}
        # A proxy may use another host name than its visitors.
        self._by_proxy = self._public if url is not None else None

    def initialize_logging(self) -> None:
        """Log warnings and errors only, one line each."""
        handler = logging.StreamHandler()
        handler.setFormatter(_OneLine())
        logging.basicConfig(level=logging.WARNING, handlers=[handler])

    async def on_startup(self, app: web.Application) -> None:
        """Print the address."""
        print(self._about, file=sys.stderr, flush=True)

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Reject requests that another site made a browser send, because there is no login."""
        asked, origin = _authority(request.headers.get("Host", ""), self._secure), request.headers.get("Origin")
        # Browsers send an origin with every websocket request.
        own = (origin is None and request.path != "/ws") or (origin is not None and self._is_own(origin, asked))
        if asked not in self._served or not own:
            raise web.HTTPForbidden(text=f"beanops web is at {self.public_url}\n")
        if "filename" in request.match_info and (self.statics_path / request.match_info["filename"]).is_dir():
            raise web.HTTPNotFound
        full = request.path in ("/", "/ws") and self._here >= self._most
        response = self._full() if full else await handler(request)
        if request.path == "/" and self._by_proxy is None and isinstance(response, web.Response):
            # The page loads its parts from the host name of the request: another name would be another site.
            response.text = str(response.text).replace(f"//{urlsplit(self.public_url).netloc}", f"//{request.host}")
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _is_own(self, origin: str, asked: Authority | None) -> bool:
        named = _origin(origin)
        return named is not None and named in (asked, self._by_proxy)

    def _full(self) -> web.Response:
        text = FULL.format(number=self._most, visitors="visitor is" if self._most == 1 else "visitors are")
        return web.Response(status=503, text=text, content_type="text/html", headers={"Retry-After": "10"})

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run a dashboard for a visitor, and count it until it ends."""
        size = (request.query.get(side, "80") for side in ("width", "height"))
        if not all(side.isascii() and side.isdigit() and 0 < int(side[:6]) <= _LARGEST for side in size):
            raise web.HTTPBadRequest
        if not web.WebSocketResponse().can_prepare(request):
            raise web.HTTPBadRequest
        self._here += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._here -= 1

    async def _process_messages(self, websocket: web.WebSocketResponse, app_service: AppService) -> None:
        """Handle the messages of the page; disconnect after a malformed one."""
        async for message in websocket:
            try:
                call = _read(message.data if message.type is WSMsgType.TEXT else None, app_service, websocket)
            except JUNK:
                log.warning("disconnected a visitor after a malformed message")
                await websocket.close(code=1008)
                return
            await call


def _read(text: Any, app: AppService, websocket: web.WebSocketResponse) -> Awaitable[object]:
    """Return the call that a message asks for; raise one of `JUNK` for a malformed message."""
    match json.loads(text):
        case ["stdin", str(keys)]:
            return app.send_bytes(keys.encode())
        case ["resize", {"width": int(width), "height": int(height)}] if 0 < width <= _LARGEST >= height > 0:
            return app.set_terminal_size(width, height)
        case ["ping", (str() | int() | float()) as data]:
            return websocket.send_json(["pong", data])
        case ["blur", *_]:
            return app.blur()
        case ["focus", *_]:
            return app.focus()
    raise ValueError


class _OneLine(logging.Formatter):
    """Formats a record in one short line, because untrusted input must not fill a log."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() if error is None else f"{record.getMessage()} ({type(error).__name__}: {error})"
        return f"beanops web: {safe_text(' '.join(text.split()), limit=300)}"


def _authority(text: str, secure: bool) -> Authority | None:
    """Return host and port of ``host:port``, with the default port of the scheme; None if malformed."""
    match = _HOST_PORT.fullmatch(text.lower())
    if match is None:
        return None
    return match["host"].strip("[]"), int(match["port"] or (443 if secure else 80))


def _origin(url: str) -> Authority | None:
    """Return host and port of a URL; None if malformed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return _authority(parts.netloc, parts.scheme == "https") if parts.scheme in ("http", "https") else None


def _everywhere(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return host in ("", "0")


def serve(
    address: str, *, host: str, port: int, read_only: bool = True, interval: float = INTERVAL, **how: Any
) -> None:
    """Serve the dashboard until it is interrupted; see `DashboardServer`."""
    DashboardServer(address, host=host, port=port, read_only=read_only, interval=interval, **how).serve()
