"""One action under way: its steps one after the other, how far it is, how to cancel it, and what of it can be undone.

It knows no face: the caller shows the progress and chooses the thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from beanops.protocol.errors import BeanopsError, ConnectFailed
from beanops.session.session import Session
from beanops.text import plural

if TYPE_CHECKING:
    from beanops.session.execution.run import Run

#: What a verb calls with its run before the first batch, and after each.
Progress = Callable[["Run"], None]
#: What buried jobs become where a server cannot bury them.
BuriedAs = Literal["parked", "ready"]

#: The outcomes of single jobs, in the order in which faces show them.
OUTCOMES = ("done", "skipped", "failed", "unknown")


class Step(NamedTuple):
    """One call of a verb.

    Attributes
    ----------
    target : str
        What it acts on, for an error, such as ``"tube mail"``.
    call : callable
        Calls the verb with the given progress callback, and returns its run.
    undoes : str
        Id of the run that it undoes, if it does.
    """

    target: str
    call: Callable[[Progress], Run]
    undoes: str = ""


class Results(NamedTuple):
    """What came of an action.

    Attributes
    ----------
    runs : tuple of Run
        One for each step that began.
    errors : tuple of (str, BaseException)
        The targets whose step could not begin, with the reason.
    left : int
        Steps that were not tried.
    cancelled : bool
        Whether the user ended the action early.
    undone : tuple of str
        Ids of the runs that it undid to their end.
    """

    runs: tuple[Run, ...] = ()
    errors: tuple[tuple[str, BaseException], ...] = ()
    left: int = 0
    cancelled: bool = False
    undone: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs ended in each outcome."""
        return counts_of(self.runs)

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was done."""
        return not self.errors and not self.left and all(run.complete for run in self.runs)

    @property
    def undoable(self) -> tuple[Run, ...]:
        """The runs that `Session.undo` can revert."""
        return tuple(run for run in self.runs if run.lasting is None and run.done)

    @property
    def buries_again(self) -> bool:
        """Whether undoing it buries jobs, which this server cannot do in a tube that workers watch."""
        return any(run.buries_again for run in self.undoable)

    def stopped(self, noun: str) -> str:
        """Return why steps were not tried, empty where all were; `noun` is what each step was for."""
        if not self.left:
            return ""
        rest = plural(self.left, noun)
        if self.cancelled:
            return f"cancelled before {rest}"
        lost = any(isinstance(error, ConnectFailed) for _, error in self.errors)
        return f"the server is lost, with {rest} to go" if lost else f"{rest} not tried"

    def check(self) -> None:
        """Raise the first error."""
        for _, error in self.errors:
            raise error


class LastAction(NamedTuple):
    """What an undo without further words reverts: the last action that changed something.

    Attributes
    ----------
    runs : tuple of str
        Ids of its runs, in the order in which they were carried out.
    action : str
        Its verb.
    jobs : int
        How many jobs it changed.
    buries_again : bool
        As in `Results`.
    why_not : str
        Why there is nothing to undo, where there are no runs.
    """

    runs: tuple[str, ...] = ()
    action: str = ""
    jobs: int = 0
    buries_again: bool = False
    why_not: str = "nothing to undo"

    @property
    def what(self) -> str:
        """The action in words, such as ``kick (3)``."""
        return f"{self.action} ({self.jobs:,})"

    def after(self, results: Results) -> LastAction:
        """Return the last action once another one is over.

        An undo leaves the runs that it did not undo to their end, so that it can be continued. An action that did
        nothing leaves the one before it.
        """
        done = [run for run in results.runs if run.done]
        if done and done[0].action == "undo":
            runs = tuple(run for run in self.runs if run not in results.undone)
            return self._replace(runs=runs) if runs else LastAction()
        if results.undoable:
            back = results.undoable
            jobs = sum(run.done for run in back)
            return LastAction(tuple(run.id for run in back), back[0].action, jobs, results.buries_again)
        if done:
            return LastAction(why_not=f"nothing to undo: {done[-1].action}: {done[-1].lasting}")
        return self


class Runner:
    """Carries out one action; any thread may follow its progress or cancel it.

    Parameters
    ----------
    on_progress : callable or None
        Called with the run after each batch, in the thread that carries it out.

    Attributes
    ----------
    runs : dict of str to Run
        The runs that have begun, by id.
    cancelled : bool
        Whether `cancel` was called.
    note : str
        How far it is in words, safe, where numbers of jobs do not say it.
    """

    def __init__(self, on_progress: Progress | None = None) -> None:
        self._on_progress = on_progress
        self.runs: dict[str, Run] = {}
        self.cancelled = False
        self.note = ""

    def carry_out(self, steps: Sequence[Step]) -> Results:
        """Carry out steps one after the other; one that fails does not keep the others from being tried.

        A lost server, a fault of beanops and an interrupt end the action. Nothing is raised: see `Results.check`.
        """
        runs: list[Run] = []
        undone: list[str] = []
        errors: list[tuple[str, BaseException]] = []
        tried = 0
        for step in steps:
            if self.cancelled:
                break
            tried += 1
            try:
                run = step.call(self.progress)
            except BaseException as error:  # what the steps before it did is reported all the same
                errors.append((step.target, error))
                if isinstance(error, ConnectFailed) or not isinstance(error, BeanopsError):
                    break
            else:
                runs.append(run)
                if step.undoes and run.done and not run.stopped:
                    undone.append(step.undoes)
        return Results(tuple(runs), tuple(errors), len(steps) - tried, self.cancelled, tuple(undone))

    def progress(self, run: Run) -> None:
        """Note how far a run is; a verb calls it after each batch."""
        self.runs[run.id] = run
        if self.cancelled:
            run.cancel()
        if self._on_progress is not None:
            self._on_progress(run)

    def cancel(self) -> None:
        """End the action after the batch under way."""
        self.cancelled = True
        for run in list(self.runs.values()):
            run.cancel()

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs ended in each outcome so far."""
        return counts_of(list(self.runs.values()))


def counts_of(runs: Iterable[Run]) -> dict[str, int]:
    """Return how many jobs of runs ended in each outcome."""
    found = tuple(runs)
    return {name: sum(getattr(run, name) for run in found) for name in OUTCOMES}


def undo_steps(session: Session, runs: Sequence[str], buried_as: BuriedAs | None = None) -> list[Step]:
    """Return the steps that undo runs, the last one first.

    Parameters
    ----------
    session : Session
        Reverts them.
    runs : sequence of str
        Their ids, in the order in which they were carried out.
    buried_as : {"parked", "ready"} or None
        What buried jobs become, see `Session.undo`; None buries them.
    """
    chosen: dict[str, Any] = {} if buried_as is None else {"buried_as": buried_as}

    def undo(run: str) -> Step:
        return Step(f"run {run}", lambda progress: session.undo(run, progress=progress, **chosen), undoes=run)

    return [undo(run) for run in reversed(runs)]
