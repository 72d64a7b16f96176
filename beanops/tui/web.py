"""The dashboard in a browser: textual-serve starts one dashboard a visitor. Nobody logs in, so the door is narrow.

What a visitor sees is in `app`; needs the extra ``beanops[web]``.
"""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from beanops.protocol.errors import UsageError
from beanops.text import safe_text

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
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Page(Server):
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
    ) -> None:
        if url is None and _everywhere(host):
            raise UsageError(f"--host {host} is every address of this machine: say by --url which one visitors use")
        if url is not None and _name_in(url) is None:
            raise UsageError(f"--url {safe_text(url, limit=80)}: write what visitors type, such as http://box:8000")
        how = "read-only" if read_only else "acting"
        command = shlex.join([sys.executable, "-c", VISITOR, address, how, str(interval), *redact])
        named = f"[{host}]" if ":" in host else host
        super().__init__(
            command, host=host, port=port, title=f"beanops {address}", public_url=url or f"http://{named}:{port}"
        )
        self._about = f"beanops web: {safe_text(address)} at {self.public_url}, {how}; Ctrl-C ends it"
        self._names = {_name_in(self.public_url), *(LOOPBACK if host in LOOPBACK else ())}

    def initialize_logging(self) -> None:
        """Say nothing but what went wrong."""
        logging.basicConfig(level=logging.WARNING, format="beanops web: %(message)s")

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
        asked, origin = f"http://{request.host}", request.headers.get("Origin")
        if any(_name_in(url) not in self._names for url in (asked, origin) if url is not None):
            raise web.HTTPForbidden(text=f"beanops web is at {self.public_url}\n")
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY
        return response


def _name_in(url: str) -> str | None:
    """Return the host that the address of a page names, None where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def _everywhere(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return host in ("", "0")


def serve(address: str, *, host: str, port: int, read_only: bool = True, interval: float = 1.0, **how: Any) -> None:
    """Serve the dashboard until it is interrupted; see `Page`."""
    Page(address, host=host, port=port, read_only=read_only, interval=interval, **how).serve()
