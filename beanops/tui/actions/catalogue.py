"""What can be done from the dashboard, as data: here to jobs, in `tubeoffers` to tubes.

The session does it; which states a verb takes is known there too. How an offer becomes an action is in `acting`.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.binding import Binding

from beanops.jobs.identity import JobRef
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.session.targets import Options
from beanops.session.verbs import COPY, MOVE, VERBS
from beanops.text import plural, safe_text
from beanops.tui.actions.on_tubes import TUBES
from beanops.tui.actions.outcome import Outcome, outcome_of
from beanops.tui.actions.request import Field, Offer, Request, Target, at_once
from beanops.tui.keys import key
from beanops.ui.runner import LastAction, Runner, undo_steps


def _takes(name: str) -> Callable[[Target], bool]:
    # The server takes a reserved job from its holder alone, and has no kick for it.
    states = {"kick": VERBS["kick"].states, "move": MOVE.states, "copy": COPY.states}
    taken = states.get(name) or VERBS[name].states | {"held"}
    return lambda target: any(target.states.get(state) for state in taken)


def _jobs(request: Request) -> list[JobRef]:
    """Return the jobs that are meant: those of the server process that was looked at when they were chosen."""
    tube = request.tubes[0] if len(request.tubes) == 1 else None
    return [JobRef(id, request.instance or None, tube) for id in request.ids]


def _on_jobs(
    name: str,
    key: str,
    label: str,
    help: str,
    note: str,
    perform: Callable[[Session, Request, Options], Run],
    ask: Callable[[Target], tuple[Field, ...]] | None = None,
    how: Callable[[Request], str] = lambda request: "",
) -> Offer:
    return Offer(
        name,
        key,
        label,
        help,
        _takes(name),
        lambda request: f"{label} {request.jobs}{how(request)}?",
        note,
        lambda request, runner: at_once(
            request, runner, lambda progress: perform(request.session, request, {"progress": progress})
        ),
        ask,
        "jobs",
    )


def _release_fields(target: Target) -> tuple[Field, ...]:
    return (
        Field("priority", "Priority", unit="empty keeps each job's own", optional=True),
        Field("delay", "Delay", "0", unit="seconds"),
    )


def _release_how(request: Request) -> str:
    priority, delay = request.answers.get("priority"), request.answers.get("delay")
    parts = [f"priority {priority}"] if priority is not None else []
    parts += [f"a delay of {plural(delay, 'second')}"] if delay else []
    return f" with {' and '.join(parts)}" if parts else ""


def _into(target: Target) -> tuple[Field, ...]:
    return (Field("to", "Into tube", kind="tube"),)


def _to(request: Request) -> str:
    return f" into tube {safe_text(request.answers['to'])}"


JOBS = (
    _on_jobs(
        "kick",
        "k",
        "Kick",
        "Make buried or delayed jobs ready: the marked ones, else the one under the cursor",
        "Ready: the next worker gets it.",
        lambda session, request, options: session.kick(_jobs(request), **options),
    ),
    _on_jobs(
        "bury",
        "b",
        "Bury",
        "Put jobs aside until somebody kicks them",
        "Put aside: no worker gets it until it is kicked.",
        lambda session, request, options: session.bury(_jobs(request), **options),
    ),
    _on_jobs(
        "release",
        "r",
        "Release",
        "Make jobs ready, or delayed, or give them another priority",
        "Ready, or delayed if you gave it a delay.",
        lambda session, request, options: session.release(
            _jobs(request), priority=request.answers.get("priority"), delay=request.answers.get("delay") or 0, **options
        ),
        _release_fields,
        _release_how,
    ),
    _on_jobs(
        "copy",
        "c",
        "Copy to",
        "Put copies of jobs into another tube",
        "The copies keep body, priority, ttr, delay and burial, and get ids of their own.",
        lambda session, request, options: session.copy(_jobs(request), request.answers["to"], **options),
        _into,
        _to,
    ),
    _on_jobs(
        "move",
        "M",
        "Move",
        "Put jobs into another tube, and take them out of this one",
        "Body, priority, ttr, delay and burial are kept; the ids are new. Put first, then deleted.",
        lambda session, request, options: session.move(_jobs(request), request.answers["to"], **options),
        _into,
        _to,
    ),
    _on_jobs(
        "delete",
        "D",
        "Delete",
        "Delete jobs",
        "Gone from the server.",
        lambda session, request, options: session.delete(_jobs(request), **options),
    ),
)

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
    "undo",
    "u",
    "Undo",
    "",
    lambda target: True,
    lambda request: f"Undo {request.answers['undone'].what}?",
    "Where jobs have not changed since; each job that cannot be undone says why.",
    _undo,
    scope="runs",
)


def bindings(*scopes: str) -> list[Binding]:
    """Return the keys of what is offered in these scopes, in all by default."""
    return [
        key("act", offer.key, f"act('{offer.name}')", offer.label, offer.help, show=True)
        for offer in OFFERS.values()
        if not scopes or offer.scope in scopes
    ]
