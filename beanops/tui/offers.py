"""What can be done to a tube or a job from the dashboard, as data: its key, when it applies, what the dialogs say.

The session does it; which states a verb takes is known there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.binding import Binding

from beanops.protocol import JobStats, TubeStats
from beanops.protocol.errors import TimedOut
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.session.verbs import VERBS
from beanops.text import safe_text
from beanops.tui.keys import key
from beanops.tui.words import plural


class Target(NamedTuple):
    """What an action would be done to, as it was last seen.

    Attributes
    ----------
    tube : TubeStats
        The tube.
    job : JobStats or None
        The job under the cursor.
    held : bool
        Whether this session holds that job.
    """

    tube: TubeStats
    job: JobStats | None = None
    held: bool = False


class Request(NamedTuple):
    """An action with the keys of what it is for, captured before any dialog opened.

    Attributes
    ----------
    offer : Offer
        What to do.
    tube : str
        The tube's name.
    id : int or None
        The job, for an action on a job.
    state : str or None
        The job's state as it was seen.
    number : int
        What was asked for: how many jobs, or seconds.
    """

    offer: Offer
    tube: str
    id: int | None = None
    state: str | None = None
    number: int = 0


class Outcome(NamedTuple):
    """What came of a request: one safe line, whether all was done, and the job where the answer names one."""

    text: str
    done: bool
    id: int | None = None


class Question(NamedTuple):
    """A number to ask for first, with its unit and what is proposed."""

    text: str
    unit: str
    proposal: int


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
        The question for a number.
    destroys : bool
        Whether it cannot be taken back.
    about_job : bool
        Whether it is for the job under the cursor, not the tube.
    """

    name: str
    key: str
    label: str
    help: str
    applies: Callable[[Target], bool]
    sentence: Callable[[Request], str]
    note: str
    perform: Callable[[Session, Request], Outcome]
    ask: Callable[[Target], Question] | None = None
    destroys: bool = False
    about_job: bool = False

    def request(self, target: Target) -> Request:
        """Return the request for a target, by its keys."""
        job = target.job if self.about_job else None
        return Request(self, target.tube.name, job.id if job else None, job.state if job else None)


def outcome_of(run: Run) -> Outcome:
    """Return what came of a run."""
    return Outcome(safe_text(run.summary), run.complete)


def _takes(name: str) -> Callable[[Target], bool]:
    def applies(target: Target) -> bool:
        if target.job is None:
            return False
        # The server takes a reserved job from its holder alone, and has no kick for it.
        return name != "kick" if target.held else VERBS[name].refuses(target.job.state) is None

    return applies


def _on_job(name: str, key: str, label: str, help: str, note: str, perform: Callable[[Session, int], Run]) -> Offer:
    return Offer(
        name,
        key,
        label,
        help,
        _takes(name),
        lambda request: f"{label} job {request.id} of tube {safe_text(request.tube)}?",
        note,
        lambda session, request: outcome_of(perform(session, request.id or 0)),
        destroys=VERBS[name].destroys,
        about_job=True,
    )


def _reserve(session: Session, request: Request) -> Outcome:
    try:
        job = session.reserve(request.tube)
    except TimedOut:
        return Outcome(f"reserve: no job of tube {safe_text(request.tube)} can be had now", False)
    return Outcome(f"reserve: 1 done, you hold job {job.id}", True, job.id)


def _kickable(tube: TubeStats) -> Question:
    buried, delayed = tube.current_jobs_buried, tube.current_jobs_delayed
    kind, number = ("buried", buried) if buried else ("delayed", delayed)
    return Question(f"Kick how many of {plural(number, f'{kind} job')} in tube {safe_text(tube.name)}?", "jobs", number)


OFFERS = {
    offer.name: offer
    for offer in (
        _on_job(
            "kick",
            "k",
            "Kick",
            "Make the buried or delayed job under the cursor ready",
            "It becomes ready: the next worker gets it.",
            lambda session, job: session.kick([job]),
        ),
        Offer(
            "kick-many",
            "K",
            "Kick n",
            "Kick many jobs of the tube: its buried ones, or its delayed ones if none is buried",
            lambda target: bool(target.tube.current_jobs_buried or target.tube.current_jobs_delayed),
            lambda request: f"Kick up to {plural(request.number, 'job')} of tube {safe_text(request.tube)}?",
            "Its buried jobs become ready, oldest burial first; delayed ones only if none is buried.",
            lambda session, request: outcome_of(session.kick(request.tube, limit=request.number)),
            ask=lambda target: _kickable(target.tube),
        ),
        _on_job(
            "bury",
            "b",
            "Bury",
            "Put the job under the cursor aside until somebody kicks it",
            "It is put aside: no worker gets it until it is kicked.",
            lambda session, job: session.bury([job]),
        ),
        _on_job(
            "release",
            "r",
            "Release",
            "Make the job under the cursor ready, with its priority kept",
            "It becomes ready, with its priority kept and without delay.",
            lambda session, job: session.release([job]),
        ),
        Offer(
            "reserve",
            "v",
            "Reserve",
            "Take the next ready job of the tube and hold it",
            lambda target: target.tube.current_jobs_ready > 0 and not target.tube.pause_time_left,
            lambda request: f"Reserve the next ready job of tube {safe_text(request.tube)}?",
            "You hold it until you bury, release or delete it, until its ttr ends, or until you quit.",
            _reserve,
        ),
        _on_job(
            "delete",
            "D",
            "Delete",
            "Delete the job under the cursor",
            "It is gone for good.",
            lambda session, job: session.delete([job]),
        ),
        Offer(
            "pause",
            "p",
            "Pause",
            "Hold back the tube's ready jobs from workers for some seconds",
            lambda target: not target.tube.pause_time_left,
            lambda request: f"Pause tube {safe_text(request.tube)} for {plural(request.number, 'second')}?",
            "Workers get none of its ready jobs meanwhile; puts go on.",
            lambda session, request: outcome_of(session.pause(request.tube, request.number)),
            ask=lambda target: Question(f"Pause tube {safe_text(target.tube.name)} for how long?", "seconds", 60),
        ),
        Offer(
            "resume",
            "p",
            "Resume",
            "End the pause of the tube",
            lambda target: target.tube.pause_time_left > 0,
            lambda request: f"Resume tube {safe_text(request.tube)}?",
            "Its ready jobs go to workers again.",
            lambda session, request: outcome_of(session.resume(request.tube)),
        ),
    )
}


def bindings() -> list[Binding]:
    """Return the keys of all that is offered."""
    return [
        key("act", offer.key, f"act('{offer.name}')", offer.label, offer.help, show=True) for offer in OFFERS.values()
    ]
