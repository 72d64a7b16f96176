"""Ways to run beanops: in this process for most tests, as a process of its own where the process is what is tested."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from beanops import Client
from beanops.cli.app import run
from beanops.embedded.process import Beanstalkd
from beanops.protocol import commands
from beanops.protocol.errors import ReplyError
from beanops.protocol.limits import DEFAULT_PRIORITY
from tests.waits import PATIENCE

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
    used = client.list_tube_used()
    client.use(tube)
    ids = [int(id) for id in client.pipeline(map(commands.put, bodies))]
    client.use(used)
    pairs = ((commands.reserve_job(id), commands.bury(id, priority=DEFAULT_PRIORITY)) for id in ids)
    for answer in client.pipeline(chain.from_iterable(pairs)):
        assert not isinstance(answer, ReplyError)
    return ids


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 120))
        self.process = subprocess.Popen(
            [BEANOPS, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def until(self, text: str) -> None:
        """Read on until a text is shown."""
        give_up = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert self._read_on(give_up), f"it ended without {text}: {self.shown}"

    def _read_on(self, give_up: float) -> bool:
        """Read what is shown next; False when it has ended."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, give_up - time.monotonic()))
        assert ready, f"it shows nothing more: {self.shown}"
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # Linux says so when the other side has closed
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read what is left, and return the exit code."""
        give_up = time.monotonic() + PATIENCE
        while self._read_on(give_up):
            pass
        os.close(self._ours)
        return self.process.wait(PATIENCE)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    """Start beanops on a terminal of its own, on the test's server."""
    monkeypatch.setenv("BEANOPS_SERVER", beanstalkd.address)
    started: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        started.append(Terminal(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def configure(text: str) -> None:
    """Write the configuration file."""
    Path(os.environ["BEANOPS_CONFIG"]).write_text(text)
