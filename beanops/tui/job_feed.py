"""`Feed`: one search for the jobs of a tube, a page at a time; it runs in a thread and tells by messages."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import NamedTuple

from textual.message import Message

from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.widgets.job_rows import JobRow, Summaries
from beanops.ui import defaults

#: Jobs found, and ids looked at, after which a page is full.
PAGE, LOOKED = 1000, 200_000
#: Jobs that a list holds at most, and bytes of their bodies.
MOST_BYTES = 64 * 2**20
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
    reader : Summaries
        Reads the bodies.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    over : bool
        Whether there is no more to find.
    error : str
        Why it stopped, safe; empty for no fault.
    """

    def __init__(self, wanted: Wanted, reader: Summaries) -> None:
        self.wanted = wanted
        self.running = True
        self.over = False
        self.error = ""
        self._reader = reader
        self._found, self._bytes = 0, 0
        self._stopped = False
        # How many ids may have been looked at when the page under way is full, and whether that ended it.
        self._until: int | None = None
        self._page_ended = False
        self._scan: Scan | None = None

    def stop(self) -> None:
        """End it after the block under way."""
        self._stopped = True
        if self._scan is not None:
            self._scan.cancel()

    def go_on(self) -> None:
        """Say that it is about to run again; a stop counts from now on."""
        self.running, self._stopped, self.error = True, False, ""

    @property
    def found(self) -> int:
        """How many jobs it has found so far."""
        return self._found

    @property
    def looked(self) -> int:
        """How many ids it has looked at so far."""
        return self._scan.progress.looked if self._scan is not None else 0

    @property
    def full(self) -> bool:
        """Whether the list holds no more."""
        return self._found >= defaults.MOST_FOUND or self._bytes >= MOST_BYTES

    def run(self, session: Session, tell: Callable[[Message], object], *, page: bool) -> None:
        """Look for jobs until the page is full, or to the end; blocks on the network."""
        pending: list[JobRow] = []
        told, before = time.monotonic(), self._found
        # A collection looks at every row there is, for a tenth of a second, and none of them is ever garbage.
        gc.disable()
        try:
            if self._scan is None:
                wanted = self.wanted
                self._scan = session.scan(
                    wanted.tube,
                    state=wanted.state,
                    where=wanted.where,
                    order=wanted.order,
                    limit=defaults.MOST_FOUND,
                    progress=self._reported,
                )
            scan = self._scan
            self._page_ended, self._until = False, scan.progress.looked + LOOKED if page else None
            if self._stopped:  # before there was anything to cancel
                return
            for batch in scan:
                rows = [JobRow(job, self._reader) for job in batch]
                pending += rows
                self._found += len(rows)
                self._bytes += sum(len(row.body or b"") for row in rows)
                if time.monotonic() - told >= PAUSE:
                    tell(Found(self, pending))
                    pending, told = [], time.monotonic()
                if self._stopped or self.full or (page and self._found - before >= PAGE):
                    break
            else:
                self.over = not (self._stopped or self._page_ended or self.full)
        except BeanopsError as error:
            self.error = safe_text(str(error))
        finally:
            gc.freeze()
            gc.enable()
            self.running = False
            tell(Found(self, pending))

    def _reported(self, progress: Progress) -> None:
        # Where jobs are few and far between no batch comes for long: the page ends by what was looked at.
        if self._scan is not None and self._until is not None and progress.looked >= self._until:
            self._page_ended = True
            self._scan.cancel()

    @property
    def caption(self) -> str:
        """How far it is, and how many jobs were left out of which the predicate cannot tell; safe."""
        return "; ".join(filter(None, (self._how_far, self.left_out)))

    @property
    def left_out(self) -> str:
        """How many jobs were left out because a predicate reads what could not be decoded; empty for none."""
        undecoded = self._scan.undecoded if self._scan is not None else 0
        return f"{undecoded:,} left out: not decoded" if undecoded else ""

    @property
    def _how_far(self) -> str:
        if self.error:
            return f"the search stopped: {self.error}"
        if self.running:
            progress = self._scan.progress if self._scan is not None else None
            if progress is None or progress.seconds_left is None:
                return "searching"
            return f"searching: {progress.looked:,} ids, {progress.remaining:,} to go"
        if self.full:
            most = (
                plural(defaults.MOST_FOUND, "job")
                if self._found >= defaults.MOST_FOUND
                else f"{MOST_BYTES // 2**20} MB of bodies"
            )
            return f"{most} at most: narrow it by w"
        if self.over:
            return self._doubt if self._scan is not None and self._scan.seen_all else "some may be missing"
        return f"s finds more; {self._doubt}" if self._doubt else "s finds more"

    @property
    def _doubt(self) -> str:
        return self._scan.doubt if self._scan is not None else ""
