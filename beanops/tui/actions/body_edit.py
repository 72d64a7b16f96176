"""The edit of one job: what a dialog has made of its body is put in its place."""

from __future__ import annotations

from beanops.session.editing.by_hand import put_edited
from beanops.session.execution.verbs import EDIT
from beanops.session.options import Options
from beanops.tui.actions.outcome import Outcome, new_id_of
from beanops.tui.actions.request import Offer, Request, Target, at_once
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Runner

_TAKEN = EDIT.states | {"held"} if EDIT.takes_held else EDIT.states


def _applies(target: Target) -> bool:
    return len(target.ids) == 1 and not target.selected and any(target.states.get(state) for state in _TAKEN)


def _perform(request: Request, runner: Runner) -> Outcome:
    job, new = request.answers["job"], request.answers["new"]
    executor = request.session._executor
    outcome = at_once(request, runner, lambda _: put_edited(executor, job, new, options=Options()))
    id = new_id_of(outcome.results)
    return outcome if id is None else outcome._replace(text=f"{outcome.text}, now job {id}", id=id)


#: Its answers are ``job``, the `FoundJob` as it was read, and ``new``, its new body.
EDIT_BODY = Offer(
    CATALOGUE["edit"],
    _applies,
    lambda request: f"Edit {request.jobs}?",
    _perform,
    scope="jobs",
    lacks="takes one ready, delayed or buried job",
    takes=frozenset(_TAKEN),
)
