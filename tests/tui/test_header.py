"""What must not be missed in the header: a restart with the jobs that it cost, and jobs held on another server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beanops import Client, Session
from beanops.embedded.process import Beanstalkd
from beanops.session.config import profile
from tests.tui.conftest import Clock, dashboard, fill


@pytest.fixture
def other(beanstalkd: Beanstalkd) -> Iterator[Beanstalkd]:
    with Beanstalkd() as other:
        Path(os.environ["BEANOPS_CONFIG"]).write_text(
            f'[servers.queue]\naddress = "{beanstalkd.address}"\n[servers.prod]\naddress = "{other.address}"\n'
        )
        yield other


async def test_a_restart_is_told_with_the_jobs_that_it_cost(
    session: Session,
    client: Client,
    clock: Clock,
    beanstalkd: Beanstalkd,
    start_beanstalkd: Callable[..., Beanstalkd],
) -> None:
    fill(client, "mail", *[b"x"] * 1240)
    async with dashboard(session, clock, (80, 24)) as desk:
        assert "restarted" not in desk.line("#server")
        beanstalkd.stop()
        await desk.tick()
        start_beanstalkd(port=beanstalkd.port)
        with Client(beanstalkd.address) as again:
            fill(again, "mail", b"y")
            await desk.tick(60)
            assert "s ago, 1,239 jobs fewer" in desk.line("#server")
            assert "restarted" in (await desk.painted()).splitlines()[0]
            fill(again, "mail", *[b"y"] * 5)
            await desk.tick()
            assert "s ago, 1,239 jobs fewer" in desk.line("#server"), "jobs that came later do not change it"
        await desk.press("exclamation_mark", "end")
        assert "1,239 jobs fewer: without a binlog its jobs are gone" in desk.line("#about")


async def test_jobs_that_are_held_stay_visible_on_every_other_server(
    session: Session, client: Client, clock: Clock, other: Beanstalkd
) -> None:
    fill(client, "mail", b"x", b"y")
    with Client(other.address) as there:
        fill(there, "billing", b"z")
    async with dashboard(session, clock, profile=profile("queue")) as desk:
        await desk.command("tube mail")
        await desk.press("v", "y")
        assert "YOU HOLD 1 job " in desk.line("#server")
        await desk.command("server prod")
        await desk.settle()
        assert " YOU HOLD 1 job on queue " in desk.line("#server")
        await desk.command("tube billing")
        await desk.press("v", "y")
        assert " YOU HOLD 1 job here, 1 on queue " in desk.line("#server")
        await desk.press("a")
        assert " YOU HOLD 1 job here, 1 on queue " in desk.line("#server")
        await desk.command("server queue")
        await desk.settle()
        assert " YOU HOLD 1 job here, 1 on prod " in desk.line("#server")
