"""A visit: the process that runs the dashboard of one visitor, between its browser and the server.

The process is bounded: it ends when its visitor is idle, when it has run for long, and when it uses too much memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from textual._binary_encode import load

from beanops.session.reaching import as_environment
from beanops.session.web_access import WebAccess
from beanops.text import safe_text, span
from beanops.tui.web.login import WebVisitor

#: Why a dashboard ended that its visitor quit.
CLOSED = "The dashboard was closed."
#: What a visitor's process writes first.
PRELUDE = b"__GANGLION__\n"
#: Seconds between two looks at the limits, and after which a process that was told to end is ended, then killed.
LOOKS, GRACE = 2.0, 10.0
#: Bytes of one packet of a process, of a chunk of a file, and of what it complained, at most.
_PACKET, _CHUNK, _COMPLAINT = 64 * 2**20, 64 * 2**10, 64 * 2**10
#: Files that wait for their browser, at most, and seconds that a chunk may take.
_FILES, _PATIENCE = 20, 60.0
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
log = logging.getLogger("beanops.web")


class Browser(Protocol):
    """The websocket to a visitor's browser."""

    async def send_bytes(self, data: bytes) -> None:
        """Send what the terminal draws."""

    async def send_str(self, data: str) -> None:
        """Send a message to the page."""


class WaitingFile(NamedTuple):
    """A file that the dashboard has for the browser, and the parts of it that came."""

    name: str
    chunks: asyncio.Queue[bytes]


