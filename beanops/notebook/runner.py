"""What a view does for its user: one thing at a time, with progress, a way to cancel it, and undo.

What is done is the view's; where it is said is a `Grid`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.table import Grid
from beanops.protocol.errors import UsageError
from beanops.session.run import Run
from beanops.session.session import Session

#: What buried jobs become where a server cannot bury them.
BuriedAs = Literal["parked", "ready"]
#: One call of a verb; it is given what to call with the run after each batch.
Step = Callable[[Callable[[Run], None]], Run]

#: Seconds between two reports of progress.
PERIOD = 0.25
#: Seconds that a click waits for what it began: most is done by then, and what comes next finds it done.
PATIENCE = 0.2


class Desk:
    """Carries out the actions of a view.

    Clicks are carried out in a thread, or a long run would keep the kernel from hearing that it is to be cancelled.

    Parameters
    ----------
    grid : Grid
        Where the status line, the progress and the offer to undo are.
    session : Session
        Takes back runs.
    done : callable
        Called with the runs when they are over.
    """

    def __init__(self, grid: Grid, session: Session, done: Callable[[Sequence[Run]], None]) -> None:
        self._grid = grid
        self._session = session
        self._done = done
        self._busy = threading.Lock()
        self._cancelled = False
        self._run: Run | None = None
        self._under_way = ""
        self._reported = 0.0
        self._thread: threading.Thread | None = None
        self._undoable: tuple[str, ...] = ()
        self._parks = False
        self._lasting = "this view has done nothing yet, or has undone it"

    def act(self, name: str, *steps: Step) -> list[Run]:
        """Carry out steps one after the other; what is raised ends them.

        Raises
        ------
        UsageError
            Something else is still under way.
        """
        self._begin(name)
        return self._carry_out(steps)

    def act_soon(self, name: str, *steps: Step) -> None:
        """Carry out steps in a thread; what is raised stands in the status line."""
        self._begin(name)

        def run() -> None:
            with suppress(Exception):  # it is told in the status line, and a thread has nobody else to tell
                self._carry_out(steps)

        self._thread = threading.Thread(target=run, name="beanops-act", daemon=True)
        self._thread.start()
        self._thread.join(PATIENCE)

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Take back what was done last; see `Session.undo` for `buried_as`.

        Raises
        ------
        UsageError
            There is nothing to take back.
        """
        if not self._undoable:
            raise UsageError(f"there is nothing to undo: {self._lasting}")
        return self.act("undo", *self.undoing(self._undoable, buried_as or "buried"))

    def undoing(self, runs: Sequence[str], buried_as: BuriedAs | Literal["buried"] | None = None) -> list[Step]:
        """Return the steps that take back runs, the last one first; by default as it was offered."""
        chosen = buried_as or ("parked" if self._parks else "buried")
        return [partial(self._take_back, run, None if chosen == "buried" else chosen) for run in reversed(runs)]

    def _take_back(self, run: str, buried_as: BuriedAs | None, progress: Callable[[Run], None]) -> Run:
        chosen: dict[str, Any] = {} if buried_as is None else {"buried_as": buried_as}
        return self._session.undo(run, progress=progress, **chosen)

    def cancel(self) -> None:
        """End what is under way after the batch that it is in."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    def wait(self) -> None:
        """Wait until what a click began is over."""
        if self._thread is not None:
            self._thread.join()

    def _begin(self, name: str) -> None:
        if not self._busy.acquire(blocking=False):
            raise UsageError(f"{name} was refused: {self._under_way} is still under way; wait for it or cancel it")
        self._under_way = name
        self._cancelled = False

    def _carry_out(self, steps: Sequence[Step]) -> list[Run]:
        runs: list[Run] = []
        problem: BaseException | None = None
        try:
            for step in steps:
                if self._cancelled:
                    break
                runs.append(step(self._progress))
        except BaseException as error:
            problem = error
            raise
        finally:
            self._run = None
            self._grid.say("progress", "")
            try:
                self._tell(runs, problem)  # also of the first ones when one in their midst was refused
            finally:
                self._busy.release()
        return runs

    def _progress(self, run: Run) -> None:
        self._run = run
        if self._cancelled:
            run.cancel()
        if time.monotonic() - self._reported >= PERIOD:
            self._reported = time.monotonic()
            left_out = run.skipped + run.failed + run.unknown
            self._grid.say("progress", f"{run.action}: {run.done:,} done" + (f", {left_out:,} not" if left_out else ""))

    def _tell(self, runs: Sequence[Run], problem: BaseException | None) -> None:
        said = [run.summary for run in runs]
        failed = problem is not None or any(run.failed or run.unknown or run.stopped for run in runs)
        tone = "error" if failed else "done" if all(run.complete for run in runs) else "warning"
        if problem is not None:
            said.append(in_words(problem))
        done = [run for run in runs if run.done]
        back = [run for run in done if run.lasting is None]
        if runs and runs[0].action == "undo":
            cut_off = problem is not None or self._cancelled or any(run.stopped for run in runs)
            if not cut_off:  # else the rest can be taken back later
                self._offer((), "")
        elif back:
            count = sum(run.done for run in back)
            # A server that cannot bury them again beside workers can park them.
            self._parks = any(run.buries_again for run in back)
            parked = ", buried jobs parked" if self._parks else ""
            self._offer([run.id for run in back], f"Undo {back[0].action} ({count:,}{parked})")
        elif done:
            # What was done before it is no longer the last thing that was done.
            self._lasting = f"{done[-1].action}: {done[-1].lasting}"
            self._offer((), "")
        if said:
            self._grid.say("status", "; ".join(said), tone)
        if runs:
            try:
                self._done(runs)
            except Exception as error:  # what was done is done, and must not be lost for that
                said.append(f"what it came to cannot be shown: {in_words(error)}")
                self._grid.say("status", "; ".join(said), tone)

    def _offer(self, runs: Sequence[str], label: str) -> None:
        self._undoable = tuple(runs)
        self._grid.offer("undo", label, self._undoable)
