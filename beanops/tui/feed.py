"""`Feed`: one search for the jobs of a tube, a page at a time; it runs in a thread and tells by messages."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple

from textual.message import Message

from beanops.jobs.scan import Scan
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.jobrows import JobRow
from beanops.tui.words import plural

#: Jobs found, and ids looked at, after which a page is full.
PAGE, LOOKED = 1000, 200_000
#: Jobs that a list holds at most.
MOST = 250_000
#: Seconds between two messages.
PAUSE = 0.1


class Wanted(NamedTuple):
    """Which jobs of a tube are looked for, as in `Session.scan`."""

    tube: str
    state: str | None = None
    where: str | None = None
    order: str = "newest"


class Found(Message):
    """Jobs were found, or the search has come to a rest."""

    def __init__(self, feed: Feed, rows: list[JobRow]) -> None:
        super().__init__()
        self.feed = feed
        self.rows = rows


class Feed:
    """A search that can be stopped and gone on with.

    Parameters
    ----------
    wanted : Wanted
        Which jobs.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    over : bool
        Whether there is no more to find.
    error : str
        Why it stopped, safe; empty for no fault.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.running = True
        self.over = False
        self.error = ""
        self.found = 0
        self._stopped = False
        self._scan: Scan | None = None

    def stop(self) -> None:
        """End it after the block under way."""
        self._stopped = True
        if self._scan is not None:
            self._scan.cancel()

    def run(self, session: Session, tell: Callable[[Message], object], *, page: bool) -> None:
        """Look for jobs until the page is full, or to the end; blocks on the network."""
        self.running, self._stopped, self.error = True, False, ""
        pending: list[JobRow] = []
        told, found = time.monotonic(), 0
        # A collection looks at every row there is, for a tenth of a second, and none of them is ever garbage.
        gc.disable()
        try:
            if self._scan is None:
                wanted = self.wanted
                self._scan = session.scan(
                    wanted.tube, state=wanted.state, where=wanted.where, order=wanted.order, bodies=True
                )
            scan = self._scan
            looked = scan.progress.looked
            for batch in scan:
                pending += map(JobRow, batch)
                found += len(batch)
                self.found += len(batch)
                if time.monotonic() - told >= PAUSE:
                    tell(Found(self, pending))
                    pending, told = [], time.monotonic()
                full = page and (found >= PAGE or scan.progress.looked - looked >= LOOKED)
                if full or self._stopped or self.found >= MOST:
                    break
            else:
                self.over = not self._stopped
        except BeanopsError as error:
            self.error = safe_text(str(error))
        finally:
            gc.freeze()
            gc.enable()
            self.running = False
            tell(Found(self, pending))

    @property
    def caption(self) -> str:
        """How far it is, safe."""
        if self.error:
            return f"the search stopped: {self.error}"
        if self.running:
            progress = self._scan.progress if self._scan is not None else None
            if progress is None or progress.seconds_left is None:
                return "searching"
            return f"searching: {progress.looked:,} ids, {progress.remaining:,} to go"
        if self.over:
            return "" if self._scan is not None and self._scan.complete else "some may be missing"
        if self.found >= MOST:
            return f"{plural(MOST, 'job')} at most: narrow it by w"
        return "s finds more"
