"""Fixtures: the real server beside the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from beanops.embedded.process import Beanstalkd
from tests.embedded.peers import Both, Remote


@pytest.fixture
def both(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Both]:
    """Give a fresh real server and a fresh embedded one, to do the same on both."""
    with closing(Remote(start_beanstalkd("-z", "1000").address)) as remote:
        yield Both(remote, max_job_size=1000)
