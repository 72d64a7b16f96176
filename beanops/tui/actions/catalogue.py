"""The actions of the dashboard: on tubes, on many of their jobs at once, on selected jobs, and on runs.

Their keys and words are in `beanops.ui.actions`; `beanops.session.execution.verbs` has the states in which they take
jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from beanops.protocol import TubeStats
from beanops.protocol.errors import TimedOut, UsageError
from beanops.protocol.states import AT_REST
from beanops.session.execution.verbs import ALL
from beanops.session.files.samples import PutSettings
from beanops.text import plural, safe_text
from beanops.tui.actions import drafts
from beanops.tui.actions.body_edit import EDIT_BODY
from beanops.tui.actions.canary import CANARY
from beanops.tui.actions.files import EXPORT, put, put_sentence
from beanops.tui.actions.outcome import Outcome, new_id_of, outcome_of
from beanops.tui.actions.request import Counts, Field, Offer, Request, Target, at_once, jobs_of, on_selected, one_by_one
from beanops.tui.keys import key
from beanops.ui.actions import CATALOGUE, ON_JOBS, UserAction
from beanops.ui.runner import LastAction, Progress, Runner, undo_steps

if TYPE_CHECKING:
    from beanops.session.execution.run import Run

# -- on tubes ---------------------------------------------------------------------------------------------------------


def _reserve(request: Request, _: Runner) -> Outcome:
    tube = request.tube
    try:
        job = request.session.reserve(tube)
    except TimedOut:
        return Outcome(f"reserve: no ready job in tube {safe_text(tube)}", False)
    return Outcome(f"reserve: 1 done, you hold job {job.id}", True, job.id, reservation=job)


def _by_state(tube: TubeStats, states: Iterable[str]) -> dict[str, int]:
    """Return the number of jobs of a tube by state, without empty states."""
    return {state: number for state in states if (number := getattr(tube, f"current_jobs_{state}"))}


def _kicked_state(target: Target) -> str:
    return "buried" if target.count("current_jobs_buried") else "delayed"


def _kickable(target: Target) -> tuple[Field, ...]:
    state = _kicked_state(target)
    numbers = [number for tube in target.tubes for number in _by_state(tube, [state]).values()]
    unit = f"of {plural(sum(numbers), f'{state} job')}, at most"
    if len(numbers) > 1:
        unit = f"of each of {plural(len(numbers), 'tube')}: {sum(numbers):,} {state}"
    return (Field("number", "How many", str(max(numbers)), unit=unit, least=1),)


def _to_kick(target: Target, answers: Mapping[str, Any]) -> Counts:
    """Return the number for each tube with jobs in the state; in other tubes the server would kick another state."""
    state, number = _kicked_state(target), answers["number"]
    return {tube.name: {state: number} for tube in target.tubes if _by_state(tube, [state])}


def _kick_sentence(request: Request) -> str:
    number = f"Kick up to {plural(request.answers['number'], 'job')}"
    if len(request.tubes) == 1:
        return f"{number} of {request.places}?"
    return f"{number} in each of {request.places}, {request.number:,} in all?"


def _kick_next(request: Request, runner: Runner) -> Outcome:
    session = request.session

    def kick(tube: str, progress: Progress) -> Run:
        # The server kicks buried jobs if there are any, else delayed ones, and may have others than when confirmed.
        (confirmed,) = request.counts[tube]
        now = "buried" if session.tube(tube).current_jobs_buried else "delayed"
        if now != confirmed:
            are = "no" if confirmed == "buried" else "some"
            raise UsageError(f"{are} jobs are buried now; no {now} job was kicked")
        return session.kick_next(tube, request.limit(tube), progress=progress)

    return one_by_one(request, runner, "tube", request.tubes, kick)


def _to_drain(target: Target, answers: Mapping[str, Any]) -> Counts:
    return {tube.name: _by_state(tube, answers["states"]) for tube in target.tubes}


def _drain_sentence(request: Request) -> str:
    states = " and ".join(request.answers["states"])
    return f"Delete {plural(request.number, f'{states} job')} of {request.places}?"


def _drain(request: Request, runner: Runner) -> Outcome:
    def drain(tube: str, progress: Progress) -> Run:
        # Jobs put after the confirmation have the highest ids: with the oldest first, the limit excludes them.
        limit = request.limit(tube)
        return request.session.drain(
            tube, state=tuple(request.counts[tube]), limit=limit, order="oldest", progress=progress
        )

    return one_by_one(request, runner, "tube", request.tubes, drain)


def _to_truncate(target: Target, answers: Mapping[str, Any]) -> Counts:
    return {tube.name: _by_state(tube, AT_REST) for tube in target.tubes}


def _truncate(request: Request, runner: Runner) -> Outcome:
    def truncate(tube: str, progress: Progress) -> Run:
        return request.session.drain(tube, bodies=False, state=AT_REST, progress=progress)

    return one_by_one(request, runner, "tube", request.tubes, truncate)


def _put_fields(target: Target, body: bytes = b"", settings: PutSettings = PutSettings()) -> tuple[Field, ...]:  # noqa: B008
    return (
        Field("to", "Tube", target.tubes[0].name, "tube"),
        Field("priority", "Priority", str(settings.priority), unit="0 is most urgent"),
        Field("delay", "Delay", str(settings.delay), "seconds", "seconds, or 10m"),
        Field("ttr", "TTR", str(settings.ttr), "seconds", "seconds to work on it, or 10m", least=1),
        Field("body", "Body", drafts.written(body), "body"),
    )


def _copy_fields(target: Target) -> tuple[Field, ...]:
    return _put_fields(target, target.body or b"", target.settings)


def _pause(request: Request, runner: Runner) -> Outcome:
    seconds = request.answers["seconds"]
    return one_by_one(request, runner, "tube", request.tubes, lambda tube, _: request.session.pause(tube, seconds))


def _unpause(request: Request, runner: Runner) -> Outcome:
    return one_by_one(request, runner, "tube", request.tubes, lambda tube, _: request.session.unpause(tube))


TUBES = (
    Offer(
        CATALOGUE["kick-next"],
        lambda target: bool(target.count("current_jobs_buried") or target.count("current_jobs_delayed")),
        _kick_sentence,
        _kick_next,
        _kickable,
        lacks="no job is buried or delayed",
        counts=_to_kick,
    ),
    Offer(
        CATALOGUE["reserve"],
        lambda target: target.count("current_jobs_ready") > 0 and not target.count("pause_time_left"),
        lambda request: f"Reserve the next ready job of {request.places}?",
        _reserve,
        scope="tube",
        lacks="no job is ready, or the tube is paused",
    ),
    Offer(CATALOGUE["put"], lambda target: True, put_sentence, put, _put_fields, "list"),
    Offer(
        CATALOGUE["put-copy"],
        lambda target: target.body is not None,
        put_sentence,
        put,
        _copy_fields,
        "tube",
        "no job to copy",
    ),
    Offer(
        CATALOGUE["pause"],
        lambda target: any(not tube.pause_time_left for tube in target.tubes),
        lambda request: f"Pause {request.places} for {plural(request.answers['seconds'], 'second')}?",
        _pause,
        lambda target: (Field("seconds", "For", "10m", "seconds", "seconds, or 10m", least=1),),
        lacks="paused already",
    ),
    Offer(
        CATALOGUE["unpause"],
        lambda target: all(tube.pause_time_left for tube in target.tubes),
        lambda request: f"Unpause {request.places}?",
        _unpause,
        lacks="not paused",
    ),
    Offer(
        CATALOGUE["drain"],
        lambda target: any(target.count(f"current_jobs_{state}") for state in AT_REST),
        _drain_sentence,
        _drain,
        lambda target: (Field("states", "States", "buried", "states", "of ready, delayed, buried"),),
        lacks="no job is ready, delayed or buried",
        counts=_to_drain,
    ),
    Offer(
        CATALOGUE["truncate"],
        lambda target: any(target.count(f"current_jobs_{state}") for state in AT_REST),
        lambda request: f"Delete {plural(request.number, 'job')} of {request.places} at once?",
        _truncate,
        scope="none",
        lacks="no job is ready, delayed or buried",
        counts=_to_truncate,
    ),
)

# -- on jobs ----------------------------------------------------------------------------------------------------------

#: How a form asks for the settings of actions on jobs.
_FIELDS = {
    "to": Field("to", "Into tube", kind="tube"),
    "priority": Field("priority", "Priority", unit="empty keeps each job's own", optional=True),
    "delay": Field("delay", "Delay", "0", "seconds", "seconds, or 10m"),
}


def _taken(name: str) -> frozenset[str]:
    verb = ALL[name]
    return verb.states | {"held"} if verb.takes_held else verb.states


def _takes(name: str) -> Callable[[Target], bool]:
    taken = _taken(name)
    return lambda target: target.may_have(taken)


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
        act, jobs = getattr(request.session, action.name), jobs_of(request)
        if request.selected:
            return on_selected(request, runner, act, **given)
        return at_once(request, runner, lambda progress: act(jobs, **given, progress=progress))

    fields = tuple(_FIELDS[name] for name in action.settings)
    return Offer(
        action,
        _takes(action.name),
        lambda request: f"{action.name.capitalize()} {request.jobs}{_settings(request)}?",
        perform,
        (lambda target: fields) if fields else None,
        "jobs",
        f"{ALL[action.name].takes.removeprefix(f'{action.name} ')}, not these",
        takes=_taken(action.name),
    )


JOBS = tuple(map(_on_jobs, ON_JOBS))


# -- on runs ----------------------------------------------------------------------------------------------------------


def _undo(request: Request, runner: Runner) -> Outcome:
    undone: LastAction = request.answers["undone"]
    steps = undo_steps(request.session, undone.runs, request.answers.get("buried_as"))
    outcome = outcome_of(runner.carry_out(steps), request.offer.name, "run")
    return outcome._replace(id=new_id_of(outcome.results))


#: Asked where the server cannot bury a job by id.
BURIED_AS = Field(
    "buried_as", "Buried jobs", "parked", "buried", "parked (delayed for years), ready, or buried if no worker watches"
)


UNDO = Offer(
    CATALOGUE["undo"],
    lambda target: True,
    lambda request: f"Undo {safe_text(request.answers['undone'].what)}?",
    _undo,
    scope="runs",
)


OFFERS = {offer.name: offer for offer in (*JOBS, CANARY, EDIT_BODY, EXPORT, *TUBES)}


def bindings(*scopes: str, also: Collection[str] = ()) -> list[Binding]:
    """Return the key bindings of the actions in these scopes, by default in all, and of others by name."""
    return [
        key("act", offer.action.key, f"act('{offer.name}')", offer.label, offer.action.help, show=True)
        for offer in OFFERS.values()
        if offer.action.key and (not scopes or offer.scope in scopes or offer.name in also)
    ]
