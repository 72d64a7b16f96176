"""The real server as a process of one's own."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from beanops import Client, Reach, commands, errors
from beanops.embedded.dialects import FORKS, Dialect
from beanops.embedded.process import Beanstalkd, CannotStart, free_port
from tests.certificates import Certificates
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
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_port_that_was_taken_meanwhile_is_not_insisted_on(
    start_beanstalkd: Callable[..., Beanstalkd], monkeypatch: pytest.MonkeyPatch
) -> None:
    somebodys = start_beanstalkd()
    ports = iter([somebodys.port, somebodys.port, free_port()])
    monkeypatch.setattr("beanops.embedded.process.free_port", lambda: next(ports))

    ours = start_beanstalkd()

    assert ours.port != somebodys.port
    with Client(ours.address) as client:
        assert client.stats().pid == ours.pid


def test_a_server_that_complains_without_end_is_not_held_up(beanstalkd: Beanstalkd) -> None:
    """Each refused put is a line on its stderr; a pipe that nobody reads is full after about 900."""
    os.kill(beanstalkd.pid, signal.SIGUSR1)
    with Client(beanstalkd.address, read_timeout=30) as client:
        until(lambda: client.stats().draining)
        results = list(client.pipeline(commands.put(b"x") for _ in range(2000)))

    assert {type(result) for result in results} == {errors.Draining}


def test_it_may_speak_tls_and_want_a_token(
    start_beanstalkd: Callable[..., Beanstalkd], certificates: Certificates, tmp_path: Path
) -> None:
    server = start_beanstalkd("--tls-client-ca", str(certificates.ca), tls=certificates, token="s3cret")
    assert server.address == f"beanstalks://127.0.0.1:{server.port}"
    tokens = tmp_path / "token"
    tokens.write_text("s3cret")
    tls = {"tls_ca": str(certificates.ca), "tls_cert": str(certificates.client)}
    with Client(Reach.of(server.address, **tls, token_file=str(tokens))) as client:
        assert client.stats().pid == server.pid


@pytest.mark.parametrize("dialect", ["1.4", "1.11", *FORKS])
def test_the_embedded_one_can_be_another(dialect: Dialect, start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    with Client(start_beanstalkd(dialect=dialect).address) as client:
        assert client.stats().version == {"1.4": "1.4.6"}.get(dialect, "1.13" if dialect in FORKS else dialect)
