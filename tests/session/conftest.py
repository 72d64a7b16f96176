"""What the tests of the session share: a session on a fresh server, and populations of jobs to act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol import commands
from beanops.protocol.errors import ReplyError
from beanops.session.connect import connect
from beanops.session.session import Session


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
    """Put jobs that end in a state; return their ids. Bodies are told apart by a number."""
    body = settings.pop("body", state.encode())
    delay = settings.pop("delay", 1000 if state == "delayed" else 0)
    priority = settings.pop("priority", 100)
    ttr = settings.pop("ttr", 60)
    client.use(tube)
    puts = (
        commands.put(b"%s %d" % (body, n), priority=priority + n, delay=delay, ttr=ttr, **settings) for n in range(jobs)
    )
    ids = [int(id) for id in client.pipeline(puts)]  # type: ignore[call-overload]
    client.use("default")
    if state == "buried":
        pairs = ((commands.reserve_job(id), commands.bury(id, priority=priority + n)) for n, id in enumerate(ids))
        for answer in client.pipeline(chain.from_iterable(pairs)):  # type: ignore[arg-type]
            assert not isinstance(answer, ReplyError)
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
