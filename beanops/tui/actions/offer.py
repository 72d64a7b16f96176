"""`Offer`: one action that can be done from the dashboard, as data. Which there are is in `offers` and `tubeoffers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from beanops.session.session import Session
from beanops.text import plural
from beanops.tui.actions.request import NOTHING, Field, Outcome, Request, Target
from beanops.ui.runner import Runner

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
    perform: Callable[[Request, Runner], Outcome]
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
