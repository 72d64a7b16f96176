"""What the views with a table of jobs share: a method for each button that acts on the selected ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from beanops.notebook.job_identity import Seen
from beanops.notebook.runner import BuriedAs, Desk, Step
from beanops.notebook.views.base import View
from beanops.notebook.widgets.table import Grid
from beanops.protocol.errors import UsageError
from beanops.session.run import Run
from beanops.session.session import Session


class JobsView(View):
    """A view that acts on the jobs that are selected in one of its tables.

    Its subclass sets all of these before `View` is made.
    """

    #: How jobs are selected by a method.
    _how_to_select: ClassVar[str]
    _session: Session
    _job_table: Grid
    _seen: Seen
    _desk: Desk

    def kick(self) -> Run:
        """Kick the selected jobs."""
        return self._on_jobs("kick")

    def bury(self) -> Run:
        """Bury the selected jobs."""
        return self._on_jobs("bury")

    def release(self) -> Run:
        """Release the selected jobs: make them ready."""
        return self._on_jobs("release")

    def delete(self) -> Run:
        """Delete the selected jobs."""
        return self._on_jobs("delete")

    def move(self, to: str) -> Run:
        """Move the selected jobs into another tube."""
        return self._on_jobs("move", to)

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Take back what this view did last; see `Session.undo` for `buried_as`."""
        return self._desk.undo(buried_as)

    def _on_jobs(self, verb: str, to: str = "") -> Run:
        keys = self._job_table.selected
        if not keys:
            raise UsageError(f"no job is selected; {self._how_to_select}")
        (run,) = self._desk.act(verb, self._job_step(verb, keys, to))
        return run

    def _job_step(self, verb: str, keys: Sequence[str], to: str = "") -> Step:
        """Return what a button does to the jobs with these keys; a move puts them into the tube `to`."""
        jobs, session = self._seen.refs(keys), self._session
        if verb == "move":
            return lambda progress: session.move(jobs, to, progress=progress)
        act = getattr(session, verb)
        return lambda progress: act(jobs, progress=progress)
