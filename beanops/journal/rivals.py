"""Two runs that do the same at once: each sees in the journal what the other has begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from beanops.journal.records import RunRow

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


class Rivals:
    """Runs that do what another is about to do: of two at once, each sees in the journal what the other has begun.

    Parameters
    ----------
    journal : Journal
        Where they are on record.
    runs : callable
        Returns them, whenever they began.
    """

    def __init__(self, journal: Journal, runs: Callable[[], list[RunRow]]) -> None:
        self._journal = journal
        self._runs = runs
        self._before = self._sizes()

    def _sizes(self) -> dict[str, int]:
        return {row.id: self._journal.size(row.id) for row in self._runs()}

    def meanwhile(self, own: str) -> str | None:
        """Return the id of one but the run `own` that has gone on since, None when none has."""
        return next((id for id, size in self._sizes().items() if id != own and size != self._before.get(id, 0)), None)
