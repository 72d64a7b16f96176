"""The edit of many jobs by paths and settings, as it is typed."""

from __future__ import annotations

from typing import Any

from beanops.protocol.states import AT_REST
from beanops.text import safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Offer, Request, Target, one_by_one
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Runner


def _perform(request: Request, runner: Runner) -> Outcome:
    given: dict[str, Any] = dict(request.answers)
    chosen = {one.tube: one for one in request.selected}
    edit = request.session.edit
    return one_by_one(
        request,
        runner,
        "tube",
        tuple(chosen),
        lambda tube, progress: edit(tube, **given, **chosen[tube].options, progress=progress),
    )


def _sentence(request: Request) -> str:
    answers = request.answers
    parts = [f"{path} = {value!r}" for path, value in answers.get("changes", {}).items()]
    parts += [f"no {path}" for path in answers.get("unset", ())]
    parts += [f"{name} {answers[name]}" for name in ("priority", "ttr", "delay", "to") if name in answers]
    return f"Edit {request.jobs}: {safe_text(', '.join(parts), limit=200)}?"


def _applies(target: Target) -> bool:
    return any(one.may_have(AT_REST) for one in target.selected)


#: Its answers are arguments of `Session.edit`.
EDIT_MANY = Offer(
    CATALOGUE["edit"],
    _applies,
    _sentence,
    _perform,
    scope="jobs",
    lacks="takes ready, delayed and buried jobs, not these",
    takes=frozenset(AT_REST),
)
