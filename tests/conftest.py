"""Fixtures that every room uses: real servers, fresh and private, one for each test."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from beanops import Client
from beanops.embedded.dialects import Dialect
from beanops.embedded.process import Beanstalkd
from tests.certificates import Certificates
from tests.groups import SHARED, Groups, group_of
from tests.guard import Guard
from tests.needs import missing

pytest_plugins = ["beanops.pytest_plugin", "tests.journals"]

_guard: list[Guard] = []

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("beanops", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beanops")

#: A file system in memory: there the journals of a thousand tests wait for no disk.
_MEMORY = Path("/dev/shm")
_ENOUGH = 2 << 30


def pytest_configure() -> None:
    """Have the files of the tests in memory where there is room, and nobody has said otherwise."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread the tests over processes, but those of a group over none."""
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that would start for itself what a group shares."""
    for item in items:
        if SHARED & set(getattr(item, "fixturenames", ())) and group_of(item.nodeid) is None:
            raise pytest.UsageError(f"{item.nodeid} shares a fixture and needs a group in tests/groups.py")


def pytest_sessionstart() -> None:
    """Have what the tests start ended with them, and send signals to it that it hears.

    ``nohup make test &`` ignores SIGINT and SIGHUP, and so would all that is started here.
    """
    _guard.append(Guard())
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda number, frame: None)  # a handler is not inherited; it does not end us


def pytest_sessionfinish() -> None:
    """End what is left."""
    while _guard:
        _guard.pop().end()


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Have the signals that end a process handled as in a process that nobody protects from them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """Say which servers the test starts; with ``--beanstalkd=embedded`` every suite runs on beanops' own."""
    return str(request.config.getoption("--beanstalkd") or "real")


@pytest.fixture
def start_beanstalkd(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Beanstalkd]]:
    """Start servers with flags of one's own: ``start_beanstalkd("-z", "100")``. They end with the test.

    ``start_beanstalkd(dialect="1.11")`` starts the embedded one, which then answers as that release does, and so do
    ``start_beanstalkd(tls=certificates, token="secret")``, which speaks TLS and wants a token.
    """

    def start(
        *arguments: str,
        dialect: Dialect | None = None,
        tls: Certificates | None = None,
        token: str | None = None,
        **options: Any,
    ) -> Beanstalkd:
        embedded = kind == "embedded" or dialect is not None or tls is not None or token is not None
        if embedded and "-b" in arguments:
            pytest.skip("the embedded server has no binlog")
        if not embedded and shutil.which("beanstalkd") is None:
            missing("beanstalkd is not on PATH")
        program = (sys.executable, "-m", "beanops.embedded") if embedded else ("beanstalkd",)
        chosen = [] if dialect is None else ["--dialect", dialect]
        if tls is not None:
            chosen += ["--tls-cert", str(tls.server)]
            options["tls"] = tls.context(tls.client)
        if token is not None:
            file = tmp_path_factory.mktemp("tokens") / "tokens"
            file.write_text(token)
            chosen += ["--auth-token-file", str(file)]
            options["token"] = token
        return servers.enter_context(Beanstalkd(*arguments, *chosen, program=program, **options))

    with ExitStack() as servers:
        yield start


@pytest.fixture
def beanstalkd(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a fresh server of the test's own."""
    return start_beanstalkd()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give certificates of a server and of a client, and their CA."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def client(beanstalk: Client) -> Client:
    """Give a client of the test's own server, as the plugin connects it."""
    return beanstalk


@pytest.fixture(autouse=True)
def _own_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what beanops has on the disk of whoever runs the tests out of them."""
    folder = tmp_path_factory.mktemp("beanops")
    monkeypatch.setenv("BEANOPS_JOURNAL", str(folder / "journal.sqlite"))
    monkeypatch.setenv("BEANOPS_CONFIG", str(folder / "config.toml"))
    monkeypatch.setenv("BEANOPS_RECORDING", str(folder / "recording.sqlite"))
    monkeypatch.setenv("BEANOPS_SAMPLES", str(folder / "samples"))
    monkeypatch.setenv("BEANOPS_ALERTS", str(folder / "alerts.json"))
    monkeypatch.setenv("BEANOPS_STATE", str(folder / "tui.json"))
