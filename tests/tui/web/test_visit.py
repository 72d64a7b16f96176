"""A visitor's process: it is bounded in time and memory, and none is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientSession

from beanops.embedded.process import Beanstalkd
from beanops.session.web_access import ROLES, WebAccess
from beanops.tui.web import visit as module
from beanops.tui.web.login import WebVisitor
from beanops.tui.web.visit import Visit, memory_of
from tests.tui.conftest import Clock
from tests.tui.web.serving import served, web
from tests.tui.web.test_server import drawn, goodbye
from tests.waits import PATIENCE, until


def children(pid: int) -> list[int]:
    """Return the visitors' processes that a process has started."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"beanops.tui.web.visitor" in (one / "cmdline").read_bytes():
                found.append(int(one.name))
    return found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_the_limits_end_a_visit_and_a_key_restarts_one(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "memory_of", lambda pid: 400 * 2**20)
    monkeypatch.setattr(Visit, "pid", 1)
    visitor, access = WebVisitor("ann", ROLES["view"]), WebAccess(idle=600, longest=1000)
    visit = Visit({}, visitor, access, None, clock)  # type: ignore[arg-type]
    assert visit.over_limit() is None
    clock.seconds += 600
    assert visit.over_limit() == "No key was pressed for 10m."
    visit._touched = clock()
    assert visit.over_limit() is None
    clock.seconds += 400
    assert visit.over_limit() == "The dashboard ran for 16m40s, the maximum."
    small = Visit({}, visitor, WebAccess(memory=300, idle=None, longest=None), None, clock)  # type: ignore[arg-type]
    assert small.over_limit() == "The dashboard used more than 300 MB of memory."


async def test_an_idle_visitor_gets_the_end_page(
    beanstalkd: Beanstalkd, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS", 0.01)
    async with served(beanstalkd, access=WebAccess(idle=600), clock=clock) as (url, browser):
        async with browser.ws_connect(f"{url}/ws", origin=url) as visit:
            await drawn(visit, "tube")
            (pid,) = children(os.getpid())
            used = memory_of(pid)
            assert used is not None
            assert 20 * 2**20 < used < 400 * 2**20
            clock.seconds += 600
            assert await goodbye(visit) == "No key was pressed for 10m."
        await asyncio.to_thread(until, lambda: gone(pid))


@pytest.mark.parametrize("how", ["leave", "kill"])
async def test_no_process_is_left(how: str, beanstalkd: Beanstalkd, tmp_path: Path) -> None:
    with web(beanstalkd.address, tmp_path / "tui.json") as (url, _, server):
        async with ClientSession() as browser:
            visit = await browser.ws_connect(f"{url}/ws", origin=url)
            await drawn(visit, "tube")
            (pid,) = children(server)
            if how == "leave":
                await visit.close()
            else:
                os.kill(server, signal.SIGKILL)
            await asyncio.to_thread(until, lambda: gone(pid))
            await visit.close()


async def test_a_process_that_hangs_is_ended(
    beanstalkd: Beanstalkd, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE", 0.1)
    async with served(beanstalkd) as (url, browser):
        async with browser.ws_connect(f"{url}/ws", origin=url) as visit:
            await drawn(visit, "tube")
            (pid,) = children(os.getpid())
            os.kill(pid, signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            await asyncio.to_thread(until, lambda: gone(pid))
