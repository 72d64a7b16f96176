"""One suite, two clients and two servers: every test that takes `connect` or `client` runs with both clients, every one
that takes a server on the real beanstalkd and on the embedded one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beanops.embedded.process import Beanstalkd
from tests.client.adapter import Connector


@pytest.fixture(params=["real", "embedded"])
def kind(request: pytest.FixtureRequest) -> str:
    """Say which servers the test starts, whatever ``--beanstalkd`` chooses for the others."""
    return str(request.param)


@pytest.fixture(params=["Client", "AsyncClient"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connector]:
    """Connect clients of one kind: ``connect(address, read_timeout=1)``."""
    connector = Connector(request.param)
    yield connector
    connector.stop()


@pytest.fixture
def client(connect: Connector, beanstalkd: Beanstalkd) -> Any:
    """Connect a client to a fresh server."""
    return connect(beanstalkd.address)
