"""POST notices as plain JSON to any URL."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.http import check_url, post
from beanops.alerts.notifiers.notice import Notice, Notifier
from beanops.alerts.secret import Secret, SecretMissing


class HttpTarget(NamedTuple):
    """Where a notifier sends its requests.

    Attributes
    ----------
    url : Secret
        The URL, which may hold a token.
    headers : tuple of pairs
        More headers with their values.
    timeout : float
        Seconds that a request may take.
    ca_file : str
        Certificates to trust instead of those of the system.
    """

    url: Secret
    headers: tuple[tuple[str, Secret], ...] = ()
    timeout: float = 10.0
    ca_file: str = ""

    @classmethod
    def read(cls, fields: Fields, default: str | None = None) -> HttpTarget:
        """Read it from the table of a notifier; the URL is required where there is no default."""
        url = fields.secret("url", required=default is None) or Secret("text", default or "http://localhost")
        with suppress(SecretMissing):  # which was complained about
            check_url(fields, "url", url.read())
        return cls(
            url,
            tuple(fields.secret_table("headers").items()),
            fields.span("timeout", 10.0, 0.1, 300.0),
            fields.path("ca_file"),
        )

    @property
    def secrets(self) -> list[Secret]:
        """What is never shown."""
        return [self.url, *(secret for _, secret in self.headers)]

    def post(self, body: object, path: str = "") -> None:
        """POST a body as JSON to the URL, or to a path below it; see `beanops.alerts.notifiers.http.post`."""
        url = self.url.read()
        headers = {name: secret.read() for name, secret in self.headers}
        target = url.rstrip("/") + path if path else url
        post(target, body, headers=headers, timeout=self.timeout, ca_file=self.ca_file)


class Webhook(Notifier):
    """Posts ``{"version": 1, "alerts": [...]}``; each alert has the fields of a notice."""

    kind = "webhook"

    def __init__(self, fields: Fields) -> None:
        self._target = HttpTarget.read(fields)

    @property
    def secrets(self) -> Sequence[Secret]:
        """What is never shown."""
        return self._target.secrets

    def send(self, notices: Sequence[Notice]) -> None:
        """Send notices; see `Notifier.send`."""
        self._target.post({"version": 1, "alerts": [notice.facts() for notice in notices]})
