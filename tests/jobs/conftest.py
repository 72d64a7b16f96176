"""What tests of found jobs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beanops import Session, connect
from beanops.embedded.process import Beanstalkd


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address) as session:
        yield session
