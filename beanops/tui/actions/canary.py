"""The canary: kicks jobs in waves, and shows what becomes of each wave before the next one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from beanops.protocol.errors import UsageError
from beanops.session.execution.verbs import ALL
from beanops.text import plural, safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Field, Offer, Request, at_once, jobs_of
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Progress, Runner

if TYPE_CHECKING:
    from beanops.session.execution.run import Run
    from beanops.session.investigation.canary import Wave
    from beanops.session.investigation.verdicts import KickedJob

_TAKEN = ALL["kick"].states


class Question(NamedTuple):
    """Whether to go on with the next wave.

    Attributes
    ----------
    size : int
        The number of jobs in the next wave.
    left : int
        The number of all jobs that have not had their turn.
    """

    size: int
    left: int


class WaveRunner(Runner):
    """Carries out a canary; the screen follows its waves and answers its questions.

    Attributes
    ----------
    waves : list of Wave
        The waves that are over.
    watched : sequence of KickedJob
        The jobs of the wave under way.
    seconds_left : float
        For how long they will be watched.
    question : Question or None
        What is asked now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waves: list[Wave] = []
        self.watched: Sequence[KickedJob] = ()
        self.seconds_left = 0.0
        self.question: Question | None = None
        self._answer = False
        self._answered = threading.Event()

    def show(self, wave: Wave) -> None:
        """Note a wave that is over."""
        self.waves.append(wave)
        self.watched = ()

    def look(self, jobs: Sequence[KickedJob], left: float) -> None:
        """Note what has become of the jobs so far."""
        self.watched, self.seconds_left = jobs, left

    def ask(self, wave: Wave, size: int, left: int) -> bool:
        """Wait for an answer."""
        self._answered.clear()
        self.question = Question(size, left)
        if not self.cancelled:
            self._answered.wait()
        self.question = None
        return self._answer and not self.cancelled

    def answer(self, yes: bool) -> None:
        """Go on with the next wave, or stop."""
        self._answer = yes
        self._answered.set()

    def cancel(self) -> None:
        """Stop after the current batch."""
        super().cancel()
        self._answered.set()


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
    first = min(request.answers["first"], request.number)
    watched = plural(request.answers["watch"], "second")
    condition = safe_text(request.answers["promote_if"], limit=60)
    then = f"and go on while {condition}" if condition else "and ask before the next ones"
    return f"Kick {first:,} of {request.jobs}, watch them for up to {watched}, {then}?"


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
