"""What can be done to tubes and jobs from the dashboard, as data: its key, when it applies, what the dialogs say.

The session does it; which states a verb takes is known there too. How an offer becomes an action is in `acting`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.binding import Binding

from beanops.protocol.errors import TimedOut
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR
from beanops.session.orders import Options
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.session.verbs import COPY, MOVE, VERBS
from beanops.text import safe_text
from beanops.tui import drafts
from beanops.tui.asked import Field, Outcome, Request, Target, outcome_of
from beanops.tui.keys import key
from beanops.tui.words import plural

#: From how many jobs on the tube's name has to be typed.
LARGE = 100


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
    scope : str
        ``"jobs"`` for the jobs, ``"tube"`` for one tube, ``"tubes"`` for several too.
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
    perform: Callable[[Session, Request], Outcome]
    ask: Callable[[Target], tuple[Field, ...]] | None = None
    scope: str = "tubes"
    destroys: bool = False

    def request(self, target: Target) -> Request:
        """Return the request for a target, by its keys."""
        tubes = tuple(tube.name for tube in target.tubes)
        if self.scope == "jobs":
            return Request(self, tubes, target.ids, target.states, target.samples)
        return Request(self, tubes)


def number_of(request: Request) -> int:
    """Return how many jobs a request is about, at most."""
    return len(request.ids) or int(request.answers.get("number", 0))


def must_type(request: Request, guarded: bool) -> str:
    """Return what has to be typed before a request is carried out; empty for what a key confirms.

    Parameters
    ----------
    request : Request
        It.
    guarded : bool
        Whether what destroys needs it however small: nothing would bring it back, or the user wants it so.
    """
    if number_of(request) > LARGE or request.offer.name == "drain" or (request.offer.destroys and guarded):
        return request.tube if len(request.tubes) == 1 else plural(len(request.tubes), "tube")
    return ""


# -- jobs ------------------------------------------------------------------------------------------------------------


def _takes(name: str) -> Callable[[Target], bool]:
    # The server takes a reserved job from its holder alone, and has no kick for it.
    states = {"kick": VERBS["kick"].states, "move": MOVE.states, "copy": COPY.states}
    taken = states.get(name) or VERBS[name].states | {"held"}
    return lambda target: any(target.states.get(state) for state in taken)


def _options(request: Request) -> Options:
    # A server that was restarted without its jobs gives their ids out again, for others.
    return {"progress": request.progress, "seen_in": request.tube if len(request.tubes) == 1 else None}


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
        lambda session, request: outcome_of([perform(session, request, _options(request))]),
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
    return (Field("to", "Into tube", target.tubes[0].name, "tube"),)


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


def _reserve(session: Session, request: Request) -> Outcome:
    try:
        job = session.reserve(request.tube)
    except TimedOut:
        return Outcome(f"reserve: no job of tube {safe_text(request.tube)} can be had now", False)
    return Outcome(f"reserve: 1 done, you hold job {job.id}", True, job.id, reservation=job)


def _kickable(target: Target) -> tuple[Field, ...]:
    buried, delayed = target.count("current_jobs_buried"), target.count("current_jobs_delayed")
    kind, number = ("buried", buried) if buried else ("delayed", delayed)
    each = "" if len(target.tubes) == 1 else " in each tube"
    unit = f"of {plural(number, f'{kind} job')}{each}, at most"
    return (Field("number", "How many", str(number), unit=unit, least=1),)


def _kick_many(session: Session, request: Request) -> Outcome:
    number = request.answers["number"]
    # The server does not tell which ones it kicked, so nothing could take them back.
    runs = [session.kick(tube, limit=number, progress=request.progress) for tube in request.tubes]
    return outcome_of(runs, undoable=False)


def _drain(session: Session, request: Request) -> Outcome:
    states = request.answers["states"]
    return outcome_of([session.drain_tube(tube, states, progress=request.progress) for tube in request.tubes])


def _put(session: Session, request: Request) -> Outcome:
    answers = request.answers
    settings = {name: answers[name] for name in ("priority", "delay", "ttr")}
    run = session.put(answers["to"], answers["body"], **settings)
    return outcome_of([run])._replace(id=next(iter(run.ids), None))


def _put_fields(target: Target, body: bytes = b"") -> tuple[Field, ...]:
    return (
        Field("to", "Tube", target.tubes[0].name, "tube"),
        Field("priority", "Priority", str(DEFAULT_PRIORITY), unit="0 is most urgent"),
        Field("delay", "Delay", "0", unit="seconds"),
        Field("ttr", "Ttr", str(DEFAULT_TTR), unit="seconds that a worker may hold it", least=1),
        Field("body", "Body", drafts.written(body), "body"),
    )


def _putting(name: str, key: str, label: str, help: str, applies: Callable[[Target], bool], copies: bool) -> Offer:
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
        "tube",
    )


TUBES = (
    Offer(
        "kick-many",
        "K",
        "Kick n",
        "Kick many jobs of the tube: its buried ones, or its delayed ones if none is buried",
        lambda target: bool(target.count("current_jobs_buried") or target.count("current_jobs_delayed")),
        lambda request: f"Kick up to {plural(request.answers['number'], 'job')} of {request.places}?",
        "Buried jobs become ready, oldest burial first; delayed ones only if none is buried. This cannot be undone.",
        _kick_many,
        _kickable,
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
    _putting("put", "n", "New", "Put a new job into the tube", lambda target: True, copies=False),
    _putting(
        "put-copy",
        "e",
        "Edit copy",
        "Edit a copy of the job under the cursor, and put it",
        lambda target: target.body is not None,
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
        lambda session, request: outcome_of(
            [session.pause(tube, request.answers["seconds"]) for tube in request.tubes]
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
        lambda session, request: outcome_of([session.resume(tube) for tube in request.tubes]),
    ),
    Offer(
        "drain",
        "X",
        "Drain",
        "Delete all jobs of the tube that are in the states you name",
        lambda target: any(target.count(f"current_jobs_{state}") for state in ("ready", "delayed", "buried")),
        lambda request: f"Delete all {' and '.join(request.answers['states'])} jobs of {request.places}?",
        "Gone from the server. Jobs in other states stay.",
        _drain,
        lambda target: (Field("states", "States", "buried", "states", "of ready, delayed, buried"),),
        destroys=True,
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
