"""The dashboard in a browser: textual-serve starts one dashboard a visitor. Nobody logs in, so the door is narrow.

What a visitor sees is in `app`; needs the extra ``beanops[web]``.
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

#: What a visitor's process runs.
VISITOR = (
    "import sys; from beanops.tui.app import run; _, address, how, interval, *redact = sys.argv;"
    "run(address, read_only=how == 'read-only', interval=float(interval), redact=redact, visitor=True)"
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: The page loads nothing from elsewhere, and is no part of another page.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'"
)
#: Visitors at once: each costs a process of some 60 MB.
VISITORS = 8
FULL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="10"><title>beanops web</title></head>
<body><h1>beanops web is full</h1>
<p>{number} {visitors} here, which is the most that it takes at once. This page tries again by itself.</p></body></html>
"""
#: Columns or lines of the largest terminal.
_LARGEST = 1000
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s:/?#@\[\]\\]+)(?::(?P<port>[0-9]{1,5}))?")
#: What reading a message raises that is none.
JUNK = (ValueError, TypeError, RecursionError)
log = logging.getLogger("beanops.web")

#: A host and a port.
Authority = tuple[str, int]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DashboardServer(Server):
    """Serves one server's dashboard.

    Parameters
    ----------
    address : str
        The server, as in `beanops.connect`.
    host, port : str and int
        Where to listen.
    read_only : bool
        Whether visitors can do nothing but look.
    interval : float
        Seconds between two looks.
    url : str or None
        Under which visitors reach it, where that is another than host and port.
    redact : iterable of str
        Patterns of keys in bodies whose values no visitor sees.
    visitors : int
        How many there may be at once: each has a process of its own.

    Raises
    ------
    UsageError
        The name that visitors use is not known, as `url` is none or it listens everywhere without one: what they ask
        for is checked against it.
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
            raise UsageError(f"--host {host} is every address of this machine: say by --url which one visitors use")
        if url is not None and _origin(url) is None:
            raise UsageError(f"--url {safe_text(url, limit=80)}: write what visitors type, such as http://box:8000")
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
        # A proxy may have asked for this page by another name than its visitors.
        self._by_proxy = self._public if url is not None else None

    def initialize_logging(self) -> None:
        """Say nothing but what went wrong, in a line."""
        handler = logging.StreamHandler()
        handler.setFormatter(_OneLine())
        logging.basicConfig(level=logging.WARNING, handlers=[handler])

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        print(self._about, file=sys.stderr, flush=True)

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what another site has a browser send: there is no login that would keep it out."""
        asked, origin = _authority(request.headers.get("Host", ""), self._secure), request.headers.get("Origin")
        # Every browser names the origin of a page that opens a websocket.
        own = (origin is None and request.path != "/ws") or (origin is not None and self._is_own(origin, asked))
        if asked not in self._served or not own:
            raise web.HTTPForbidden(text=f"beanops web is at {self.public_url}\n")
        if "filename" in request.match_info and (self.statics_path / request.match_info["filename"]).is_dir():
            raise web.HTTPNotFound
        full = request.path in ("/", "/ws") and self._here >= self._most
        response = self._full() if full else await handler(request)
        if request.path == "/" and self._by_proxy is None and isinstance(response, web.Response):
            # The page gets its parts from where it was asked for: by another name they would be another site's.
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
        """Start a dashboard for a visitor, and count the visitor until it has ended."""
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
        """Pass on what the page sends; with anything else the visit ends."""
        async for message in websocket:
            try:
                call = _read(message.data if message.type is WSMsgType.TEXT else None, app_service, websocket)
            except JUNK:
                log.warning("a visitor sent what the page does not send, and was disconnected")
                await websocket.close(code=1008)
                return
            await call


def _read(text: Any, app: AppService, websocket: web.WebSocketResponse) -> Awaitable[object]:
    """Return what a message of the page asks for; raise one of `JUNK` for what is no such message."""
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
    """Says what went wrong in a line: what strangers send must not fill a log."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        text = record.getMessage() if error is None else f"{record.getMessage()} ({type(error).__name__}: {error})"
        return f"beanops web: {safe_text(' '.join(text.split()), limit=300)}"


def _authority(text: str, secure: bool) -> Authority | None:
    """Return the host and port of ``host:port``, with the usual port where none is named; None where it is neither."""
    match = _HOST_PORT.fullmatch(text.lower())
    if match is None:
        return None
    return match["host"].strip("[]"), int(match["port"] or (443 if secure else 80))


def _origin(url: str) -> Authority | None:
    """Return the host and port of the address of a page, None where it is none."""
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
