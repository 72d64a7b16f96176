"""Actions on tubes of several servers: one confirmation for all, then one run for each tube, under one id.

A server that does not answer holds up no other, and is named in the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from beanops.fleet.calls import Call, ServerQuestion
from beanops.fleet.fleet import Fleet
from beanops.journal.records import Refused
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.actions.outcome import Outcome, outcome_of
from beanops.tui.actions.request import Request, Target
from beanops.tui.actions.selected import all_in
from beanops.tui.server_states import TubeOfServer
from beanops.ui.runner import LastAction, Results, Runner


def target_of(places: Iterable[TubeOfServer]) -> Target | None:
    """Return what an action on tubes of several servers is for; None for no tubes."""
    tubes = tuple(places)
    buried = tuple(all_in(one.named, "buried") for one in tubes if one.stats.current_jobs_buried)
    return Target(tuple(one.named for one in tubes), selected=buried, places=tubes) if tubes else None


def carry_out(fleet: Fleet, request: Request, runner: Runner) -> Outcome:
    """Carry out an action on all of its tubes at the same time, and return what came of it.

    Parameters
    ----------
    fleet : Fleet
        Has the servers.
    request : Request
        The action, with `on`.
    runner : Runner
        Knows how far it is, and cancels it.
    """
    undone: LastAction | None = request.answers.get("undone")
    if undone is not None:
        run = fleet.undo(undone.runs[0], progress=lambda made: made.cancel() if runner.cancelled else None)
        return Outcome(safe_text(run.summary), run.complete, results=Results(tuple(run.runs.values())))
    dispatch = fleet._dispatch
    questions = [
        ServerQuestion(f"{one.server} {one.stats.name}", dispatch.member(one.server), _work(request, one, runner))
        for one in request.on
    ]
    id, answers = dispatch.put_actions(questions)
    outcomes = {key: outcome for key, outcome in answers.values.items() if outcome is not None}
    runs = [run for outcome in outcomes.values() for run in outcome.results.runs]
    runs += answers.silent_runs
    errors = [(f"tube {key}", error) for key, error in answers.errors.items()]
    errors += [(f"tube {key}", error) for key, one in outcomes.items() for _, error in one.results.errors]
    results = Results(tuple(runs), tuple(errors), cancelled=runner.cancelled)
    outcome = outcome_of(results, request.offer.name, "tube")
    back = results.undoable
    last = LastAction((id,), back[0].action, sum(run.done for run in back)) if back else LastAction()
    return outcome._replace(last=last)


def _work(request: Request, place: TubeOfServer, runner: Runner) -> Callable[[Session, Call], Any]:
    """Return what is done to one tube; it returns None where the tube has no such jobs."""

    def act(session: Session, call: Call) -> Outcome | None:
        buried = (all_in(place.stats, "buried"),) if place.stats.current_jobs_buried else ()
        part = request.offer.request(session, Target((place.stats,), selected=buried), request.answers)
        if not part.tubes:
            return None
        # As for one server: it may have been restarted while the question stood open.
        if part.number and session.server().id != place.instance:
            raise Refused("nothing done; the server was restarted")
        return request.offer.perform(part._replace(instance=place.instance), runner)

    return act
