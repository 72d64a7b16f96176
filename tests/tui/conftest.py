"""A dashboard on the test's own server: time stands still until the test moves it, and nothing ticks by itself."""

from __future__ import annotations

import asyncio
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual import events
from textual.app import ScreenStackError
from textual.drivers.headless_driver import HeadlessDriver
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.pilot import Pilot
from textual.widgets import Input
from textual.worker import WorkerCancelled, WorkerFailed

from beanops import Client, Session, connect
from beanops.embedded.process import Beanstalkd
from beanops.protocol import commands
from beanops.tui.app import Dashboard
from beanops.tui.dialogs.command_line import CommandLine
from beanops.tui.screens import preview
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.job_table import JobTable
from beanops.tui.widgets.line import Line
from beanops.tui.widgets.table import RowTable
from tests.waits import PATIENCE

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000)


class Desk:
    """The dashboard as its user meets it: keys, and what stands on the screen."""

    def __init__(self, app: Dashboard, pilot: Pilot[None], clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.clock = clock

    async def press(self, *keys: str) -> None:
        # The pilot's own `press` waits until the processor is idle, which on a busy machine is seconds.
        for key, following in zip(keys, [*keys[1:], ""], strict=True):
            typed = len(key) == len(following) == 1 and isinstance(self.app.focused, Input)
            self._post(key)
            if not typed:  # the rest of a word in an entry follows at once
                await self.settle()

    async def send(self, key: str) -> None:
        """Press a key while something is under way that nobody waits for."""
        self._post(key)
        for _ in range(3):
            await self.handled()

    async def at_once(self, *keys: str) -> None:
        """Press keys of which none waits for what the one before does."""
        for key in keys:
            self._post(key)
        await self.settle()

    def _post(self, key: str) -> None:
        self.app.post_message(events.Key(_name_of(key), key if len(key) == 1 else None))

    async def command(self, line: str) -> None:
        """Type a command, and have it done."""
        await self.press(":", *line, "enter")
        await self.settle()
        if self.app.is_running and isinstance(
            self.app.screen, CommandLine
        ):  # it was not understood, and its line stands there to be mended
            await self.press("escape")

    async def tick(self, seconds: float = 1.0) -> None:
        """Let time pass, and the server be looked at."""
        self.clock.seconds += seconds
        self.app.tick()
        await self.settle()

    async def handled(self) -> None:
        """Wait until all widgets have handled the messages that they have, and the layout is as they want it."""
        with suppress(ScreenStackError):  # the app has ended
            # Not until the process is idle, as without the 0: on a busy machine that is seconds.
            await self.pilot.pause(0)

    async def settle(self) -> None:
        """Wait for what keys and threads have started, until nothing is left."""
        quiet = 0
        while quiet < 3:
            await self.handled()
            quiet += 1
            while self.app.workers:
                quiet = 0
                # One whose screen was closed is of no use any more; a fault is told on the screen.
                with suppress(WorkerCancelled, WorkerFailed):
                    await self.app.workers.wait_for_complete()
                await self.handled()
            if self.app.is_running:
                if any(table._feeding for screen in self.app.screen_stack for table in screen.query(JobTable)):
                    quiet = 0
                    await asyncio.sleep(0.001)
                if not self.app.screen.is_mounted or not self.app._key_order.idle:
                    quiet = 0

    def lines(self, selector: str) -> list[str]:
        """Return the lines of a table or body as they are drawn."""
        widget = self.app.view.query_one(selector, RowTable | BodyView)  # type: ignore[union-attr, arg-type]
        return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]

    def rows(self, selector: str) -> list[list[str]]:
        """Return the words of each drawn row, without header and cursor."""
        return [line.lstrip("▌ ").split() for line in self.lines(selector)[1:] if line.strip("▌ ")]

    def names(self, selector: str = "#tubes") -> list[str]:
        """Return the first word of each drawn row."""
        return [row[0] for row in self.rows(selector)]

    def cursor(self, selector: str) -> str:
        """Return the row that is marked by the cursor."""
        (row,) = [line for line in self.lines(selector) if line.startswith("▌")]
        return row[1:].strip()

    def line(self, selector: str) -> str:
        """Return a line of text."""
        return str(self.app.view.query_one(selector, Line).content)  # type: ignore[union-attr]

    @property
    def footer(self) -> str:
        """The keys that are shown."""
        active = self.app.screen.active_bindings.values()
        return " ".join(one.binding.description for one in active if one.binding.show)

    async def painted(self) -> str:
        """Return everything that the screen in front shows, as the terminal would get it."""
        await self.settle()
        return self._painted()

    async def shows(self, text: str) -> str:
        """Wait until a text stands on the screen, while something is under way; return everything that stands there."""
        give_up = time.monotonic() + PATIENCE
        while text not in (painted := self._painted()):
            assert time.monotonic() < give_up, f"{text!r} is not shown, but {painted}"
            await self.handled()
            await asyncio.sleep(0.005)
        return painted

    def _painted(self) -> str:
        # The compositor is Textual's own business, but its public picture takes fifty times as long to make and read.
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line) for line in lines)


def _name_of(key: str) -> str:
    """Return the name that a key has in Textual: ``colon`` for ``:``."""
    if len(key) > 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Let nothing of a dashboard go on after it: what it says then would be blamed on another test."""
    before = set(threading.enumerate())
    yield
    # Those of the loop's own pool wait for work, and end with the loop.
    left = [one for one in threading.enumerate() if one not in before and not one.name.startswith("asyncio_")]
    assert all(one.daemon for one in left), f"still running: {left}"


@pytest.fixture(autouse=True)
def _the_cursor_need_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the preview read jobs at once, so that tests do not wait."""
    monkeypatch.setattr(preview, "REST", 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(beanstalkd: Beanstalkd) -> Iterator[Session]:
    with connect(beanstalkd.address, source="tui", actor="tester") as session:
        yield session


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is written to the terminal."""
    everything: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "write", lambda self, data: everything.append(data))
    monkeypatch.setattr(HeadlessDriver, "is_headless", property(lambda self: False))
    return everything


@asynccontextmanager
async def dashboard(
    session: Session, clock: Clock, size: tuple[int, int] = (80, 24), sort: str | None = "tube", **options: Any
) -> AsyncIterator[Desk]:
    """Open the dashboard with everything looked at once, sorted by name, in which tests know where a tube is."""
    app = Dashboard(session, **{"interval": 86_400, "clock": clock, "now": clock.now, "slow": None, **options})
    async with app.run_test(size=size) as pilot:
        desk = Desk(app, pilot, clock)
        await desk.settle()
        if sort is not None and "state_file" not in options:
            app.tube_list.sort(sort)
            await desk.settle()
        yield desk


def fill(client: Client, tube: str, *bodies: bytes, bury: int = 0, **settings: int) -> list[int]:
    """Put jobs and bury the first of them."""
    client.use(tube)
    ids = [int(id) for id in client.pipeline(commands.put(body, **settings) for body in bodies)]  # type: ignore[arg-type]
    client.use("default")
    for id in ids[:bury]:
        client.reserve_job(id)
        client.bury(id)
    return ids
