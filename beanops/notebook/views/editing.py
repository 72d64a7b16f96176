"""An edit in a notebook: the difference that it makes is shown before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beanops.jobs.bodies import DEFAULT_PATTERNS
from beanops.notebook.refresher import Refresher
from beanops.notebook.shown_edits import shown_edit, static_edit
from beanops.notebook.static import StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import confirm_of, weakly
from beanops.notebook.views.planned import PlannedView
from beanops.notebook.widgets.buttons import Click
from beanops.notebook.widgets.diffs import DiffPanel
from beanops.protocol.errors import UsageError
from beanops.session.execution.run import Run
from beanops.session.options import Options
from beanops.session.session import Session
from beanops.text import plural
from beanops.ui.confirmation import Confirmation, confirmation
from beanops.ui.runner import Progress

#: From left to right, and whether a first click only arms it.
_BUTTONS = {"edit": True, "stop": False, "undo": False, "look": False}


class EditView(PlannedView):
    """An edit that begins when it is confirmed, opened by `Session.edit_widget`.

    Attributes
    ----------
    diffs : DiffPanel
        The part that shows it.

    Examples
    --------
    >>> view = session.edit_widget("mail", {"$.user": 7})
    >>> view.wait()
    >>> view.plan.done
    1
    """

    kind = "edit"

    def __init__(
        self,
        session: Session,
        refresher: Refresher,
        name: str,
        jobs: Any,
        edit: Callable[[Session, Any, Options], Run],
        options: Options,
    ) -> None:
        session = session._through("notebook")
        self._edit, self._edited = edit, list[Run]()
        self._shown_of: tuple[Run | None, Run | None] = (None, None)
        self._drawn: dict[str, Any] = shown_edit(None, None)
        self._kept = self._drawn
        self.diffs = DiffPanel("diffs", _BUTTONS, confirm_of(session), weakly(self._clicked), weakly(self._complain))
        actions = ViewActions(self.diffs, session, weakly(self._done))
        options = Options(**{name: value for name, value in options.items() if name != "progress"})  # type: ignore[typeddict-item]
        super().__init__(
            session, refresher, name, "edit", jobs, options, self.diffs, actions,
            lambda jobs, how: edit(session, jobs, how),
        )  # fmt: skip

    def edit(self) -> Run:
        """Edit the jobs as shown, and wait until that is over."""
        (run,) = self._begin(self._actions.act, self._call())
        assert isinstance(run, Run)
        return run

    def stop(self) -> None:
        """End the edit after the batch under way."""
        self._actions.cancel()

    def _call(self) -> Callable[[Progress], Run]:
        jobs, options = self._chosen()
        edit, session, edited = self._edit, self._session, self._edited

        def call(progress: Progress) -> Run:
            edited[:] = [edit(session, jobs, Options(**options, progress=progress))]
            return edited[0]

        return call

    def _press(self, click: Click) -> None:
        if click.name == "stop":
            self.stop()
        elif click.keys != self._planned_keys:
            raise UsageError("edit was refused: it was for an earlier look")
        else:
            self._begin(self._actions.act_soon, self._call())

    def _forget(self) -> None:
        self._edited.clear()

    # -- show ----------------------------------------------------------------------------------------------------

    @property
    def _planned_keys(self) -> tuple[str, ...]:
        """What a click on the button must be for."""
        return () if self._plan is None else (f"look {self._looks_so_far}",)

    def _paint(self) -> None:
        plan, phase = self._plan, self._phase
        run = self._edited[0] if self._edited else None
        if self._shown_of != (plan, run):  # differences cost time
            self._shown_of, self._drawn = (plan, run), shown_edit(plan, run)
            secrets = (*DEFAULT_PATTERNS, *self._session._context.redact)
            self._kept = shown_edit(plan, run, secrets)
        self.diffs.safe = {"phase": phase, **self._kept}
        self.diffs.show({"phase": phase, **self._drawn})
        number = 0 if plan is None else plan.done
        if phase == "looking":
            self._title("looking what would change ...")
        elif phase == "running":
            self._title("under way ...", "live")
        elif phase == "over":
            self._title("over")
        elif plan is None:
            self._title("not looked yet")
        else:
            self._title(f"{plural(number, 'job')} to change, nothing is sent yet" if number else "nothing to change")
        label = f"Edit {plural(number, 'job')}" if phase == "ready" and number else ""
        self.diffs.offer("edit", label, self._planned_keys, confirmation("edit", number, self._session.profile))
        self.diffs.offer("stop", "Stop" if phase == "running" else "", (), Confirmation())
        self.diffs.offer("look", "Look again" if phase in ("ready", "over") else "", (), Confirmation())

    def _static(self) -> StaticTable:
        with self._lock:
            status = f" · {self.status}" if self.status else ""
            return static_edit(f"{self.title}{status}", self._kept)
