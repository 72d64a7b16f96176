"""The edit of many jobs by paths and settings, as it is typed."""

from __future__ import annotations

from beanops.protocol.states import AT_REST
from beanops.text import safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Offer, Request, on_selected
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Runner


def _perform(request: Request, runner: Runner) -> Outcome:
    return on_selected(request, runner, request.session.edit, **request.answers)


def _sentence(request: Request) -> str:
    answers = request.answers
    parts = [f"{path} = {value!r}" for path, value in answers.get("changes", {}).items()]
    parts += [f"no {path}" for path in answers.get("unset", ())]
    parts += [f"{name} {answers[name]}" for name in ("priority", "ttr", "delay", "to") if name in answers]
    return f"Edit {request.jobs}: {safe_text(', '.join(parts), limit=200)}?"


#: Its answers are arguments of `Session.edit`.
EDIT_MANY = Offer(
    CATALOGUE["edit"],
    lambda target: target.may_have(AT_REST),
    _sentence,
    _perform,
    scope="jobs",
    lacks="takes ready, delayed and buried jobs, not these",
    takes=frozenset(AT_REST),
)
