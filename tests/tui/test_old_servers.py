"""The dashboard on servers without `reserve-job`: what they cannot do is said before, and undo asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from tests.tui.conftest import Clock, dashboard, fill


@pytest.fixture
def old(start_beanstalkd: Callable[..., Beanstalkd]) -> Beanstalkd:
    return start_beanstalkd(dialect="1.11")


@pytest.fixture
def session(old: Beanstalkd) -> Iterator[Session]:
    with connect(old.address, source="tui") as session:
        yield session


@pytest.fixture
def worker(old: Beanstalkd) -> Iterator[Client]:
    """Bury three jobs, and go on to watch their tube."""
    with Client(old.address) as worker:
        worker.watch("mail")
        for n in range(3):
            worker.put(b"%d" % n, tube="mail")
        for _ in range(3):
            worker.bury(worker.reserve(0))
        yield worker


async def test_header_question_and_undo(session: Session, worker: Client, clock: Clock) -> None:
    async with dashboard(session, clock, (160, 40)) as desk:
        assert "beanstalkd 1.11, no reserve-job (since 1.12)" in await desk.painted()
        await desk.press("down", "X", "enter")
        question = await desk.painted()
        assert "--as parked or --as ready" in " ".join(question.split()).replace("│ │", "")
        await desk.press("y")
        await desk.settle()
        assert worker.stats().current_jobs_buried == 0
        assert "u undoes it; what buried jobs become is asked" in await desk.painted()
        await desk.press("u")
        assert "Buried jobs" in await desk.painted()
        await desk.press("enter", "y")
        await desk.settle()
        assert worker.stats().current_jobs_delayed == 3


@pytest.fixture
def fork(start_beanstalkd: Callable[..., Beanstalkd]) -> Iterator[Session]:
    """Open a session on a server that truncates."""
    with connect(start_beanstalkd(dialect="truncate").address, source="tui") as session:
        yield session


async def test_a_tube_is_truncated_once_its_number_of_jobs_is_typed(fork: Session, clock: Clock) -> None:
    with Client(fork.address) as client:
        fill(client, "mail", b"1", b"2", b"3", bury=1)
        async with dashboard(fork, clock, (120, 40)) as desk:
            await desk.tick()
            assert "truncate, cached statistics" in desk.line("#server")
            await desk.command("truncate mail")
            painted = await desk.painted()
            assert "Delete 3 jobs of tube mail at once?" in painted
            assert "2 ready, 1 buried" in painted
            assert "This cannot be undone: nothing keeps the bodies" in painted
            await desk.press(*"3", "enter")
            assert "✓ drain: 3 done" in desk.line("#status")
            assert "undoes it" not in desk.line("#status")
            assert not [tube for tube in client.list_tubes() if tube == "mail"]


async def test_truncate_is_refused_where_the_server_has_none(session: Session, worker: Client, clock: Clock) -> None:
    async with dashboard(session, clock) as desk:
        await desk.tick()
        await desk.command("truncate mail")
        assert "this server has no truncate" in await desk.painted()
        assert worker.stats_tube("mail").current_jobs_buried == 3
