"""`Run`: what one call of a verb did, with counts, rows and a way to cancel it."""

from __future__ import annotations

import queue
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

from beanops.jobs.identity import JobRef
from beanops.jobs.refs import JobRefs, refs_of
from beanops.journal.records import Action, Intent
from beanops.protocol.errors import BeanopsError
from beanops.session.execution.undoable import why_lasting
from beanops.text import inflected, plural, safe_text

if TYPE_CHECKING:
    import pandas

    from beanops.journal.journal import Page

#: Rows of a dry run's sample, and reasons that are shown one by one.
_SAMPLE = 10
#: How a summary calls jobs that are as an edit would make them.
UNCHANGED = "unchanged"


class Run:
    """One call of a verb, with the outcome of each of its actions.

    Attributes
    ----------
    id : str
        Its id in the journal; ids sort by time.
    instance : str
        The server process that it acted on; empty for a dry run.
    action : str
        The verb.
    dry : bool
        Whether it changed nothing; `done` and `skipped` then count what would be.
    reasons : dict
        Why actions were not done: each reason with the number of actions and the first job.
    besides : str or None
        A note on what is not part of the run, such as another run that did the rest.
    named : int
        Number of ids or bodies that were given; 0 for a tube, whose jobs are found during the run.
    caution : str or None
        What of it can be undone only in part, and why.
    capable : bool
        Whether the server is known to support every command that the run needs.
    buries_again : bool
        Whether undoing it has to bury jobs, which this server cannot do in a tube that workers watch.
    stopped : str or None
        Why it ended early, such as a lost connection; counts leave out jobs that it did not reach.
    resumable : bool
        Whether `Session.resume` can resume it if it ends early.
    about : dict
        Its ``tube``, for a whole tube, its destination ``server``, the names of its ``groups``, and ``bodies`` where it
        keeps none, if it has these.
    bodies : bool
        Whether the journal has the bodies of the jobs that it deletes; True where it does more than delete.
    pages : callable
        Reads its actions in columns, newest first.
    cause : BeanopsError or None
        The error that ended it early, if any.
    sample : list of Intent
        Of a dry run: the first actions, with tube, id, state, priority and redacted body.
    commands : int
        Of a dry run: the maximum number of commands.
    """

    def __init__(self, id: str, action: str, rows: Callable[[], list[Action]], dry: bool = False) -> None:
        self.id = id
        self.instance = ""
        self.action = action
        self.dry = dry
        self.besides: str | None = None
        self.caution: str | None = None
        self.buries_again = False
        self.named = 0
        self.capable = False
        self.stopped: str | None = None
        self.resumable = False
        self.about: dict[str, Any] = {}
        self.bodies = True
        self.pages: Callable[[], Iterable[Page]] = tuple
        self.cause: BeanopsError | None = None
        self.reasons: dict[str, tuple[int, str]] = {}
        self.sample: list[Intent] = []
        self._counts: Counter[str] = Counter()
        # The same counts as the journal has them, and the reasons before the outcomes that it lacks.
        self._noted: Counter[str] = Counter()
        self._reasons_noted: dict[str, tuple[int, str] | None] = {}
        self.commands = 0
        self._pauses: set[str] = set()
        self._would = JobRefs(array("Q"), [], [], array("d"))
        self._cancelled = False
        # A handler of signals may put something into a simple queue at any moment. It could not set a `threading.Event`
        # while `wait` has its lock: both would wait forever.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stop_looking: Callable[[], None] = lambda: None
        self._rows = rows

    def cancel(self) -> None:
        """End the run after the current batch; from any thread, and from a handler of signals."""
        self._cancelled = True
        self._wake.put(None)
        self.stop_looking()

    def stop_looking(self) -> None:
        """End a search for more jobs, which may take long."""
        self._stop_looking()

    def stop(self, cause: BeanopsError) -> None:
        """Note the error that ended it early."""
        self.cause = cause
        self.stopped = f"{cause}; {self.stopped}" if self.stopped else str(cause)

    def when_cancelled(self, stop_looking: Callable[[], None]) -> None:
        """Set the function that ends a search for more jobs."""
        self._stop_looking = stop_looking

    def wait(self, seconds: float) -> None:
        """Wait for some seconds, or until it is cancelled."""
        if seconds > 0 and not self._cancelled:
            with suppress(queue.Empty):
                self._wake.get(timeout=seconds)

    def preview(self, intent: Intent, commands: int, pauses: str | None = None, job: JobRef | None = None) -> None:
        """Note an action of a dry run: its job, its number of commands, and the tube that it would pause."""
        if len(self.sample) < _SAMPLE:
            self.sample.append(intent)
        if job is not None:
            self._would.append(job)
        self.commands += commands
        if pauses is not None:
            self._pauses.add(pauses)

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def count(self, outcome: str, error: str | None = None, jobs: int = 1, about: str = "") -> None:
        """Count an action that ended in `outcome`, on `about` such as ``"job 5"``."""
        self._counts[outcome] += jobs
        if error is not None:
            known = self.reasons.get(error)
            self._reasons_noted.setdefault(error, known)
            times, first = known or (0, about)
            self.reasons[error] = (times + 1, first)

    def recorded(self) -> None:
        """Note that the journal has all outcomes counted so far."""
        self._noted = self._counts.copy()
        self._reasons_noted.clear()

    def forget_unrecorded(self) -> None:
        """Forget the outcomes counted since `recorded`: the journal does not have them."""
        self._counts = self._noted.copy()
        for error, noted in self._reasons_noted.items():
            del self.reasons[error]
            if noted is not None:
                self.reasons[error] = noted
        self._reasons_noted.clear()

    def count_as(self, counts: Counter[str]) -> None:
        """Set the counts to those of the journal."""
        self._counts = counts.copy()

    @property
    def done(self) -> int:
        """Actions that were done."""
        return self._counts["done"]

    @property
    def skipped(self) -> int:
        """Actions that were skipped: the job did not exist, was reserved, or was in another state."""
        return self._counts["skipped"]

    @property
    def unchanged(self) -> int:
        """Jobs of an edit that needed no change."""
        return self._counts[UNCHANGED]

    @property
    def failed(self) -> int:
        """Actions that the server refused."""
        return self._counts["failed"]

    @property
    def unknown(self) -> int:
        """Actions without an answer from the server."""
        return self._counts["unknown"]

    @property
    def counted(self) -> int:
        """Actions of any outcome."""
        return self._counts.total()

    @property
    def complete(self) -> bool:
        """Whether all actions were done."""
        return self.stopped is None and not (self.skipped or self.failed or self.unknown)

    @property
    def lasting(self) -> str | None:
        """Why it cannot be undone; None if `Session.undo` can undo it."""
        if self.dry or not self.id:
            return "it is not in the journal"
        return why_lasting(self.action, self.about, done=self.done, bodies=self.bodies)

    @property
    def rows(self) -> list[Action]:
        """Its actions in the journal, as records."""
        return self._rows()

    @property
    def outcomes(self) -> pandas.DataFrame:
        """Its actions as a frame, one row per action, with the columns of `Session.actions`."""
        from beanops.journal.frames import actions_frame

        return actions_frame(self.pages(), slice(None, None, -1))

    @property
    def ids(self) -> list[int]:
        """The ids of the jobs that it changed or put; of a dry run, those that it would change."""
        return list(self.refs.ids)

    @property
    def refs(self) -> JobRefs:
        """The same jobs with server process and tube: a verb that takes them skips reused ids."""
        if self.dry:
            return self._would
        return refs_of(
            [
                JobRef(row.id, row.instance, row.tube)
                for row in self.rows
                if row.id is not None and row.outcome == "done"
            ]
        )

    @property
    def summary(self) -> str:
        """One line with the counts and the two most frequent reasons for what was not done."""
        counts = [f"{n:,} {outcome}" for outcome, n in self._counts.items() if n and outcome != "done"]
        line = f"{self.action}: {', '.join([f'{self.done:,} {self._done}', *counts])}"
        reasons = sorted(self.reasons.items(), key=lambda reason: -reason[1][0])
        shown = [
            f"{first}: {error}" if n == 1 else f"{n:,} times, first {first}: {error}" for error, (n, first) in reasons
        ]
        if shown:
            more = f"; and {plural(len(shown) - 2, 'other reason')}" if len(shown) > 2 else ""
            line += f" ({'; '.join(shown[:2])}{more})"
        besides = "".join(f"; {more}" for more in (self.besides, self.dry and self.done and self.caution) if more)
        return line + besides + (f"; stopped: {self.stopped}" if self.stopped else "")

    @property
    def cost(self) -> str:
        """Of a dry run: the number of commands and the pauses, in one line."""
        line = f"up to {plural(self.commands, 'command')}"
        return f"{line}; buried jobs are reserved for a moment, {self.pausing}" if self._pauses else line

    @property
    def pauses(self) -> list[str]:
        """Of a dry run: the tubes that it would pause if workers watch them."""
        return sorted(self._pauses)

    @property
    def pausing(self) -> str:
        """The same in words; empty if there are none."""
        more = f" and {len(self._pauses) - _SAMPLE:,} more" if len(self._pauses) > _SAMPLE else ""
        tubes = f"{inflected(len(self._pauses), 'tube')} {', '.join(self.pauses[:_SAMPLE])}{more}"
        return f"pausing {tubes} for that time if workers watch" if self._pauses else ""

    @property
    def _done(self) -> str:
        return "would be done" if self.dry else "done"

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.summary}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(safe_text(error))}</td><td>{times:,}</td><td>{escape(safe_text(first))}</td></tr>"
            for error, (times, first) in list(self.reasons.items())[:_SAMPLE]
        )
        table = f"<table><tr><th>reason</th><th>times</th><th>first</th></tr>{rows}</table>" if rows else ""
        more = f"<p>{len(self.reasons) - _SAMPLE:,} more reasons</p>" if len(self.reasons) > _SAMPLE else ""
        return f"<p><b>{escape(safe_text(self.summary))}</b><br>run {escape(self.id)}</p>{table}{more}"
