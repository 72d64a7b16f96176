"""One suite, two clients: every test that takes `connect` or `client` runs with both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beanops.embedded.process import Beanstalkd
from tests.client.adapter import Connector


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
