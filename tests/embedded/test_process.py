"""The real server as a process of one's own."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd, CannotStart
from tests.waits import until


def test_a_server_that_was_there_before_is_not_taken_for_ones_own(
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    somebodys = start_beanstalkd()
    for _ in range(10):  # whether our own server fails before we look is luck
        with pytest.raises(CannotStart, match=f"127.0.0.1:{somebodys.port}"):
            start_beanstalkd(port=somebodys.port)
    with Client(somebodys.address) as client:
        assert client.stats().pid == somebodys.pid


def test_a_server_that_was_killed_leaves_nothing_open(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    gc.collect()  # what earlier tests left must not go in between
    before = len(os.listdir("/proc/self/fd"))
    server = start_beanstalkd()
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: server._process.poll() is not None)
    server.stop()
    server.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before
