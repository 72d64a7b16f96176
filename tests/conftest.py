"""Fixtures that every room uses: real servers, fresh and private, one for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from beanops.embedded.process import Beanstalkd
from tests.needs import missing


@pytest.fixture
def start_beanstalkd() -> Iterator[Callable[..., Beanstalkd]]:
    """Start servers with flags of one's own: ``start_beanstalkd("-z", "100")``. They end with the test."""
    if shutil.which("beanstalkd") is None:
        missing("beanstalkd is not on PATH")
    with ExitStack() as servers:
        yield lambda *arguments, **options: servers.enter_context(Beanstalkd(*arguments, **options))


@pytest.fixture
def beanstalkd(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    """Start a fresh server of the test's own."""
    return start_beanstalkd()


@pytest.fixture(autouse=True)
def _own_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the journal, the configuration and the samples of whoever runs the tests out of them."""
    folder = tmp_path_factory.mktemp("beanops")
    monkeypatch.setenv("BEANOPS_JOURNAL", str(folder / "journal.sqlite"))
    monkeypatch.setenv("BEANOPS_CONFIG", str(folder / "config.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
