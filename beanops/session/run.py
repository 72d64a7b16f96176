"""What one call did: the counts and rows that every verb returns, and the way to stop it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from beanops.session.record import Action, actions_frame
from beanops.session.show import run_html

if TYPE_CHECKING:
    import pandas


class Run:
    """One call of a verb, with the fate of everything it was asked for.

    Attributes
    ----------
    id : str
        Its name in the journal, which sorts by time.
    action : str
        The verb.
    dry : bool
        Whether it only says what it would do; then `skipped` and `done` tell what would be.
    reasons : dict
        Why actions were not done: how often, and on what first.
    stopped : str or None
        Why it ended early, such as a lost connection or a cancel; what it had not reached is not counted.
        ``beanops resume`` goes on with it.
    """

    def __init__(self, id: str, action: str, rows: Callable[[], list[Action]], dry: bool = False) -> None:
        self.id = id
        self.action = action
        self.dry = dry
        self.stopped: str | None = None
        self.reasons: dict[str, tuple[int, str]] = {}
        self._counts: Counter[str] = Counter()
        self._cancelled = threading.Event()
        self._rows = rows

    def cancel(self) -> None:
        """End the run after the batch under way; from any thread."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def count(self, outcome: str, error: str | None = None, jobs: int = 1, about: str = "") -> None:
        """Count an action that ended in `outcome`, on `about` such as ``"job 5"``."""
        self._counts[outcome] += jobs
        if error is not None:
            times, first = self.reasons.get(error, (0, about))
            self.reasons[error] = (times + 1, first)

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
        """The rows of the journal."""
        return self._rows()

    @property
    def outcomes(self) -> pandas.DataFrame:
        """The rows of the journal as a frame, with the columns of `Session.actions`."""
        return actions_frame(self.rows)

    @property
    def ids(self) -> list[int]:
        """The ids of the jobs that were acted on, or put."""
        return [row.job_id for row in self.rows if row.job_id is not None and row.outcome == "done"]

    @property
    def summary(self) -> str:
        """One line that says what came of it, with the commonest reasons why something was not done."""
        counts = [f"{n} {outcome}" for outcome, n in self._counts.items() if n and outcome != "done"]
        line = f"{self.action}: {', '.join([f'{self.done} {self._done}', *counts])}"
        reasons = sorted(self.reasons.items(), key=lambda reason: -reason[1][0])
        shown = [
            f"{first}: {error}" if n == 1 else f"{n} times, first {first}: {error}" for error, (n, first) in reasons
        ]
        if shown:
            more = f"; and {len(shown) - 2} other reasons" if len(shown) > 2 else ""
            line += f" ({'; '.join(shown[:2])}{more})"
        return f"{line}; stopped: {self.stopped}" if self.stopped else line

    @property
    def _done(self) -> str:
        return "would be done" if self.dry else "done"

    _repr_html_ = run_html

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.summary}>"
