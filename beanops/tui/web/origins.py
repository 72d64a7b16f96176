"""Hosts and origins: which requests a page of this server made, and which another site made a browser send."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from beanops.protocol.errors import UsageError
from beanops.text import safe_text

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST_PORT = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[^\s:/?#@\[\]\\;,'\"]+)(?::(?P<port>[0-9]{1,5}))?")

#: A host and a port.
Authority = tuple[str, int]


class Origins:
    """The names by which browsers may ask a server.

    Parameters
    ----------
    host, port : str and int
        Where it listens.
    url : str or None
        The URL that visitors type, if not host and port.

    Raises
    ------
    UsageError
        `url` is not a URL, or is missing where `host` is a wildcard address.
    """

    def __init__(self, host: str, port: int, url: str | None) -> None:
        if url is None and _everywhere(host):
            raise UsageError(f"--host {host} listens on all addresses; pass --url with the one that visitors use")
        if url is not None and origin_of(url) is None:
            raise UsageError(f"invalid --url {safe_text(url, limit=80)}; expected a URL such as http://box:8000")
        named = f"[{host}]" if ":" in host else host
        self.url = url or f"http://{named}:{port}"
        public = urlsplit(self.url)
        self.secure = public.scheme == "https"
        at = authority(public.netloc, self.secure)
        names = LOOPBACK if host in LOOPBACK else (host.lower(),)
        self._served = {at, *((name, port) for name in names)}
        # A proxy may use another host name than its visitors.
        self._by_proxy = at if url is not None else None
        self.private = self.secure or (at is not None and at[0] in LOOPBACK)

    def admits(self, host: str, origin: str | None, *, needs_origin: bool) -> bool:
        """Whether a page of this server made a request with these headers; browsers send some without an origin."""
        asked = authority(host, self.secure)
        if asked not in self._served:
            return False
        if origin is None:
            return not needs_origin
        named = origin_of(origin)
        return named is not None and named in (asked, self._by_proxy)


def authority(text: str, secure: bool) -> Authority | None:
    """Return host and port of ``host:port``, with the default port of the scheme; None if malformed.

    Examples
    --------
    >>> authority("box:8000", False), authority("[::1]", True), authority("a@box", True)
    (('box', 8000), ('::1', 443), None)
    """
    match = _HOST_PORT.fullmatch(text.lower())
    if match is None or "@" in text:
        return None
    return match["host"].strip("[]"), int(match["port"] or (443 if secure else 80))


def origin_of(url: str) -> Authority | None:
    """Return host and port of a URL; None if malformed.

    Examples
    --------
    >>> origin_of("https://box"), origin_of("box")
    (('box', 443), None)
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return authority(parts.netloc, parts.scheme == "https") if parts.scheme in ("http", "https") else None


def _everywhere(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return host in ("", "0")
