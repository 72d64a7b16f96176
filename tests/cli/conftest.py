"""Ways to run beanops: in this process for most tests, as a process of its own where the process is what is tested."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from beanops import Client
from beanops.cli.app import run
from beanops.embedded.process import Beanstalkd

BEANOPS = str(Path(sys.executable).with_name("beanops"))


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ended]


@pytest.fixture
def cli(beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run a command on the test's server: ``cli("tubes", "--json", stdin=b"")``."""
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)

    def call(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(list(arguments))
        return Ended(code, *capfd.readouterr())

    return call


@pytest.fixture
def client(beanstalkd: Beanstalkd) -> Iterator[Client]:
    with Client(beanstalkd.address) as client:
        yield client


@pytest.fixture
def program(beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.Popen[str]]:
    """Start beanops as a process of its own on the test's server."""
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)

    def start(*arguments: str, **how: Any) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen([BEANOPS, *arguments], text=True, **{**pipes, **how})

    return start


def one_line(err: str) -> str:
    """Return what was told on stderr, which must be one line without a traceback."""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.removesuffix("\n")


def bury(client: Client, tube: str, *bodies: bytes) -> list[int]:
    """Put jobs into a tube and bury them."""
    ids = [client.put(body, tube=tube) for body in bodies]
    for id in ids:
        client.bury(client.reserve_job(id))
    return ids
