"""Detect two runs that do the same at the same time, by what each of them has recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from beanops.journal.records import RunRow

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


class Rivals:
    """Runs that do the same as the run that is about to begin.

    Parameters
    ----------
    journal : Journal
        The journal that records them.
    runs : callable
        Returns these runs, whenever they began.
    """

    def __init__(self, journal: Journal, runs: Callable[[], list[RunRow]]) -> None:
        self._journal = journal
        self._runs = runs
        self._before = self._sizes()

    def _sizes(self) -> dict[str, int]:
        return {row.id: self._journal.size(row.id) for row in self._runs()}

    def active(self, own: str) -> str | None:
        """Return the id of a run other than `own` that has acted since, None when there is none."""
        return next((id for id, size in self._sizes().items() if id != own and size != self._before.get(id, 0)), None)
