"""The actions of a view: one at a time, with progress, a way to cancel, and undo; reported in a part of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from beanops.notebook.widgets.channel import in_words
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.ui.confirmation import Confirmation, confirmation
from beanops.ui.defaults import REPORT_INTERVAL
from beanops.ui.runner import BuriedAs, LastAction, Results, Runner, Step, undo_steps

#: Seconds that a click waits for its action: most are over then, and what comes next finds them done.
PATIENCE = 0.2


class Reporting(Protocol):
    """A part of a view that reports actions, such as a table."""

    def say(self, line: str, text: str, tone: str = "") -> None:
        """Set a line of text."""

    def offer(self, name: str, label: str = "", keys: Sequence[str] = (), needed: Confirmation | None = None) -> None:
        """Show a button, or hide it."""


class ViewActions:
    """Carries out the actions of a view.

    Clicks are carried out in a thread: during a long run the kernel still hears that it is to be cancelled.

    Parameters
    ----------
    part : Reporting
        Shows the status line, the progress and the undo button.
    session : Session
        Reverts runs.
    done : callable
        Called with the runs when they are over.
    """

    def __init__(self, part: Reporting, session: Session, done: Callable[[Sequence[Run]], None]) -> None:
        self._part = part
        self._session = session
        self._done = done
        self._busy = threading.Lock()
        self._runner = Runner()
        self._name = ""
        self._reported = 0.0
        self._thread: threading.Thread | None = None
        self._last = LastAction()

    @property
    def runner(self) -> Runner:
        """What carries out the last action, or the one under way."""
        return self._runner

    def act(self, name: str, *steps: Step, runner: Runner | None = None) -> list[Run]:
        """Carry out steps one after the other, and raise the first error when all were tried.

        A `runner` of the caller's own reports its progress itself.

        Raises
        ------
        UsageError
            Another action is under way.
        """
        self._begin(name, runner)
        results = self._carry_out(steps)
        results.check()
        return list(results.runs)

    def act_soon(self, name: str, *steps: Step, runner: Runner | None = None) -> None:
        """Carry out steps in a thread, as `act` does; errors are shown in the status line."""
        self._begin(name, runner)
        self._thread = threading.Thread(target=self._carry_out, args=(steps,), name="beanops-act", daemon=True)
        self._thread.start()
        self._thread.join(PATIENCE)

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Undo the last action; see `Session.undo` for `buried_as`.

        Raises
        ------
        UsageError
            There is nothing to undo.
        """
        if not self._last.runs:
            raise UsageError(self._last.why_not)
        return self.act("undo", *undo_steps(self._session, self._last.runs, buried_as))

    def undo_soon(self, runs: Sequence[str]) -> None:
        """Undo the runs of an undo button, as its label says."""
        parked: Literal["parked"] | None = "parked" if self._last.buries_again else None
        self.act_soon("undo", *undo_steps(self._session, runs, parked))

    def cancel(self) -> None:
        """End the action under way after its batch."""
        self._runner.cancel()

    def wait(self) -> None:
        """Wait until the action of a click is over."""
        if self._thread is not None:
            self._thread.join()

    def _begin(self, name: str, runner: Runner | None) -> None:
        if not self._busy.acquire(blocking=False):
            raise UsageError(f"{name} was refused: {self._name} is still under way; wait for it or cancel it")
        self._name = name
        self._runner = Runner(self._progress) if runner is None else runner

    def _carry_out(self, steps: Sequence[Step]) -> Results:
        try:
            results = self._runner.carry_out(steps)
            self._part.say("progress", "")
            self._report(results)
            return results
        finally:
            self._busy.release()

    def _progress(self, run: Run) -> None:
        if time.monotonic() - self._reported >= REPORT_INTERVAL:
            self._reported = time.monotonic()
            left_out = run.skipped + run.failed + run.unknown
            self._part.say("progress", f"{run.action}: {run.done:,} done" + (f", {left_out:,} not" if left_out else ""))

    def _report(self, results: Results) -> None:
        runs = results.runs
        said = [*(run.summary for run in runs), *(in_words(error) for _, error in results.errors)]
        if stopped := results.stopped("step"):
            said.append(f"stopped: {stopped}")
        failed = bool(results.errors) or any(run.failed or run.unknown or run.stopped for run in runs)
        tone = "error" if failed else "done" if results.complete else "warning"
        self._offer_undo(results)
        if said:
            self._part.say("status", "; ".join(said), tone)
        if runs:
            try:
                self._done(runs)
            except Exception as error:  # the action is done, and its result must not be lost for that
                said.append(f"cannot show the result: {in_words(error)}")
                self._part.say("status", "; ".join(said), tone)

    def _offer_undo(self, results: Results) -> None:
        last = self._last = self._last.after(results)
        # A server that cannot bury jobs again beside workers can park them.
        parked = ", buried jobs parked" if last.buries_again else ""
        needed = confirmation("undo", last.jobs, self._session.profile, undoes=last.action)
        self._part.offer("undo", f"Undo {last.what}{parked}" if last.runs else "", last.runs, needed)
