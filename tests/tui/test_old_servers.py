"""The dashboard on servers without `reserve-job`: what they cannot do is said before, and undo asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from tests.tui.conftest import Clock, dashboard


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
