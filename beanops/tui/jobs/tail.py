"""`JobTail`: the jobs of a tube as they are put; it runs in a thread and posts messages."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from beanops.protocol.errors import BeanopsError
from beanops.session.investigation.tail import Tail
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.jobs.feed import Wanted
from beanops.tui.widgets.job_rows import JobRow, Summaries

#: Jobs of one message: of more only the newest are shown.
MOST = 2000


class Tailed(Message):
    """Jobs were put, something happened to the connection, or the tail has ended."""

    def __init__(self, tail: JobTail, rows: list[JobRow], notes: list[str]) -> None:
        super().__init__()
        self.tail = tail
        self.rows = rows
        self.notes = notes


class JobTail:
    """A tail of the jobs of one tube.

    Parameters
    ----------
    wanted : Wanted
        The jobs to find, whatever their order.
    reader : Summaries
        Summarises the bodies.

    Attributes
    ----------
    found : int
        The number of new jobs so far.
    error : str
        Why it ended, safe; empty if it goes on, or was stopped.
    """

    def __init__(self, wanted: Wanted, reader: Summaries) -> None:
        self.wanted = wanted
        self.found = 0
        self.error = ""
        self._reader = reader
        self._tail: Tail | None = None
        self._stopped = False

    def stop(self) -> None:
        """End it after the look under way."""
        self._stopped = True
        if self._tail is not None:
            self._tail.cancel()

    def run(self, session: Session, tell: Callable[[Message], object]) -> None:
        """Report jobs as they are put, until it is stopped; blocks on the network."""
        wanted = self.wanted
        try:
            self._tail = tail = session._lookups.tail(wanted.tube, probe=False, **wanted.selection)
            if self._stopped:
                return
            for batch in tail:
                self.found += len(batch.jobs)
                rows = [JobRow(job, self._reader) for job in batch.jobs[-MOST:]]
                tell(Tailed(self, rows, [safe_text(note) for note in batch.notes]))
        except BeanopsError as error:
            self.error = safe_text(str(error))
            tell(Tailed(self, [], []))

    @property
    def begun(self) -> bool:
        """Whether it finds jobs that are put now."""
        return self._tail is not None and self._tail.begun

    @property
    def caption(self) -> str:
        """The number of new jobs, and of those that were put and gone before they could be read."""
        if self._tail is None or not self.begun:
            return "LIVE: starting"
        missed = self._tail.counts.missed
        return f"LIVE: {self.found:,} new" + (f", {missed:,} not seen" if missed else "")
