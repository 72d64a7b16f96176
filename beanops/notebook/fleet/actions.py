"""Actions on tubes of several servers: all at the same time, as one run each under one id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.fleet.calls import Call, ServerQuestion
from beanops.fleet.fleet import Fleet
from beanops.session.config import Profile
from beanops.session.session import Session
from beanops.ui.confirmation import strictest_of
from beanops.ui.runner import Progress, Results, Runner, Step

if TYPE_CHECKING:
    from beanops.session.execution.run import Run


class ServerStep(NamedTuple):
    """One call of a verb on one of several servers.

    Attributes
    ----------
    server : str
        The server's name.
    target : str
        What it acts on, for an error.
    work : callable
        Calls the verb of a session with the given progress callback.
    """

    server: str
    target: str
    work: Callable[[Session, Progress], Run]


class SeveralServersRunner(Runner):
    """Carries out steps on several servers at the same time; one that is silent holds up no other.

    Parameters
    ----------
    fleet : Fleet
        The servers.
    todo : sequence of ServerStep
        What to do.
    on_progress : callable
        As for a `Runner`.
    """

    def __init__(self, fleet: Fleet, todo: Sequence[ServerStep], on_progress: Progress | None = None) -> None:
        super().__init__(on_progress)
        self._fleet = fleet
        self._todo = todo

    def carry_out(self, steps: Sequence[Step]) -> Results:
        """Carry out what it was made for."""
        dispatch = self._fleet._dispatch
        questions = [
            ServerQuestion(one.target, dispatch.member(one.server), self._work(one.work)) for one in self._todo
        ]
        _, answers = dispatch.put_actions(questions)
        runs = [*answers.values.values(), *answers.silent_runs]
        return Results(tuple(runs), tuple(answers.errors.items()), cancelled=self.cancelled)

    def _work(self, work: Callable[[Session, Progress], Run]) -> Callable[[Session, Call], Run]:
        return lambda session, call: work(Session(session._context, "notebook", call), self.progress)


class FleetUndo:
    """What undoes a run on whichever of several servers it was.

    Parameters
    ----------
    fleet : Fleet
        The servers.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    @property
    def profile(self) -> Profile:
        """The rules that protect an action on all servers: those of the strictest."""
        return strictest_of(self._fleet.profiles.values())

    def undo(self, run: str, **options: Any) -> Run:
        """Undo a run by its id; see `Session.undo`."""
        progress = options.pop("progress", None)
        undone = self._fleet.undo(run, progress=False, **options)
        for error in undone.errors.values():
            raise error
        (mine,) = undone.runs.values()
        if progress is not None:
            progress(mine)
        return mine
