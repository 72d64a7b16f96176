"""`Feed`: one search for the jobs of a tube, page by page; it runs in a thread and posts messages."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from textual.message import Message

from beanops.jobs.groups import GroupRow
from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.keys import default_key
from beanops.tui.widgets.job_rows import JobRow, Summaries
from beanops.ui import defaults

#: Jobs found, or ids read, after which a page is full.
PAGE, LOOKED = 1000, 200_000
#: Maximum bytes of the bodies in a list.
MOST_BYTES = 64 * 2**20
#: Seconds between two messages.
PAUSE = 0.1


class Wanted(NamedTuple):
    """The jobs to find, as in `Session.scan`."""

    tube: str
    state: str | None = None
    where: str | None = None
    order: str = "newest"
    group: GroupRow | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether not all jobs of its states are wanted."""
        return self.where is not None or self.group is not None

    @property
    def selection(self) -> dict[str, Any]:
        """What selects the jobs of the tube, in whatever order."""
        return {name: value for name, value in self._asdict().items() if name not in ("tube", "order")}


class Found(Message):
    """Jobs were found, or the search has stopped."""

    def __init__(self, feed: Feed, rows: list[JobRow]) -> None:
        super().__init__()
        self.feed = feed
        self.rows = rows


class Feed:
    """A search that can be stopped and continued.

    Parameters
    ----------
    wanted : Wanted
        The jobs to find.
    reader : Summaries
        Summarises the bodies.

    Attributes
    ----------
    running : bool
        Whether it is under way.
    over : bool
        Whether everything was found.
    error : str
        Why it failed, safe; empty if it did not.
    """

    def __init__(self, wanted: Wanted, reader: Summaries, key_of: Callable[[str], str] = default_key) -> None:
        self.wanted = wanted
        self.running = True
        self.over = False
        self.error = ""
        self._reader = reader
        self._key_of = key_of
        self._found, self._bytes = 0, 0
        self._stopped = False
        # The number of ids read after which the current page is full, and whether that ended it.
        self._until: int | None = None
        self._page_ended = False
        self._scan: Scan | None = None

    def stop(self) -> None:
        """Stop after the current block."""
        self._stopped = True
        if self._scan is not None:
            self._scan.cancel()

    def go_on(self) -> None:
        """Prepare to run again."""
        self.running, self._stopped, self.error = True, False, ""

    @property
    def found(self) -> int:
        """The number of jobs found so far."""
        return self._found

    @property
    def looked(self) -> int:
        """The number of ids read so far."""
        return self._scan.progress.looked if self._scan is not None else 0

    @property
    def full(self) -> bool:
        """Whether the list is full."""
        return self._found >= defaults.MOST_FOUND or self._bytes >= MOST_BYTES

    def run(self, session: Session, tell: Callable[[Message], object], *, page: bool) -> None:
        """Find jobs until the page is full, or all of them; blocks on the network."""
        pending: list[JobRow] = []
        posted, before = time.monotonic(), self._found
        # A garbage collection would visit every row, for a tenth of a second, and free none.
        gc.disable()
        try:
            if self._scan is None:
                wanted = self.wanted
                self._scan = session.scan(
                    wanted.tube,
                    state=wanted.state,
                    where=wanted.where,
                    group=wanted.group,
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
                if time.monotonic() - posted >= PAUSE:
                    tell(Found(self, pending))
                    pending, posted = [], time.monotonic()
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
        # Where matching jobs are rare no batch comes for long: the page ends by the number of ids read.
        if self._scan is not None and self._until is not None and progress.looked >= self._until:
            self._page_ended = True
            self._scan.cancel()

    @property
    def caption(self) -> str:
        """The progress, and the number of jobs that the predicate cannot judge; safe."""
        return "; ".join(filter(None, (self._how_far, self.left_out)))

    @property
    def left_out(self) -> str:
        """The number of jobs skipped because the predicate needs a decoded body; empty for none."""
        undecoded = self._scan.undecoded if self._scan is not None else 0
        return f"{undecoded:,} skipped: not decoded" if undecoded else ""

    @property
    def _how_far(self) -> str:
        if self.error:
            return f"search failed: {self.error}"
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
            return f"list is full ({most}): narrow it with {self._key_of('tube.where')}"
        if self.over:
            return self._doubt if self._scan is not None and self._scan.seen_all else "some may be missing"
        more = f"{self._key_of('tube.more')} finds more"
        return f"{more}; {self._doubt}" if self._doubt else more

    @property
    def _doubt(self) -> str:
        return self._scan.doubt if self._scan is not None else ""
