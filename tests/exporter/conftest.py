"""An exporter of the test's own, and ways to ask it."""

from __future__ import annotations

import base64
import http.client
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from beanops.embedded.process import Beanstalkd
from beanops.exporter.polling import ServerPoller
from beanops.exporter.service import BeanstalkdCollector, pollers_of
from beanops.exporter.web_config import WatchedWebConfig
from beanops.exporter.web_server import MetricsServer
from tests.needs import program

#: A sample's name and labels, and its value.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Clock:
    """Seconds that pass when the test says so."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def samples_of(text: str) -> Samples:
    """Read the text format with the parser of prometheus_client."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Exporter:
    """A running exporter whose pollers look when the test says so."""

    def __init__(self, server: MetricsServer, pollers: list[ServerPoller], clock: Clock) -> None:
        self.server = server
        self.pollers = pollers
        self.clock = clock
        self.port = int(server.server_address[1])

    def look(self) -> None:
        for poller in self.pollers:
            poller.look()

    def ask(
        self,
        path: str = "/metrics",
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
        user: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if user is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            if tls is None
            else http.client.HTTPSConnection("localhost", self.port, timeout=30, context=tls)
        )
        try:
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def samples(self) -> Samples:
        answer = self.ask()
        assert answer.status == 200
        return samples_of(answer.text)


Start = Callable[..., Exporter]


@pytest.fixture
def start_exporter() -> Iterator[Start]:
    """Start exporters of some servers: ``start_exporter(address, patterns=TubePatterns(("mail",)))``."""

    def start(*addresses: str, web_config: Path | None = None, log: Any = None, **options: Any) -> Exporter:
        clock = Clock()
        pollers = pollers_of(addresses, clock=clock, log=log or [].append, **options)
        registry = CollectorRegistry()
        registry.register(BeanstalkdCollector(pollers))
        server = MetricsServer(
            "127.0.0.1",
            0,
            registry=registry,
            healthy=lambda: not any(poller.failed for poller in pollers),
            ready=lambda: all(poller.looked for poller in pollers),
            servers=[poller.name for poller in pollers],
            web_config=WatchedWebConfig(web_config),
            log=log or [].append,
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        ends.callback(thread.join)
        ends.callback(server.server_close)
        ends.callback(server.shutdown)
        for poller in pollers:
            ends.callback(poller.close)
        return Exporter(server, pollers, clock)

    with ExitStack() as ends:
        yield start


@pytest.fixture
def exporter(start_exporter: Start, beanstalkd: Beanstalkd) -> Exporter:
    """Give an exporter of the test's own server."""
    return start_exporter(beanstalkd.address)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two authorities, a certificate of each for localhost, and one for a client, all with their keys."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run([program("openssl"), *arguments], cwd=folder, check=True, capture_output=True)

    def authority(name: str) -> None:
        openssl("req", "-x509", *new, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *signs)

    signs = ("-addext", "keyUsage=critical,keyCertSign")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
    authority("ca")
    authority("other-ca")
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    for name, by in (("server", "ca"), ("client", "ca"), ("renewed", "other-ca")):
        openssl("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial"),
            *("-days", "3650", "-out", f"{name}.pem", "-extfile", "extensions"),
        )
    return folder
