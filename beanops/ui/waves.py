"""A canary under way: its waves as they come, the question before the next one, and its words. It knows no face."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from beanops.text import plural, safe_text, span
from beanops.ui.runner import Progress, Runner

if TYPE_CHECKING:
    from beanops.session.investigation.canary import Wave
    from beanops.session.investigation.verdicts import KickedJob

#: The colours of verdicts by their names in a palette; those that are not named are bad ones, as `BAD`.
VERDICT_TONES = {"done": "ready", "unseen": "ready", "reserved": "reserved", "waiting": "muted"}
BAD = "buried"


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

    @property
    def which(self) -> str:
        """The jobs of the next wave, in words."""
        if self.size == self.left:
            return f"the other {plural(self.left, 'job')}"
        return f"the next {self.size:,} of {self.left:,} other jobs"


class WaveRunner(Runner):
    """Carries out a canary; a face follows its waves and answers its questions.

    Parameters
    ----------
    on_progress : callable or None
        As for `Runner`.
    on_change : callable
        Called when one of the attributes has changed, in the thread that carries it out.

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

    def __init__(self, on_progress: Progress | None = None, on_change: Callable[[], object] = lambda: None) -> None:
        super().__init__(on_progress)
        self._on_change = on_change
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
        self._on_change()

    def look(self, jobs: Sequence[KickedJob], left: float) -> None:
        """Note what has become of the jobs so far."""
        self.watched, self.seconds_left = jobs, left
        self._on_change()

    def ask(self, wave: Wave, size: int, left: int) -> bool:
        """Wait for an answer."""
        self._answered.clear()
        self.question = Question(size, left)
        self._on_change()
        if not self.cancelled:
            self._answered.wait()
        self.question = None
        self._on_change()
        return self._answer and not self.cancelled

    def answer(self, yes: bool) -> None:
        """Go on with the next wave, or stop."""
        self._answer = yes
        self._answered.set()

    def cancel(self) -> None:
        """Stop after the current batch."""
        super().cancel()
        self._answered.set()


def what_it_does(first: int, jobs: str, seconds: float, condition: str) -> str:
    """Return what a canary does in words, as a sentence without its end.

    Examples
    --------
    >>> what_it_does(10, "2,000 jobs", 60, "buried = 0")
    'Kick 10 of 2,000 jobs, watch them for up to 1m00s, and go on while buried = 0'
    """
    then = f"and go on while {safe_text(condition, limit=60)}" if condition else "and ask before the next ones"
    return f"Kick {first:,} of {jobs}, watch them for up to {span(seconds, tenths=True)}, {then}"
