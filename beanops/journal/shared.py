"""`SharedJournal`: one journal for several sessions, opened when the first of them needs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


class SharedJournal:
    """A journal that several sessions use, and that none of them closes.

    Parameters
    ----------
    journal : str or Journal
        Its URL, as of `Journal`; or an open one, which whoever opened it closes.

    Examples
    --------
    >>> shared = SharedJournal("sqlite://")
    >>> shared.opened() is shared.opened()
    True
    """

    def __init__(self, journal: str | Journal) -> None:
        self._lock = threading.Lock()
        self._own = isinstance(journal, str)
        self.url = journal if isinstance(journal, str) else journal.url
        self._journal: Journal | None = None if isinstance(journal, str) else journal

    def opened(self) -> Journal:
        """Return the journal; the first call opens it."""
        from beanops.journal.journal import Journal

        with self._lock:
            if self._journal is None:
                self._journal = Journal(self.url)
            return self._journal

    def close(self) -> None:
        """Close the journal, if it was opened."""
        with self._lock:
            if self._own and self._journal is not None:
                self._journal.close()
                self._journal = None
