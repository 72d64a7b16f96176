"""`WhereCheck`: whether a predicate is one, and how many jobs it matches, before it is used. It runs in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.message import Message

from beanops.jobs.search.progress import Progress
from beanops.jobs.search.scan import Scan
from beanops.jobs.sql.complaints import PredicateError
from beanops.jobs.sql.early_end import Cancelled
from beanops.protocol.errors import BeanopsError
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.jobs.feed import Wanted

#: Seconds and ids after which a count ends.
SECONDS, IDS = 5.0, 200_000
#: Seconds between two reports.
PAUSE = 0.1


class WhereChecked(Message):
    """A check has come further, or has ended."""

    def __init__(self, check: WhereCheck) -> None:
        super().__init__()
        self.check = check


class WhereCheck:
    """One predicate that is checked.

    Parameters
    ----------
    wanted : Wanted
        The jobs to find, with the predicate.
    counts : bool
        Whether to count the jobs; else it ends when the predicate proves to be one.

    Attributes
    ----------
    over : bool
        Whether it has ended.
    accepted : bool
        Whether it is a predicate, as far as known before it is evaluated.
    complaint : str
        What is wrong with the predicate, safe; empty for nothing.
    position : int or None
        Where in the predicate, counted from 1.
    """

    def __init__(self, wanted: Wanted, *, counts: bool = True) -> None:
        self.wanted = wanted
        self.over = self.accepted = False
        self.complaint = ""
        self.position: int | None = None
        self._counts = counts
        self._cancelled = self._cut_short = False
        self._found = 0
        self._fault = ""
        self._scan: Scan | None = None
        self._until = 0.0

    def cancel(self) -> None:
        """End it; its result is no longer wanted."""
        self._cancelled = True
        if self._scan is not None:
            self._scan.cancel()

    def run(self, session: Session, tell: Callable[[Message], object]) -> None:
        """Check the predicate, then count; blocks on the network."""
        wanted = self.wanted
        try:
            self._scan = scan = session.scan(wanted.tube, bodies=False, progress=self._reported, **wanted.selection)
            self.accepted = True
            if self._counts and not self._cancelled:
                tell(WhereChecked(self))
                self._count(scan, tell)
        except PredicateError as error:
            self.accepted = False
            self.complaint = safe_text(str(error).removeprefix("the predicate").lstrip(": "))
            self.position = error.position
        except Cancelled:
            pass
        except BeanopsError as error:
            self._fault = safe_text(str(error))
        finally:
            self.over = True
            if not self._cancelled or not self._counts:
                tell(WhereChecked(self))

    def _count(self, scan: Scan, tell: Callable[[Message], object]) -> None:
        self._until = (reported := time.monotonic()) + SECONDS
        for batch in scan:
            self._found += len(batch)
            if time.monotonic() - reported >= PAUSE:
                reported = time.monotonic()
                tell(WhereChecked(self))
            if self._cancelled or self._cut_short:
                return

    def _reported(self, progress: Progress) -> None:
        # Where few jobs match, no batch comes for long.
        if self._scan is not None and (progress.looked >= IDS or time.monotonic() >= self._until > 0):
            self._cut_short = True
            self._scan.cancel()

    @property
    def words(self) -> str:
        """The number of jobs so far, safe."""
        scan = self._scan
        if self._fault:
            return f"not counted: {self._fault}"
        if scan is None or not self._counts:
            return "checking ..."
        match = f"{plural(self._found, 'job')} {'matches' if self._found == 1 else 'match'}"
        if scan.undecoded:
            match += f"; {scan.undecoded:,} not decoded"
        looked = plural(scan.progress.looked, "id")
        if not self.over:
            return f"{match} so far; {looked} searched ..."
        if self._cut_short:
            return f"at least {match}; {looked} of {scan.progress.looked + scan.progress.remaining:,} searched"
        return match if scan.seen_all else f"{match}; some may be missing"
