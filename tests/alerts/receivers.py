"""Receivers of alerts on loopback: an HTTP server that plays a list of replies, and a mail server."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self


class Reply(NamedTuple):
    """What an HTTP server answers."""

    status: int = 200
    body: str = "ok"
    headers: Mapping[str, str] = {}
    delay: float = 0.0


class Posted(NamedTuple):
    """A request that an HTTP server got."""

    path: str
    headers: Mapping[str, str]
    body: Any


class HttpReceiver:
    """Answers requests with given replies, then with 200.

    Parameters
    ----------
    *replies : Reply
        The first replies.
    context : ssl.SSLContext or None
        For HTTPS.
    """

    def __init__(self, *replies: Reply, context: ssl.SSLContext | None = None) -> None:
        self.replies = list(replies)
        self.posted: list[Posted] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posted.append(Posted(self.path, dict(self.headers), json.loads(body)))
                reply = receiver.replies.pop(0) if receiver.replies else Reply()
                time.sleep(reply.delay)
                with contextlib.suppress(OSError):  # the other side may have given up
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(reply.body.encode())

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def bodies(self) -> list[Any]:
        return [one.body for one in self.posted]


class SmtpReceiver:
    """A mail server that takes mail, with STARTTLS or TLS from the start, and a login.

    Parameters
    ----------
    context : ssl.SSLContext or None
        For TLS.
    implicit : bool
        Whether TLS begins with the connection.
    replies : mapping of str to str
        Replies to commands that are not the usual ones, by the command's first word.
    """

    def __init__(
        self, context: ssl.SSLContext | None = None, *, implicit: bool = False, replies: Mapping[str, str] | None = None
    ) -> None:
        self._context = context
        self._implicit = implicit
        self._replies = replies or {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.mails: list[str] = []
        self.commands: list[str] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError), contextlib.ExitStack() as layers:
                self._serve(connection, layers)

    def _serve(self, connection: socket.socket, layers: contextlib.ExitStack) -> None:
        secure = self._context is not None and self._implicit
        if self._context is not None and self._implicit:
            connection = layers.enter_context(self._context.wrap_socket(connection, server_side=True))
        connection.settimeout(10)
        file = connection.makefile("rwb")

        def say(line: str) -> None:
            file.write(line.encode() + b"\r\n")
            file.flush()

        say("220 mail.test ready")
        while line := file.readline().decode().strip():
            self.commands.append(line)
            word = line.split()[0].upper()
            if word in self._replies:
                say(self._replies[word])
            elif word == "EHLO":
                offers = ["AUTH PLAIN LOGIN"] if secure else ["STARTTLS"] if self._context else []
                for offer in ["mail.test", *offers]:
                    file.write(f"250-{offer}\r\n".encode())
                say("250 8BITMIME")
            elif word == "STARTTLS" and self._context is not None:
                say("220 go ahead")
                connection = layers.enter_context(self._context.wrap_socket(connection, server_side=True))
                file, secure = connection.makefile("rwb"), True
            elif word == "AUTH":
                say("235 welcome")
            elif word == "DATA":
                say("354 end with a dot")
                lines: list[str] = []
                while (text := file.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                self.mails.append("\n".join(lines))
                say("250 taken")
            elif word == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate of localhost; return a server's context, and the file that a client trusts."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command: Sequence[str | Path] = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


@contextlib.contextmanager
def dribbling() -> Iterator[str]:
    """Give the URL of a server that sends one byte now and then, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                while not ended.wait(0.05):
                    connection.sendall(b"H")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://localhost:{listener.getsockname()[1]}"
    ended.set()
    listener.close()
    thread.join(5)
