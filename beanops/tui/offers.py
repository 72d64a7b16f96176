"""What can be done to tubes and jobs from the dashboard, as data: its key, when it applies, what the dialogs say.

The session does it; which states a verb takes is known there too. How an offer becomes an action is in `acting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from textual.binding import Binding

from beanops.protocol import TubeStats
from beanops.protocol.errors import TimedOut
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR
from beanops.session.orders import Options
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.session.verbs import COPY, MOVE, VERBS
from beanops.text import safe_text
from beanops.tui import drafts
from beanops.tui.asked import NOTHING, Doing, Field, Outcome, Request, Target, outcome_of
from beanops.tui.keys import key
from beanops.tui.words import plural

#: From how many jobs on the tube's name has to be typed.
LARGE = 100
#: By tube and state: how many jobs are meant.
Counts = Mapping[str, Mapping[str, int]]


class Offer(NamedTuple):
    """One action as it is offered.

    Attributes
    ----------
    name, key, label, help : str
        Its name, its key (upper case where it destroys), and what footer and help say.
    applies : callable
        Whether it can be done to a target.
    sentence : callable
        Says in the confirmation what will be done, to what.
    note : str
        What that means.
    perform : callable
        Has the session do it.
    ask : callable or None
        What a form asks for first.
    counts : callable or None
        For many jobs of tubes: of which tubes how many in which state are meant, once the form is answered.
    scope : str
        ``"jobs"`` for the jobs, ``"tube"`` for one tube, ``"list"`` where its jobs are listed, ``"tubes"`` for several.
    destroys : bool
        Whether it takes something out of the queue.
    """

    name: str
    key: str
    label: str
    help: str
    applies: Callable[[Target], bool]
    sentence: Callable[[Request], str]
    note: str
    perform: Callable[[Doing], Outcome]
    ask: Callable[[Target], tuple[Field, ...]] | None = None
    scope: str = "tubes"
    destroys: bool = False
    counts: Callable[[Target, Mapping[str, Any]], Counts] | None = None

    def request(self, session: Session, target: Target, answers: Mapping[str, Any] = NOTHING) -> Request:
        """Return the request for a target, by its keys; tubes without the jobs that are meant are left out."""
        tubes = tuple(tube.name for tube in target.tubes)
        if self.scope == "jobs":
            return Request(self, session, tubes, target.ids, target.states, target.samples, answers)
        if self.counts is None or not answers:
            return Request(self, session, tubes, answers=answers)
        counts = {tube: states for tube, states in self.counts(target, answers).items() if states}
        states: Counter[str] = Counter()
        for one in counts.values():
            states.update(one)
        return Request(self, session, tuple(counts), states=states, answers=answers, counts=counts)


def must_type(request: Request, guarded: bool) -> str:
    """Return what has to be typed before a request is carried out; empty for what a key confirms.

    Parameters
    ----------
    request : Request
        It.
    guarded : bool
        Whether what destroys needs it however small: nothing would bring it back, or the user wants it so.
    """
    if request.number > LARGE or request.offer.name == "drain" or (request.offer.destroys and guarded):
        return request.tube if len(request.tubes) == 1 else plural(len(request.tubes), "tube")
    return ""


# -- jobs ------------------------------------------------------------------------------------------------------------


def _takes(name: str) -> Callable[[Target], bool]:
    # The server takes a reserved job from its holder alone, and has no kick for it.
    states = {"kick": VERBS["kick"].states, "move": MOVE.states, "copy": COPY.states}
    taken = states.get(name) or VERBS[name].states | {"held"}
    return lambda target: any(target.states.get(state) for state in taken)


def _options(doing: Doing) -> Options:
    # A server that was restarted without its jobs gives their ids out again, for others.
    tubes = doing.request.tubes
    return {"progress": doing.progress, "seen_in": tubes[0] if len(tubes) == 1 else None}


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
        lambda doing: outcome_of([perform(doing.request.session, doing.request, _options(doing))]),
        ask,
        "jobs",
        destroys=name in ("delete", "move"),
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
        lambda session, request, options: session.kick(request.ids, **options),
    ),
    _on_jobs(
        "bury",
        "b",
        "Bury",
        "Put jobs aside until somebody kicks them",
        "Put aside: no worker gets it until it is kicked.",
        lambda session, request, options: session.bury(request.ids, **options),
    ),
    _on_jobs(
        "release",
        "r",
        "Release",
        "Make jobs ready, or delayed, or give them another priority",
        "Ready, or delayed if you gave it a delay.",
        lambda session, request, options: session.release(
            request.ids, priority=request.answers.get("priority"), delay=request.answers.get("delay") or 0, **options
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
        lambda session, request, options: session.copy(request.ids, request.answers["to"], **options),
        _into,
        _to,
    ),
    _on_jobs(
        "move",
        "M",
        "Move",
        "Put jobs into another tube, and take them out of this one",
        "Body, priority, ttr, delay and burial are kept; the ids are new. Put first, then deleted.",
        lambda session, request, options: session.move(request.ids, request.answers["to"], **options),
        _into,
        _to,
    ),
    _on_jobs(
        "delete",
        "D",
        "Delete",
        "Delete jobs",
        "Gone from the server.",
        lambda session, request, options: session.delete(request.ids, **options),
    ),
)

# -- tubes -----------------------------------------------------------------------------------------------------------


def _reserve(doing: Doing) -> Outcome:
    tube = doing.request.tube
    try:
        job = doing.request.session.reserve(tube)
    except TimedOut:
        return Outcome(f"reserve: no job of tube {safe_text(tube)} can be had now", False)
    return Outcome(f"reserve: 1 done, you hold job {job.id}", True, job.id, reservation=job)


def _by_state(tube: TubeStats, states: Iterable[str]) -> dict[str, int]:
    """Return how many jobs of a tube are in these states, without those that none is in."""
    return {state: number for state in states if (number := getattr(tube, f"current_jobs_{state}"))}


def _kicked_state(target: Target) -> str:
    return "buried" if target.count("current_jobs_buried") else "delayed"


def _kickable(target: Target) -> tuple[Field, ...]:
    state = _kicked_state(target)
    numbers = [number for tube in target.tubes for number in _by_state(tube, [state]).values()]
    unit = f"of {plural(sum(numbers), f'{state} job')}, at most"
    if len(numbers) > 1:
        unit = f"of each of {len(numbers)} tubes: {sum(numbers):,} {state}"
    return (Field("number", "How many", str(max(numbers)), unit=unit, least=1),)


def _to_kick(target: Target, answers: Mapping[str, Any]) -> Counts:
    """Return so many of each tube that has jobs in the state; the server would kick another state of the others."""
    state, number = _kicked_state(target), answers["number"]
    return {tube.name: {state: number} for tube in target.tubes if _by_state(tube, [state])}


def _kick_sentence(request: Request) -> str:
    number = f"Kick up to {plural(request.answers['number'], 'job')}"
    if len(request.tubes) == 1:
        return f"{number} of {request.places}?"
    return f"{number} in each of {request.places}, {request.number:,} in all?"


def _kick_many(doing: Doing) -> Outcome:
    kick, number = doing.request.session.kick, doing.request.answers["number"]
    tubes = doing.request.tubes
    outcome = doing.one_by_one("tube", tubes, lambda tube: kick(tube, limit=number, progress=doing.progress))
    return outcome._replace(runs=())  # the server does not tell which ones it kicked: nothing could take them back


def _to_drain(target: Target, answers: Mapping[str, Any]) -> Counts:
    return {tube.name: _by_state(tube, answers["states"]) for tube in target.tubes}


def _drain_sentence(request: Request) -> str:
    states = " and ".join(request.answers["states"])
    return f"Delete {plural(request.number, f'{states} job')} of {request.places}?"


def _drain(doing: Doing) -> Outcome:
    request = doing.request

    def drain(tube: str) -> Run:
        # Jobs that came after the question have the highest ids: the limit leaves them.
        limit = request.limit(tube)
        return request.session.drain_tube(
            tube, tuple(request.counts[tube]), limit=limit, order="oldest", progress=doing.progress
        )

    return doing.one_by_one("tube", request.tubes, drain)


def _put(doing: Doing) -> Outcome:
    answers = doing.request.answers
    settings = {name: answers[name] for name in ("priority", "delay", "ttr")}
    run = doing.request.session.put(answers["to"], answers["body"], **settings)
    return outcome_of([run])._replace(id=next(iter(run.ids), None))


def _put_fields(target: Target, body: bytes = b"") -> tuple[Field, ...]:
    return (
        Field("to", "Tube", target.tubes[0].name, "tube"),
        Field("priority", "Priority", str(DEFAULT_PRIORITY), unit="0 is most urgent"),
        Field("delay", "Delay", "0", unit="seconds"),
        Field("ttr", "Ttr", str(DEFAULT_TTR), unit="seconds that a worker may hold it", least=1),
        Field("body", "Body", drafts.written(body), "body"),
    )


def _putting(
    name: str, key: str, label: str, help: str, applies: Callable[[Target], bool], scope: str, copies: bool
) -> Offer:
    return Offer(
        name,
        key,
        label,
        help,
        applies,
        lambda request: (
            f"Put a job of {plural(len(request.answers['body']), 'byte')} into tube {safe_text(request.answers['to'])}?"
        ),
        "Workers get it as any other job.",
        _put,
        lambda target: _put_fields(target, (target.body or b"") if copies else b""),
        scope,
    )


TUBES = (
    Offer(
        "kick-many",
        "K",
        "Kick n",
        "Kick many jobs of the tube: its buried ones, or its delayed ones if none is buried",
        lambda target: bool(target.count("current_jobs_buried") or target.count("current_jobs_delayed")),
        _kick_sentence,
        "Buried jobs become ready, oldest burial first; delayed ones only if none is buried. This cannot be undone.",
        _kick_many,
        _kickable,
        counts=_to_kick,
    ),
    Offer(
        "reserve",
        "v",
        "Reserve",
        "Take the next ready job of the tube and hold it",
        lambda target: target.count("current_jobs_ready") > 0 and not target.count("pause_time_left"),
        lambda request: f"Reserve the next ready job of {request.places}?",
        "You hold it, touched before its ttr ends, until you bury, release or delete it, or quit.",
        _reserve,
        scope="tube",
    ),
    _putting("put", "n", "New", "Put a new job into the tube", lambda target: True, "list", copies=False),
    _putting(
        "put-copy",
        "e",
        "Edit copy",
        "Edit a copy of the job under the cursor, and put it",
        lambda target: target.body is not None,
        "tube",
        copies=True,
    ),
    Offer(
        "pause",
        "p",
        "Pause",
        "Hold back the tube's ready jobs from workers for some seconds",
        lambda target: any(not tube.pause_time_left for tube in target.tubes),
        lambda request: f"Pause {request.places} for {plural(request.answers['seconds'], 'second')}?",
        "Workers get none of the ready jobs meanwhile; puts go on.",
        lambda doing: doing.one_by_one(
            "tube",
            doing.request.tubes,
            lambda tube: doing.request.session.pause(tube, doing.request.answers["seconds"]),
        ),
        lambda target: (Field("seconds", "For", "60", unit="seconds", least=1),),
    ),
    Offer(
        "resume",
        "p",
        "Resume",
        "End the pause of the tube",
        lambda target: all(tube.pause_time_left for tube in target.tubes),
        lambda request: f"Resume {request.places}?",
        "The ready jobs go to workers again.",
        lambda doing: doing.one_by_one("tube", doing.request.tubes, doing.request.session.resume),
    ),
    Offer(
        "drain",
        "X",
        "Drain",
        "Delete all jobs of the tube that are in the states you name",
        lambda target: any(target.count(f"current_jobs_{state}") for state in ("ready", "delayed", "buried")),
        _drain_sentence,
        "Gone from the server. Jobs in other states stay, and so do those that come after this question.",
        _drain,
        lambda target: (Field("states", "States", "buried", "states", "of ready, delayed, buried"),),
        destroys=True,
        counts=_to_drain,
    ),
)

OFFERS = {offer.name: offer for offer in (*JOBS, *TUBES)}


def bindings(*scopes: str) -> list[Binding]:
    """Return the keys of what is offered in these scopes, in all by default."""
    return [
        key("act", offer.key, f"act('{offer.name}')", offer.label, offer.help, show=True)
        for offer in OFFERS.values()
        if not scopes or offer.scope in scopes
    ]
