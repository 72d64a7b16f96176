"""A canary in a notebook: jobs are kicked in waves, and a page shows what becomes of each before the next one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from beanops.notebook.refresher import Refresher
from beanops.notebook.shown_waves import shown_waves, static_waves
from beanops.notebook.static import StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import confirm_of, weakly
from beanops.notebook.views.planned import PlannedView
from beanops.notebook.widgets.buttons import Click
from beanops.notebook.widgets.waves import WavePanel
from beanops.protocol.errors import UsageError
from beanops.session import job_verbs
from beanops.session.execution.run import Run
from beanops.session.investigation.canary import CanaryRun, Hooks, Stages, canary
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.text import plural, safe_text, span
from beanops.ui.confirmation import confirmation
from beanops.ui.runner import Progress
from beanops.ui.waves import Question, WaveRunner, what_it_does

if TYPE_CHECKING:
    import pandas

#: From left to right, and whether a first click only arms it.
_BUTTONS = {"kick": True, "go_on": False, "stop": False, "undo": False, "look": False}


class CanaryView(PlannedView):
    """A canary that begins when it is confirmed, opened by `Session.canary_widget`.

    Attributes
    ----------
    waves : WavePanel
        The part that shows it.

    Examples
    --------
    >>> view = session.canary_widget("mail", first=1, watch="2s", state="ready, buried")
    >>> view.start()
    >>> view.wait()
    """

    kind = "canary"

    def __init__(
        self,
        session: Session,
        refresher: Refresher,
        name: str,
        jobs: Any,
        stages: Stages,
        options: Options,
        hooks: Hooks = Hooks(),  # noqa: B008
    ) -> None:
        session = session._through("notebook")
        self._stages, self._hooks = stages, hooks
        self._settled = threading.Event()
        self._found: list[CanaryRun] = []
        self.waves = WavePanel("waves", _BUTTONS, confirm_of(session), weakly(self._clicked), weakly(self._complain))
        actions = ViewActions(self.waves, session, weakly(self._done))
        self._runner: WaveRunner | None = None
        options = Options(**{name: value for name, value in options.items() if name != "progress"})  # type: ignore[typeddict-item]
        if isinstance(jobs, str) and options.get("state") is None:
            options["state"] = "buried"
        executor = session._executor
        super().__init__(
            session, refresher, name, "canary", jobs, options, self.waves, actions,
            lambda jobs, how: job_verbs.kick(executor, jobs, how),
        )  # fmt: skip

    @property
    def question(self) -> Question | None:
        """The next wave, where it asks whether to go on."""
        return None if self._runner is None else self._runner.question

    @property
    def result(self) -> pandas.DataFrame | None:
        """What became of the jobs, as `Session.canary` returns it; None before the end."""
        from beanops.session.investigation.canary_frames import canary_frame

        return canary_frame(self._found[0]) if self._found else None

    def start(self) -> None:
        """Kick the first wave, and follow it; `wait` returns when it asks, or is over.

        Raises
        ------
        UsageError
            There are no jobs to kick, or a canary is under way.
        """
        jobs, options = self._chosen()
        stages, found, executor = self._stages, self._found, self._session._executor
        changed = weakly(self._changed)
        runner = WaveRunner(lambda run: changed(), changed)
        asks = None if stages.promote_if else runner.ask
        hooks = self._hooks._replace(show=runner.show, ask=asks, look=runner.look)

        def kick(progress: Progress) -> Run:
            how = Options(**options, progress=progress)
            found[:] = [canary(executor, jobs, stages, how, hooks._replace(began=progress))]
            return found[0].run

        if self._phase != "running":
            found.clear()
            self._settled.clear()
            self._runner = runner
        self._begin(self._actions.act_soon, kick, runner)

    def go_on(self) -> None:
        """Kick the next wave.

        Raises
        ------
        UsageError
            It does not ask.
        """
        self._answer(True)

    def stop(self) -> None:
        """Stop, and leave the other jobs untouched; while it kicks, after the batch under way."""
        if self.question is not None:
            self._answer(False)
        elif self._phase == "running":
            self._actions.cancel()
            with self._lock:
                self._paint()

    def wait(self) -> None:
        """Wait until it asks whether to go on, or is over."""
        if self._phase == "running":
            self._settled.wait()
        if self.question is None:
            super().wait()

    def _answer(self, yes: bool) -> None:
        if self._runner is None or self._runner.question is None:
            raise UsageError("no question to answer: no wave is over, or the canary is")
        self._settled.clear()
        self._runner.answer(yes)

    def _over(self) -> None:
        super()._over()
        self._settled.set()

    def _changed(self) -> None:
        with self._lock:
            self._paint()
        if self.question is not None:
            self._settled.set()

    def _press(self, click: Click) -> None:
        waves = self._wave_keys
        if click.keys != waves:
            raise UsageError(f"{click.name} was refused: it was for an earlier wave")
        {"kick": self.start, "go_on": self.go_on, "stop": self.stop}[click.name]()

    def _forget(self) -> None:
        self._runner = None
        self._found.clear()

    # -- show ----------------------------------------------------------------------------------------------------

    @property
    def _total(self) -> int:
        return 0 if self._plan is None else self._plan.done

    @property
    def _wave_keys(self) -> tuple[str, ...]:
        """What a click on a button must be for."""
        waves = 0 if self._runner is None else len(self._runner.waves)
        return (f"wave {waves + 1}",)

    def _paint(self) -> None:
        runner, phase, total = self._runner, self._phase, self._total
        self.waves.show({"phase": phase, **shown_waves(runner, self._stages, total)})
        question = None if runner is None else runner.question
        stopping = runner is not None and runner.cancelled
        running = phase == "running" and not stopping
        if phase == "looking":
            self._title("looking for the jobs ...")
        elif phase == "ready":
            self._title(self._plan_words)
        elif phase == "over":
            self._title(self._found[0].ending if self._found else "over")
        elif stopping:
            self._title("stopping after the batch under way ...", "live")
        elif question is not None:
            self._title(f"wave {len(runner.waves) if runner else 0} is over: kick {question.which}?", "live")
        elif runner is not None and runner.watched:
            number = len(runner.waves) + 1
            self._title(f"wave {number} is watched for {span(runner.seconds_left)} more", "live")
        else:
            done = 0 if runner is None else runner.counts["done"]
            self._title(f"{plural(done, 'job')} kicked ...", "live")
        keys = self._wave_keys
        first = min(self._stages.first, total)
        label = (
            f"Kick the first {first:,} of {plural(total, 'job')}" if first < total else f"Kick {plural(total, 'job')}"
        )
        # With a condition nobody is asked again: all of them are confirmed at once.
        at_once = total if self._stages.promote_if else first
        needed = confirmation("canary", at_once, self._session.profile)
        self.waves.offer("kick", label if phase == "ready" and total else "", keys, needed)
        asked = question if running else None
        needed = confirmation("canary", 0 if asked is None else asked.size, self._session.profile)
        self.waves.offer("go_on", "" if asked is None else f"Kick {asked.which}", keys, needed)
        self.waves.offer("stop", "Stop" if running else "", keys, confirmation("stop"))
        self.waves.offer("look", "Look again" if phase in ("ready", "over") else "", (), confirmation("look"))

    @property
    def _plan_words(self) -> str:
        if self._plan is None:
            return "not looked yet"
        total = self._total
        if not total:
            return "no jobs to kick"
        condition = self._stages.promote_if
        first = min(self._stages.first, total)
        said = what_it_does(first, plural(total, "job"), self._stages.seconds, condition.text if condition else "")
        return safe_text(said[:1].lower() + said[1:])

    def _static(self) -> StaticTable:
        with self._lock:
            runner = self._runner
            waves = [] if runner is None else [*(wave.jobs for wave in runner.waves), list(runner.watched)]
            return static_waves(self.title, waves)
