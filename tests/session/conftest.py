"""What the tests of the session share: a session on a fresh server, and populations of jobs to act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol import commands
from beanops.protocol.errors import ReplyError
from beanops.session.session import Session, connect


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """Name a journal of the test's own."""
    return str(tmp_path / "journal.sqlite")


@pytest.fixture
def open_session(beanstalkd: Beanstalkd, journal: str) -> Iterator[Callable[..., Session]]:
    """Open sessions on the test's server and journal; they end with the test."""
    with ExitStack() as sessions:
        yield lambda target=beanstalkd.address, **options: sessions.enter_context(
            connect(target, **({"journal": journal} | options))
        )


@pytest.fixture
def session(open_session: Callable[..., Session]) -> Session:
    """Open a session on a fresh server."""
    return open_session()


@pytest.fixture
def worker(beanstalkd: Beanstalkd) -> Iterator[Client]:
    """Connect somebody else to the same server."""
    with Client(beanstalkd.address) as client:
        yield client


def fill(client: Client, tube: str, state: str = "ready", jobs: int = 1, **settings: Any) -> list[int]:
    """Put jobs that end in a state; return their ids."""
    delay = settings.pop("delay", 1000 if state == "delayed" else 0)
    ids = [
        client.put(b"%s %d" % (state.encode(), n), tube=tube, delay=delay, **({"priority": 100 + n, "ttr": 60} | settings))
        for n in range(jobs)
    ]
    if state == "buried":
        for id in ids:
            priority = client.stats_job(id).priority
            client.reserve_job(id)
            client.bury(id, priority=priority)
    return ids


def population(client: Client) -> list[tuple[Any, ...]]:
    """Return every job of a server but for its id: tube, state, priority, ttr, whether a delay is left, body."""
    top = client.stats().cmd_put
    asks = chain.from_iterable((commands.stats_job(id), commands.peek(id)) for id in range(1, top + 1))
    answers: Any = client.pipeline(asks)
    return sorted(
        (stats.tube, stats.state, stats.priority, stats.ttr, stats.state == "delayed" and stats.time_left > 0, job.body)
        for stats, job in zip(answers, answers, strict=True)
        if not isinstance(stats, ReplyError)
    )
