"""Servers that are reached by TLS, with a token, or through something else."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from beanops.embedded.process import Beanstalkd, free_port
from tests.certificates import Certificates
from tests.needs import program
from tests.waits import until


@pytest.fixture
def kind() -> str:
    """Servers are real ones where nothing of the embedded one is asked for."""
    return "real"


@pytest.fixture
def start_tls(certificates: Certificates) -> Iterator[Callable[..., Beanstalkd]]:
    """Start embedded servers with flags of one's own; by default with the certificate that clients should trust."""

    def start(*arguments: str, cert: Path | None = None, client: Path | None = None) -> Beanstalkd:
        anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
        if client is not None:
            anything.load_cert_chain(client)
        flags = ("--tls-cert", str(cert or certificates.server), *arguments)
        return servers.enter_context(
            Beanstalkd(*flags, program=(sys.executable, "-m", "beanops.embedded"), tls=anything)
        )

    with ExitStack() as servers:
        yield start


@pytest.fixture
def stunnel(beanstalkd: Beanstalkd, certificates: Certificates, tmp_path: Path) -> Iterator[str]:
    """Run a stunnel before a real server; give its address."""
    port = free_port()
    settings = (
        f"foreground=yes\nsyslog=no\ndebug=err\npid=\n[beanstalkd]\naccept=127.0.0.1:{port}\n"
        f"connect={beanstalkd.address}\ncert={certificates.server}\n"
    )
    (tmp_path / "stunnel.conf").write_text(settings)
    process = subprocess.Popen([program("stunnel"), tmp_path / "stunnel.conf"], stderr=subprocess.DEVNULL)

    def listens() -> bool:
        assert process.poll() is None, "stunnel did not come up"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    try:
        until(listens)
        yield f"beanstalks://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
