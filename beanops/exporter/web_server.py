"""The HTTP server of the exporter: ``/metrics``, ``/-/healthy``, ``/-/ready`` and a small page at ``/``.

One thread per connection, of which there are a limited number; none of them asks a beanstalkd anything. TLS handshakes
take place in those threads, so that a client that is slow at it holds up nobody.
"""

from __future__ import annotations

import base64
import binascii
import socket
import sys
import threading
import zlib
from collections.abc import Callable, Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any

from prometheus_client import CollectorRegistry

import beanops
from beanops.exporter.exposition import CONTENT_TYPE, exposition
from beanops.exporter.web_config import Passwords, WatchedWebConfig, WebConfig
from beanops.protocol.errors import UsageError

#: Connections at the same time, at most; Prometheus keeps one open.
MOST_CONNECTIONS = 64
#: Seconds that a client may be silent in the middle of a handshake or a request, or between two requests.
SILENCE = 120.0
#: Seconds that a TLS handshake may take for each step.
HANDSHAKE = 5.0
_PLAIN = "text/plain; charset=utf-8"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>beanops exporter</title></head>
<body><h1>beanops exporter {version}</h1>
<p><a href="metrics">Metrics</a> of {servers}. <a href="-/healthy">Healthy</a>, <a href="-/ready">ready</a>.</p>
</body></html>
"""
#: Nothing of the page loads or runs anything.
_POLICY = "default-src 'none'; frame-ancestors 'none'"


class MetricsServer(ThreadingMixIn, HTTPServer):
    """Serves the metrics of a registry.

    Parameters
    ----------
    host, port : str and int
        The address to listen on; port 0 takes a free one.
    registry : CollectorRegistry
        What ``/metrics`` shows.
    healthy, ready : callable
        Whether ``/-/healthy`` and ``/-/ready`` say yes.
    servers : sequence of str
        Names of the exported servers, for the page.
    web_config : WatchedWebConfig
        TLS, users and headers.
    log : callable
        Takes one line about what goes wrong.

    Raises
    ------
    UsageError
        It cannot listen there.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        host: str,
        port: int,
        *,
        registry: CollectorRegistry,
        healthy: Callable[[], bool] = lambda: True,
        ready: Callable[[], bool] = lambda: True,
        servers: Sequence[str] = (),
        web_config: WatchedWebConfig | None = None,
        log: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self.registry = registry
        self.healthy = healthy
        self.ready = ready
        self.servers = tuple(servers)
        self.passwords = Passwords()
        self._web_config = WatchedWebConfig(None) if web_config is None else web_config
        self._complained = ""
        self._log = log
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        #: One text is made at a time, however many clients ask for it.
        self.rendering = threading.Lock()
        shown = f"[{host}]" if ":" in host else host
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"cannot listen on {shown}:{port}: {why}") from None
        scheme = "http" if self.config().tls is None else "https"
        self.url = f"{scheme}://{shown}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which may take long."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # "::" is for IPv4 too
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def config(self) -> WebConfig:
        """Return what the web config file says now; complain once where it has become wrong."""
        config, error = self._web_config.current(), self._web_config.error
        if error != self._complained:
            self._complained = error
            if error:
                self._log(f"beanops exporter: {error}; the earlier web config stays in effect")
        return config

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection; close the connection where there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except Exception:  # no thread was started; an interrupt may come when one was, which releases it then
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Make a connection safe where TLS is asked for, and answer its requests."""
        try:
            tls = self.config().tls
            if tls is not None:
                request.settimeout(HANDSHAKE)
                request = tls.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:  # a handshake that failed
            self.shutdown_request(request)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that leave in the middle; anything else is an error of beanops."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: MetricsServer
    protocol_version = "HTTP/1.1"
    timeout = SILENCE
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request."""
        self._headers = self.server.config()
        if not self._admitted(self._headers):
            self._answer(HTTPStatus.UNAUTHORIZED, "not authorized\n", {"WWW-Authenticate": 'Basic realm="beanops"'})
            return
        match self.path.partition("?")[0]:
            case "/metrics":
                with self.server.rendering:
                    text = exposition(self.server.registry)
                self._answer(HTTPStatus.OK, text, {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"})
            case "/-/healthy":
                if self.server.healthy():
                    self._answer(HTTPStatus.OK, "healthy\n")
                else:
                    self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "a poller has failed; restart the exporter\n")
            case "/-/ready":
                if self.server.ready():
                    self._answer(HTTPStatus.OK, "ready\n")
                else:
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: the first look has not ended\n")
            case "/":
                servers = ", ".join(map(escape, self.server.servers))
                page = _PAGE.format(version=beanops.__version__, servers=servers)
                headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
                self._answer(HTTPStatus.OK, page, headers)
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "not found; metrics are at /metrics\n")

    do_HEAD = do_GET  # noqa: N815

    def _refuse(self) -> None:
        self.close_connection = True  # its body was not read
        self._headers = self.server.config()
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n", {"Allow": "GET, HEAD"})

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815

    def _admitted(self, config: WebConfig) -> bool:
        """Whether the request has the name and password of a user, or needs none."""
        if not config.users:
            return True
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(given.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        named = user.decode("utf-8", "surrogateescape")
        return bool(colon) and scheme.lower() == "basic" and self.server.passwords.right(config.users, named, password)

    def _answer(self, status: HTTPStatus, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        sent = {"Content-Type": _PLAIN, "X-Content-Type-Options": "nosniff", **(headers or {}), **self._headers.headers}
        if len(data) > 1024 and _takes_gzip(self.headers.get("Accept-Encoding", "")):
            packer = zlib.compressobj(1, wbits=31)  # gzip; higher levels take longer than they save on the way
            data = packer.compress(data) + packer.flush()
            sent["Content-Encoding"] = "gzip"
        self.send_response(status)
        for name, value in {**sent, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def version_string(self) -> str:
        """Return what the header Server says."""
        return f"beanops/{beanops.__version__}"

    def log_message(self, format: str, *args: Any) -> None:
        """Log no requests: there is one every few seconds."""


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.split(","):
        name, _, quality = one.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return quality.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
