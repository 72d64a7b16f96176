"""A view that first looks what an action would do, and carries that out once a user has confirmed it."""

from __future__ import annotations

import threading
import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from beanops.journal.records import Refused
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import WidgetView, weakly
from beanops.notebook.widgets.buttons import Click
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.panel import ActionPanel
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.execution.targets import NotAllFound
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.runner import BuriedAs, Progress, Results, Runner, Step

#: Options that choose jobs, and those that say how a run proceeds.
_CHOICE, _HOW = ("state", "where", "group", "order"), ("reason", "rate", "buried_as")
#: Seconds to wait for the look at the jobs before a notebook file gets the view.
PATIENCE = 1.0
Phase = Literal["looking", "ready", "running", "over"]


class PlannedView(WidgetView):
    """A view of one action on jobs: nothing is sent before it is confirmed, and only to the jobs that were shown.

    Parameters
    ----------
    session : Session
        Acts on them.
    refresher : Refresher
        Calls `show`.
    name : str
        Name of the view.
    action : str
        The verb.
    jobs
        The jobs, as the verb takes them.
    options : Options
        Which of them, and how.
    panel : ActionPanel
        Shows it.
    actions : ViewActions
        Carries it out, and reports in the panel.
    dry_run : callable
        Makes the dry run, from the jobs and options; it must not refer to the view.
    """

    def __init__(
        self,
        session: Session,
        refresher: Refresher,
        name: str,
        action: str,
        jobs: Any,
        options: Options,
        panel: ActionPanel,
        actions: ViewActions,
        dry_run: Callable[[Any, Options], Run],
    ) -> None:
        if session.read_only:
            raise Refused(f"{action} was refused: this session on {session.address} is read-only")
        if options.get("dry_run") is not None:
            raise UsageError(f"a view of {action} takes no dry_run: it makes one, and asks before it sends anything")
        self._session = session
        self._action = action
        self._jobs = list(jobs) if isinstance(jobs, Iterator) else jobs  # read twice: for the plan and for the run
        self._options = options
        self._panel = panel
        self._actions = actions
        self._dry_run = dry_run
        self._plan: Run | None = None
        self._phase: Phase = "ready"
        self._lost = ""
        self._looks_so_far = 0
        self._looker = Runner()
        self._looking: threading.Thread | None = None
        # A canary that waits for an answer ends with its view.
        weakref.finalize(self, actions.cancel).atexit = False
        super().__init__(session, name, refresher, (panel,))
        self.look_again()

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Run | None:
        """The dry run of what it would do; None while it looks."""
        return self._plan

    @property
    def status(self) -> str:
        """The status line: the result of the last action, or an error."""
        return self._panel.said("status")

    @property
    def title(self) -> str:
        """The line above."""
        return self._panel.said("title")

    def look_again(self) -> None:
        """Look again for the jobs, and what would become of them; nothing is sent to them.

        Raises
        ------
        UsageError
            The action is under way, or the view is closed.
        """
        with self._lock:
            if self.closed:
                raise UsageError("the view is closed; open another")
            if self._phase == "running":
                raise UsageError(f"{self._action} is under way; wait for it or stop it")
            if self._phase == "looking" and self._looking is not None:
                return
            self._phase, self._plan = "looking", None
            self._looks_so_far += 1
            self._panel.say("status", "")
            self._forget()
            self._looker = Runner(weakly(self._looks))
            dry, jobs, options = self._dry_run, self._jobs, self._options
            step = Step("the jobs", lambda progress: dry(jobs, Options(**options, dry_run=True, progress=progress)))
            looker, looked = self._looker, weakly(self._looked)
            self._looking = threading.Thread(
                target=lambda: looked(looker.carry_out([step])), name="beanops-look", daemon=True
            )
            self._paint()
        self._looking.start()

    def _looks(self, run: Run) -> None:
        self._panel.say("progress", f"{plural(run.counted, 'job')} seen")

    def _looked(self, results: Results) -> None:
        with self._lock:
            if self.closed:
                return
            self._panel.say("progress", "")
            self._phase = "ready"
            for _, error in results.errors:
                self._complain(in_words(error))
            for run in results.runs:
                if run.cause is not None and not isinstance(run.cause, NotAllFound):
                    self._complain(str(run.cause))
                else:
                    self._plan = run
            self._paint()
            self._save_soon()

    # -- act -----------------------------------------------------------------------------------------------------

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Undo the last action of this view; see `Session.undo` for `buried_as`."""
        return self._actions.undo(buried_as)

    def wait(self) -> None:
        """Wait until it has looked, and until the action is over."""
        if self._looking is not None:
            self._looking.join()
        self._actions.wait()

    def close(self) -> None:
        """Remove the view from the page, and end the action after the batch under way."""
        self._looker.cancel()
        self._actions.cancel()
        super().close()

    def _chosen(self) -> tuple[Any, Options]:
        """Return the jobs as they were shown, and the options of the run.

        Raises
        ------
        UsageError
            There are no jobs, or it is over.
        """
        if self._looking is not None:
            self._looking.join()
        if self._phase == "over":
            raise UsageError(f"{self._action} is over; look again first")
        if self._plan is None or not self._plan.done:
            why = self.status or ("it has not looked" if self._plan is None else self._plan.summary)
            raise UsageError(f"nothing to {self._action}: {why}")
        kept = {name: value for name, value in self._options.items() if name in (*_CHOICE, *_HOW)}
        return self._plan.refs, Options(**kept)  # type: ignore[typeddict-item]

    def _step(self, call: Callable[[Progress], Run]) -> Step:
        """Return the step of the action, which notes its end; `call` must not refer to the view."""
        over = weakly(self._over)

        def act(progress: Progress) -> Run:
            try:
                return call(progress)
            finally:
                over()

        return Step(self._words, act)

    def _begin(self, act: Callable[..., Any], call: Callable[[Progress], Run], runner: Runner | None = None) -> Any:
        """Begin the action with `ViewActions.act` or `act_soon`, and return what that does.

        `call` must not refer to the view.
        """
        with self._lock:
            before, last = self._phase, self._actions.runner
            if before == "running":
                raise UsageError(f"{self._action} is under way; wait for it or stop it")
            self._phase = "running"
            self._paint()
        try:
            return act(self._action, self._step(call), runner=runner)
        finally:
            with self._lock:
                if self._actions.runner is last:  # refused: another action is under way
                    self._phase = before
                self._paint()

    def _over(self) -> None:
        with self._lock:
            self._phase = "over"
            self._paint()
            self._save_soon()

    def _clicked(self, click: Click) -> None:
        if click.name == "undo":
            self._actions.undo_soon(click.keys)
        elif click.name == "look":
            self.look_again()
        else:
            self._press(click)

    def _done(self, _: Sequence[Run]) -> None:
        with self._lock:
            self._paint()
            self._save_soon()

    # -- show ----------------------------------------------------------------------------------------------------

    @property
    def _words(self) -> str:
        """The jobs in words."""
        jobs = self._jobs
        return f"tube {safe_text(jobs)}" if isinstance(jobs, str) else "the given jobs"

    @abstractmethod
    def _press(self, click: Click) -> None:
        """Carry out a click on another button than undo."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget what came of the last action."""

    @abstractmethod
    def _paint(self) -> None:
        """Show everything as it is now."""

    def _title(self, text: str, tone: str = "") -> None:
        said = self._lost or text
        self._panel.say("title", f"{self._action} of {self._words} · {said}", "lost" if self._lost else tone)

    def _bundle(self) -> dict[str, Any]:
        if self._looking is not None:
            self._looking.join(PATIENCE)
        return super()._bundle()

    def _show(self, tick: Tick) -> None:
        lost = self._loss(tick)
        if lost != self._lost:
            self._lost = lost
            self._paint()

    def _complain(self, text: str) -> None:
        self._panel.say("status", text, "error")