class Visit:
    """The dashboard of one visitor.

    Parameters
    ----------
    arguments : dict
        What `beanops.tui.web.visitor` is given.
    visitor : WebVisitor
        Whose it is.
    access : WebAccess
        The limits.
    browser : Browser
        Where it draws.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        arguments: dict[str, Any],
        visitor: WebVisitor,
        access: WebAccess,
        browser: Browser,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.visitor = visitor
        #: Why it ended, for the visitor.
        self.ended = CLOSED
        self.files: dict[str, WaitingFile] = {}
        self._arguments, self._access, self._browser, self._clock = arguments, access, browser, clock
        self._process: Process | None = None
        self._began = self._touched = clock()
        self._complaint = bytearray()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._started.pid

    @property
    def _started(self) -> Process:
        assert self._process is not None
        return self._process

    async def start(self, width: int, height: int) -> None:
        """Start the process with a terminal of a size."""
        environment = {
            **os.environ,
            "TEXTUAL_DRIVER": "beanops.tui.web.driver:VisitorDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM_PROGRAM": "textual",
            "COLUMNS": str(width),
            "ROWS": str(height),
        }
        for name in ("TEXTUAL", "NO_COLOR"):  # of the terminal in which the server runs
            environment.pop(name, None)
        environment |= as_environment(str(self._arguments["address"]))
        program = [sys.executable, "-m", "beanops.tui.web.visitor", json.dumps(self._arguments)]
        # A session of its own: Ctrl-C at the server's terminal is not for it.
        self._process = await asyncio.create_subprocess_exec(
            *program, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True, limit=2**20
        )

    async def run(self) -> None:
        """Pass on what the dashboard draws until it ends; `ended` then says why."""
        limits, complaints = asyncio.create_task(self._watch()), asyncio.create_task(self._listen())
        try:
            began = await self._draw()
        finally:
            limits.cancel()
            await self._end()
            await complaints
        if not began or self._started.returncode not in (0, None):
            self._explain(began)

    def _explain(self, began: bool) -> None:
        """Say why a process failed: what beanops said last, in one line."""
        lines = [line for line in self._complaint.decode(errors="replace").splitlines() if line.strip()]
        last = safe_text(lines[-1], limit=300) if lines else f"its process ended with {self._started.returncode}"
        if self.ended == CLOSED or not began:
            self.ended = f"The dashboard {'failed' if began else 'could not start'}: {last}"
        if lines:
            log.warning("the dashboard of %s failed: %s", self.visitor.name or "a visitor", last)

    async def _draw(self) -> bool:
        """Pass on packets until there are no more; return whether there was a dashboard."""
        output = self._started.stdout
        assert output is not None
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, ValueError):
            while (line := await output.readline()) != PRELUDE:
                if not line:
                    return False
            while True:
                kind, size = await output.readexactly(1), int.from_bytes(await output.readexactly(4), "big")
                if size > _PACKET:
                    log.warning("a visitor's process sent %d bytes at once and was ended", size)
                    return True
                await self._packet(kind, await output.readexactly(size))
        return True

    async def _packet(self, kind: bytes, data: bytes) -> None:
        if kind == b"D":
            await self._browser.send_bytes(data)
        elif kind == b"M":
            meta = json.loads(data)
            if meta["type"] == "deliver_file_start":
                await self._offer_file(str(meta["key"]), Path(str(meta["path"])).name)
        elif kind == b"P":
            match load(data):
                case ("deliver_chunk", str(key), bytes(chunk)) if key in self.files:
                    await self.files[key].chunks.put(chunk)

    async def _offer_file(self, key: str, name: str) -> None:
        while len(self.files) >= _FILES:
            del self.files[next(iter(self.files))]
        self.files[key] = WaitingFile(name, asyncio.Queue())
        await self._browser.send_str(json.dumps(["deliver_file_start", key]))

    async def chunk(self, key: str) -> bytes:
        """Return the next part of a file; empty at its end."""
        await self._send_meta(type="deliver_chunk_request", key=key, size=_CHUNK, name=None)
        try:
            return await asyncio.wait_for(self.files[key].chunks.get(), _PATIENCE)
        except TimeoutError:
            log.warning("a download was cut off: the dashboard sent nothing for %.0f seconds", _PATIENCE)
            raise

    # -- what the visitor does -----------------------------------------------------------------------------------------

    async def type(self, keys: str) -> None:
        """Send keys and clicks."""
        self._touched = self._clock()
        await self._send(b"D", keys.encode())

    async def resize(self, width: int, height: int) -> None:
        """Change the size of the terminal."""
        await self._send_meta(type="resize", width=width, height=height)

    async def focus(self, focused: bool) -> None:
        """Say whether the page has the keyboard."""
        await self._send_meta(type="focus" if focused else "blur")

    async def _send_meta(self, **meta: Any) -> None:
        await self._send(b"M", json.dumps(meta).encode())

    async def _send(self, kind: bytes, data: bytes) -> None:
        to = self._started.stdin
        assert to is not None
        with suppress(ConnectionError, RuntimeError):  # it has ended
            to.write(kind + len(data).to_bytes(4, "big") + data)
            await to.drain()

    # -- limits and the end --------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """End the process at the first limit that it reaches."""
        while True:
            await asyncio.sleep(LOOKS)
            why = self.over_limit()
            if why is not None:
                await self.stop(why)
                return

    def over_limit(self) -> str | None:
        """Return which limit is reached, None for none."""
        access, now = self._access, self._clock()
        if access.idle is not None and now - self._touched >= access.idle:
            return f"No key was pressed for {_whole(access.idle)}."
        if access.longest is not None and now - self._began >= access.longest:
            return f"The dashboard ran for {_whole(access.longest)}, the maximum."
        used = memory_of(self.pid)
        if used is not None and used > access.memory * 2**20:
            return f"The dashboard used more than {access.memory} MB of memory."
        return None

    async def stop(self, why: str) -> None:
        """End the process; actions under way end after their current batch."""
        self.ended = why
        await self._stop()

    async def _stop(self) -> None:
        await self._send_meta(type="quit")
        for end in (self._started.terminate, self._started.kill):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._started.wait(), GRACE)
                return
            with suppress(ProcessLookupError):
                end()

    async def _end(self) -> None:
        if self._started.returncode is None:
            await self._stop()
        await self._started.wait()

    async def _listen(self) -> None:
        """Keep the end of what the process complains."""
        errors = self._started.stderr
        assert errors is not None
        while data := await errors.read(4096):
            self._complaint += data
            del self._complaint[:-_COMPLAINT]


def _whole(seconds: float) -> str:
    """Return a limit without units that are zero, such as ``1h``."""
    return span(seconds).removesuffix("00s").removesuffix("00m")


def memory_of(pid: int) -> int | None:
    """Return the bytes of memory that a process uses; None where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * _PAGE_SIZE
