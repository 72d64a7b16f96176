"""The actions of the dashboard: here those on jobs and on runs, in `on_tubes` those on tubes.

Their keys and words are in `beanops.ui.actions`, the states in which they take jobs in `beanops.session.verbs`.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from beanops.jobs.identity import JobRef
from beanops.session.verbs import ALL
from beanops.text import plural, safe_text
from beanops.tui.actions.on_tubes import TUBES
from beanops.tui.actions.outcome import Outcome, outcome_of
from beanops.tui.actions.request import Field, Offer, Request, Target, at_once
from beanops.tui.keys import key
from beanops.ui.actions import CATALOGUE, ON_JOBS, UserAction
from beanops.ui.runner import LastAction, Runner, undo_steps

#: How a form asks for the settings of actions on jobs.
_FIELDS = {
    "to": Field("to", "Into tube", kind="tube"),
    "priority": Field("priority", "Priority", unit="empty keeps each job's own", optional=True),
    "delay": Field("delay", "Delay", "0", unit="seconds"),
}


def _takes(name: str) -> Callable[[Target], bool]:
    verb = ALL[name]
    taken = verb.states | {"held"} if verb.takes_held else verb.states
    return lambda target: any(target.states.get(state) for state in taken)


def _jobs(request: Request) -> list[JobRef]:
    """Return the selected jobs, of the server process that was shown when they were selected."""
    tube = request.tubes[0] if len(request.tubes) == 1 else None
    return [JobRef(id, request.instance or None, tube) for id in request.ids]


def _settings(request: Request) -> str:
    """Return the answers of the form in words, such as `` into tube mail``."""
    answers = request.answers
    to, priority, delay = (answers.get(name) for name in ("to", "priority", "delay"))
    parts = [f"priority {priority}"] if priority is not None else []
    parts += [f"a delay of {plural(delay, 'second')}"] if delay else []
    given = f" with {' and '.join(parts)}" if parts else ""
    return f" into tube {safe_text(to)}{given}" if to else given


def _on_jobs(action: UserAction) -> Offer:
    def perform(request: Request, runner: Runner) -> Outcome:
        given = {name: value for name, value in request.answers.items() if value is not None}
        act, jobs = getattr(request.session, action.name), _jobs(request)
        return at_once(request, runner, lambda progress: act(jobs, **given, progress=progress))

    fields = tuple(_FIELDS[name] for name in action.settings)
    return Offer(
        action,
        _takes(action.name),
        lambda request: f"{action.label} {request.jobs}{_settings(request)}?",
        perform,
        (lambda target: fields) if fields else None,
        "jobs",
    )


JOBS = tuple(map(_on_jobs, ON_JOBS))

OFFERS = {offer.name: offer for offer in (*JOBS, *TUBES)}


def _undo(request: Request, runner: Runner) -> Outcome:
    undone: LastAction = request.answers["undone"]
    steps = undo_steps(request.session, undone.runs, request.answers.get("buried_as"))
    return outcome_of(runner.carry_out(steps), request.offer.name, "run")


#: Asked where the server cannot bury a chosen job beside workers.
BURIED_AS = Field(
    "buried_as", "Buried jobs", "parked", "buried", "parked (delayed for ever), ready, or buried where nobody watches"
)


UNDO = Offer(
    CATALOGUE["undo"],
    lambda target: True,
    lambda request: f"Undo {request.answers['undone'].what}?",
    _undo,
    scope="runs",
)


def bindings(*scopes: str) -> list[Binding]:
    """Return the keys of what is offered in these scopes, in all by default."""
    return [
        key("act", offer.action.key, f"act('{offer.name}')", offer.label, offer.action.help, show=True)
        for offer in OFFERS.values()
        if not scopes or offer.scope in scopes
    ]
