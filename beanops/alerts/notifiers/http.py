"""POST JSON with a time limit for the whole exchange; redirects are not followed, so no secret goes elsewhere."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import beanops
from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import NotSent, Rejected
from beanops.text import safe_text

#: Status codes of a message that the receiver will never accept.
_NEVER = (400, 413, 422)
#: Bytes of a reply that are read to explain an error, and characters of it that are shown.
_READ, _SHOWN = 2048, 200
#: Longest wait that a receiver may ask for.
_LONGEST_WAIT = 3600.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirect."""

    def redirect_request(self, *arguments: Any) -> None:
        """Follow none."""


class _Deadline:
    """Ends connections when their time is over, however slowly bytes still come."""

    def __init__(self, seconds: float) -> None:
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self.passed = False

    def _end(self) -> None:
        self.passed = True
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let it run within a block."""
        self._timer.start()
        try:
            yield
        finally:
            self._timer.cancel()

    def watch(self, make: Callable[..., http.client.HTTPConnection], host: str, **how: Any) -> Any:
        """Make a connection whose socket it ends."""
        made = make(host, **how)
        connect = made.connect

        def connect_watched() -> None:
            connect()
            if made.sock is not None:
                self._sockets.append(made.sock)

        made.connect = connect_watched  # type: ignore[method-assign]
        return made


def _opener(deadline: _Deadline, context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    class Http(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(partial(deadline.watch, http.client.HTTPConnection), request)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(partial(deadline.watch, http.client.HTTPSConnection, context=context), request)

    return urllib.request.build_opener(Http, Https, _NoRedirects)


def post(
    url: str, body: Any, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0, ca_file: str = ""
) -> None:
    """POST a body as JSON; return when the receiver has accepted it.

    Parameters
    ----------
    url : str
        Where; variables such as ``https_proxy`` apply.
    body : Any
        What `json` can write.
    headers : mapping of str to str or None
        More headers.
    timeout : float
        Seconds that all of it may take.
    ca_file : str
        Certificates to trust instead of those of the system.

    Raises
    ------
    NotSent
        It was not accepted; texts name the host, never the URL.
    Rejected
        It will never be.
    """
    host = urlsplit(url).hostname or "?"
    data = json.dumps(body).encode()
    fixed = {"Content-Type": "application/json", "User-Agent": f"beanops/{beanops.__version__}"}
    deadline = _Deadline(timeout)
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        request = urllib.request.Request(url, data, {**fixed, **(headers or {})}, method="POST")
        with deadline.running(), _opener(deadline, context).open(request, timeout=timeout) as reply:
            reply.read1(_READ)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(host, error) from None
    except ValueError:  # before anything was sent; its text has the value
        raise NotSent(f"cannot send to {host}: the URL or a header is not valid") from None
    except (OSError, http.client.HTTPException) as error:
        if deadline.passed or isinstance(error, TimeoutError):
            raise NotSent(f"{host} did not answer within {timeout:g} s") from None
        why = getattr(error, "reason", error)
        if isinstance(why, TimeoutError):
            raise NotSent(f"{host} did not answer within {timeout:g} s") from None
        text = getattr(why, "strerror", None) or type(why).__name__
        if isinstance(why, ssl.SSLCertVerificationError):
            text = f"its certificate is not trusted: {why.verify_message}"
        raise NotSent(f"cannot reach {host}: {safe_text(str(text))}") from None


def _refusal(host: str, error: urllib.error.HTTPError) -> NotSent | Rejected:
    said = ""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        said = error.read(_READ).decode("utf-8", "replace").strip()
    told = f"{host} answered {error.code}" + (f": {safe_text(' '.join(said.split()), limit=_SHOWN)}" if said else "")
    if 300 <= error.code < 400:
        return NotSent(f"{host} answered {error.code}, a redirect, which is not followed; set the final URL")
    if error.code in _NEVER:
        return Rejected(told)
    return NotSent(told, _wait(error.headers.get("Retry-After")))


def _wait(asked: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which is a number or a date."""
    if not asked:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            return None
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else None


def check_url(fields: Fields, key: str, url: str) -> None:
    """Complain about a text that is no URL, without repeating it."""
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or not url.isascii() or not url.isprintable() or " " in url:
        fields.complain(f"{key} must be a URL that begins with https:// or http://", key)
