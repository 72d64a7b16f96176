"""Certificates for tests: of a server and of a client, by a CA of the tests' own, and some that must be refused."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme

_LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


class Certificates:
    """Files in a folder; each ``.pem`` of a certificate has its key too.

    Attributes
    ----------
    ca, other_ca : Path
        The CA of all that follow, and one that nobody trusts.
    server : Path
        For 127.0.0.1, ::1 and localhost.
    elsewhere : Path
        For a server of another name.
    expired : Path
        For 127.0.0.1, and no longer valid.
    client : Path
        Of a client.
    stranger : Path
        Of a client, by `other_ca`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ca, other = trustme.CA(), trustme.CA()
        self.ca = self._write("ca", ca.cert_pem.bytes())
        self.other_ca = self._write("other-ca", other.cert_pem.bytes())
        self.server = self._issue(ca, "server", "127.0.0.1", "::1", "localhost")
        self.elsewhere = self._issue(ca, "elsewhere", "queue.example.org")
        self.expired = self._issue(ca, "expired", "127.0.0.1", not_after=_LONG_AGO)
        self.client = self._issue(ca, "client", "worker@example.org")
        self.stranger = self._issue(other, "stranger", "stranger@example.org")

    def context(self, client: Path | None = None) -> ssl.SSLContext:
        """Return how a client of Python's own connects, with a certificate if one is given."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if client is not None:
            context.load_cert_chain(client)
        return context

    def _issue(self, ca: trustme.CA, name: str, *identities: str, not_after: datetime.datetime | None = None) -> Path:
        issued = ca.issue_cert(*identities, not_after=not_after)
        return self._write(name, issued.private_key_and_cert_chain_pem.bytes())

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / f"{name}.pem"
        path.write_bytes(data)
        return path
