"""The canary: kicks jobs in waves, and shows what becomes of each wave before the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.protocol.errors import UsageError
from beanops.session.execution.verbs import ALL
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Field, Offer, Request, at_once, jobs_of
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Progress, Runner
from beanops.ui.waves import WaveRunner, what_it_does

if TYPE_CHECKING:
    from beanops.session.execution.run import Run

_TAKEN = ALL["kick"].states


def _sizes(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise UsageError("next waves: expected numbers of jobs, such as 100, 1000")
    return [int(part) for part in parts]


def _perform(request: Request, runner: Runner) -> Outcome:
    from beanops.session.investigation.canary import Hooks, canary, stages_of
    from beanops.session.options import Options

    assert isinstance(runner, WaveRunner)
    answers, session = request.answers, request.session
    promote_if = answers["promote_if"] or None
    stages = stages_of(answers["first"], answers["watch"], promote_if, _sizes(answers["waves"]))
    jobs: list[object] | str = list(jobs_of(request))
    options = Options()
    if request.selected:
        if len(request.selected) > 1:
            raise UsageError("a canary takes the jobs of one tube; open it")
        jobs, options = request.selected[0].tube, Options(**request.selected[0].options)  # type: ignore[typeddict-item]

    def kick(progress: Progress) -> Run:
        hooks = Hooks(progress, runner.show, None if promote_if else runner.ask, look=runner.look)
        return canary(session._executor, jobs, stages, options, hooks).run

    return at_once(request, runner, kick)


def _sentence(request: Request) -> str:
    answers = request.answers
    first = min(answers["first"], request.number)
    return f"{what_it_does(first, request.jobs, answers['watch'], answers['promote_if'])}?"


CANARY = Offer(
    CATALOGUE["canary"],
    lambda target: target.may_have(_TAKEN),
    _sentence,
    _perform,
    lambda target: (
        Field("first", "First", "10", unit="jobs in the first wave", least=1),
        Field("watch", "Watch", "1m", "seconds", "time for each wave, at most", least=1),
        Field("waves", "Next waves", "", "text", "such as 100, 1000; empty for all the rest"),
        Field("promote_if", "Go on if", "", "text", "such as buried = 0; empty asks"),
    ),
    "jobs",
    "takes buried and delayed jobs, not these",
    takes=frozenset(_TAKEN),
    runner=WaveRunner,
)
