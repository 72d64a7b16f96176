"""Fixtures for tests of one's own workers: a fresh beanstalkd for each test, and a client that is connected to it.

What lives here: the option ``--beanstalkd``, a marker and two fixtures. pytest loads this file in every run, so it
imports the rest of beanops only inside them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

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
    """
    marker = request.node.get_closest_marker("beanstalkd")
    found = shutil.which("beanstalkd") is not None
    wanted = request.config.getoption("--beanstalkd") or ("real" if found else "embedded")
    if wanted == "embedded" or marker is not None:
        from beanops.embedded import serve

        with serve(**({} if marker is None else marker.kwargs)) as address:
            yield address
        return
    if not found:
        reason = "--beanstalkd=real asks for beanstalkd, which is not on PATH"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from beanops.embedded.process import Beanstalkd

    with Beanstalkd() as server:
        yield server.address


@pytest.fixture
def beanstalk(beanstalkd: str) -> Iterator[Client]:
    """Give a `beanops.Client` that is connected to the test's own server."""
    from beanops import Client

    with Client(str(beanstalkd)) as client:
        yield client
