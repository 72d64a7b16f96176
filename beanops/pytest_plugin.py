"""Fixtures for tests of one's own workers: a fresh beanstalkd for each test, and a client that is connected to it.

What lives here: the option ``--beanstalkd``, a marker and two fixtures. pytest loads this file in every run, so it
imports the rest of beanops only inside them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from beanops import Client


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--beanstalkd``."""
    parser.getgroup("beanops").addoption(
        "--beanstalkd",
        choices=("real", "embedded"),
        help="the server behind the fixture 'beanstalkd' (default: the real one when it is on PATH)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker."""
    config.addinivalue_line(
        "markers", "beanstalkd(**options): the embedded server with options such as dialect='1.11' behind 'beanstalkd'"
    )


@pytest.fixture
def beanstalkd(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a fresh, empty beanstalkd, which ends with the test.

    It is the real one when ``beanstalkd`` is on PATH, and beanops' embedded one otherwise; ``--beanstalkd=real`` and
    ``--beanstalkd=embedded`` choose. A real one that was asked for and is missing skips the test, and fails it where
    the environment variable ``CI`` is set. ``@pytest.mark.beanstalkd(dialect="1.11")`` gives the test the embedded
    one, which then answers as that release does; all options of `beanops.embedded.serve` can be given.

    ``@pytest.mark.beanstalkd(tls=True)`` makes a certificate for the server and has this process, and those that the
    test starts, trust it; this needs trustme. ``@pytest.mark.beanstalkd(auth_token="secret")`` requires that token.
    """
    options = _options(request)
    found = shutil.which("beanstalkd") is not None
    wanted = request.config.getoption("--beanstalkd") or ("real" if found else "embedded")
    if wanted == "embedded" or options is not None:
        from beanops.embedded import serve

        options = options or {}
        if options.pop("tls", False):
            trusted, options["tls_cert"] = request.getfixturevalue("_beanstalkd_certificates")
            request.getfixturevalue("monkeypatch").setenv("SSL_CERT_FILE", str(trusted))
        with serve(**options) as address:
            yield address
        return
    if not found:
        _missing("--beanstalkd=real asks for beanstalkd, which is not on PATH")
    from beanops.embedded.process import Beanstalkd

    with Beanstalkd() as server:
        yield server.address


@pytest.fixture
def beanstalk(beanstalkd: str, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Give a `beanops.Client` that is connected to the test's own server."""
    from beanops import Client

    token = (_options(request) or {}).get("auth_token")
    target: Any = str(beanstalkd)
    if token is not None:
        from beanops.client.reach import Reach

        path = request.getfixturevalue("tmp_path_factory").mktemp("beanstalkd") / "token"
        path.write_text(token)
        target = Reach.of(target, token_file=str(path))
    with Client(target) as client:
        yield client


@pytest.fixture(scope="session")
def _beanstalkd_certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate; return the file with all CAs that are trusted then, and that of the server."""
    try:
        import trustme
    except ImportError:
        _missing("tls=True makes a certificate with trustme, which is not installed")
    import ssl

    folder = tmp_path_factory.mktemp("beanstalkd")
    trusted, server = folder / "trusted.pem", folder / "server.pem"
    authority = trustme.CA()
    system = ssl.get_default_verify_paths().cafile
    trusted.write_bytes((Path(system).read_bytes() if system else b"") + authority.cert_pem.bytes())
    server.write_bytes(authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.bytes())
    return trusted, server


def _options(request: pytest.FixtureRequest) -> dict[str, Any] | None:
    """Return what the test asks of its server; None if it takes any."""
    marker = request.node.get_closest_marker("beanstalkd")
    return None if marker is None else dict(marker.kwargs)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
