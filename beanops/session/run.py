"""What one call did: the counts and rows that every verb returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from beanops.session.record import Action, actions_frame

if TYPE_CHECKING:
    import pandas


class Run:
    """One call of a verb, with the fate of everything it was asked for.

    Attributes
    ----------
    id : str
        Its name in the record, which sorts by time.
    action : str
        The verb.
    stopped : str or None
        Why the run ended early, such as a lost connection; what it had not reached is not counted.
    """

    def __init__(self, id: str, action: str, rows: Callable[[], list[Action]]) -> None:
        self.id = id
        self.action = action
        self.stopped: str | None = None
        self._counts: Counter[str] = Counter()
        self._rows = rows

    def count(self, outcome: str, times: int = 1) -> None:
        """Count `times` actions that ended in `outcome`."""
        self._counts[outcome] += times

    @property
    def done(self) -> int:
        """Actions that were done."""
        return self._counts["done"]

    @property
    def skipped(self) -> int:
        """Actions that were left out: the job was gone, taken or in the wrong state."""
        return self._counts["skipped"]

    @property
    def failed(self) -> int:
        """Actions that the server refused."""
        return self._counts["failed"]

    @property
    def unknown(self) -> int:
        """Actions whose answer never came."""
        return self._counts["unknown"]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done."""
        return self.stopped is None and not (self.skipped or self.failed or self.unknown)

    @property
    def rows(self) -> list[Action]:
        """The rows of the record."""
        return self._rows()

    @property
    def outcomes(self) -> pandas.DataFrame:
        """The rows of the record as a frame, with the columns of `Session.actions`."""
        return actions_frame(self.rows)

    @property
    def ids(self) -> list[int]:
        """The ids of the jobs that were acted on, or put."""
        return [row.job_id for row in self.rows if row.job_id is not None and row.outcome == "done"]

    @property
    def summary(self) -> str:
        """One line that says what came of it, with the reason of the first action that was not done."""
        counts = [f"{n} {outcome}" for outcome, n in self._counts.items() if n and outcome != "done"]
        line = f"{self.action}: {', '.join([f'{self.done} done', *counts])}"
        first = next((row for row in self.rows if row.error), None)
        if first is not None:
            about = f"job {first.job_id}" if first.job_id is not None else f"tube {first.tube}"
            line += f" ({about}: {first.error})"
        return f"{line}; stopped: {self.stopped}" if self.stopped else line

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.summary}>"
