"""The life of a view: shown, refreshed, replaced when its cell runs again, closed; and actions on selected jobs.

What a view shows is in its subclass.
"""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Protocol, Self, TypeVar
from weakref import WeakSet

from beanops.jobs.identity import JobRef
from beanops.notebook.job_identity import ShownJobs
from beanops.notebook.refresher import Tick
from beanops.notebook.static import StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.widget_like import WidgetLike
from beanops.notebook.widgets.channel import Channel, in_words
from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.table import Grid
from beanops.protocol.errors import UsageError
from beanops.session.config import Profile
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.ui.confirmation import Confirmation, confirmation
from beanops.ui.runner import BuriedAs, Step

T = TypeVar("T")

#: Seconds between two snapshots of a view that is shown.
SAVE_INTERVAL = 30.0


def weakly(method: Callable[..., T]) -> Callable[..., T | None]:
    """Wrap a bound method without a reference to its object: ipywidgets never releases a widget."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> T | None:
        alive = reference()
        return None if alive is None else alive(*arguments)

    return call


def confirm_of(session: Session) -> Callable[[str, int], Confirmation]:
    """Return what says what has to be confirmed before a button acts on a number of jobs."""
    known = session.profile
    return lambda button, jobs: confirmation(button.replace("_", "-"), jobs, known)


def _owner_of(session: Session) -> ViewOwner:
    context = session._context
    return ViewOwner(str(session.address), session.profile, context.now, context.views)


class ViewOwner(NamedTuple):
    """What a view shows, where that is no session.

    Attributes
    ----------
    place : str
        The servers in words: a view stands aside for a later one of the same place and name.
    profile : Profile
        Label and colour.
    now : callable
        The time, UTC.
    views : WeakSet
        Open views, which end with the owner.
    """

    place: str
    profile: Profile
    now: Callable[[], datetime]
    views: WeakSet[Any]


class Refreshes(Protocol):
    """What calls `show` of a view."""

    def add(self, view: Any) -> None:
        """Refresh a view until it is discarded or collected."""

    def discard(self, view: Any) -> None:
        """Stop refreshing a view."""

    def hurry(self) -> None:
        """Look again soon."""


class WidgetView(WidgetLike):
    """A live display in a notebook; as a context manager it closes at the end of the block.

    A displayed view lives until it or its session is closed; it is refreshed while a page shows it, and stands aside
    for a later view of the same server and name. A view that was never displayed ends with its last reference.

    It stands in boxes of ipywidgets and in marimo like a widget, without being one: ipywidgets holds every widget.

    Parameters
    ----------
    session : Session or ViewOwner
        The view closes with it.
    name : str
        This view stands aside for a later one of the same server and name.
    refresher : Refreshes
        Calls `show`.
    parts : sequence of Channel
        From top to bottom.
    """

    #: The name of its layout in the page.
    kind: ClassVar[str]
    #: The session it looks at; its subclass sets it first.
    _session: Session

    #: Views that are displayed, by server and name.
    _displayed: ClassVar[dict[tuple[str, str], WidgetView]] = {}

    def __init__(self, session: Session | ViewOwner, name: str, refresher: Refreshes, parts: Sequence[Channel]) -> None:
        owner = session if isinstance(session, ViewOwner) else _owner_of(session)
        self._root = Root(self.kind, parts)
        self.widget = self._root.widget
        self._key = (owner.place, name)
        self._refresher = refresher
        self._lock = RLock()
        self._now_is = owner.now
        self._saved_at = 0.0
        self._closing = weakref.finalize(self, self._root.close)
        self._closing.atexit = False
        self._supersede()
        self._root.on_pages = weakly(self._pages_changed)
        self._root.on_resume = weakly(self.resume)
        known = owner.profile
        self._label = safe_text(known.label or (known.name if known.color else ""))
        if self._label:
            parts[0].say("label", self._label, known.color)
        owner.views.add(self)
        refresher.add(self)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose next jobs it shows; none, unless a subclass shows some."""
        return ()

    @property
    def followed(self) -> tuple[int, ...]:
        """The jobs that it shows in whichever tube they are; none, unless a subclass shows some."""
        return ()

    @abstractmethod
    def _show(self, tick: Any) -> None:
        """Bring the parts up to date."""

    @abstractmethod
    def _complain(self, text: str) -> None:
        """Show an error."""

    @abstractmethod
    def _static(self) -> StaticTable:
        """Return the present content, for a saved notebook."""

    def _loss(self, tick: Tick) -> str:
        """Return that the server is lost, and why; empty while it answers."""
        lost = tick.live.lost
        return "" if lost is None else f"{self._session.address} is lost: {lost.error} · trying again"

    @property
    def closed(self) -> bool:
        """Whether it was closed; a closed view is not refreshed."""
        return not self._closing.alive

    @property
    def aside(self) -> bool:
        """Whether it stands aside: a later view of the same server and name has taken its place."""
        return bool(self._root.widget.aside)

    @property
    def left(self) -> bool:
        """Whether pages showed it, and none does any more."""
        return self._root.left

    def show(self, tick: Any) -> None:
        """Show a tick, or the error that keeps it from being shown: the polling thread cannot report one."""
        with self._lock:
            if self.closed:
                return
            if self._root.abandoned:
                self.close()
                return
            try:
                self._show(tick)
                if self._displayed.get(self._key) is self and self._seconds() - self._saved_at >= SAVE_INTERVAL:
                    self._save()
            except Exception as error:
                self._complain(in_words(error))
            self._root.show_life()

    def _pages_changed(self) -> None:
        # Not closed: a deleted cell can be restored, and a page that reloads says hello after its bye.
        with self._lock:
            if self.closed:
                return
            if self.left:
                self._refresher.discard(self)
                if self.aside:
                    self.close()
            elif not self.aside:
                self._refresher.add(self)

    def resume(self) -> None:
        """Go on here, after a later view of the same server and name has taken its place; that stands aside now.

        Raises
        ------
        UsageError
            The view is closed.
        """
        with self._lock:
            if self.closed:
                raise UsageError("the view is closed; open another")
            self._supersede()
            self._displayed[self._key] = self
            self._root.step_aside("")
            self._refresher.add(self)

    def _supersede(self) -> None:
        earlier = self._displayed.get(self._key)
        if earlier is not None and earlier is not self:
            earlier._stand_aside()

    def _stand_aside(self) -> None:
        """Stop refreshing: a later view has taken its place. Its page says so, with a way back."""
        self._refresher.discard(self)
        with self._lock:
            self._displayed.pop(self._key, None)
            if self.left:
                self.close()
            elif not self.closed:
                self._root.step_aside(f"a later view of this name has taken over at {self._now_is():%H:%M:%S} UTC")
                self._save()

    def _seconds(self) -> float:
        return self._now_is().timestamp()

    def _save(self) -> None:
        self._saved_at = self._seconds()
        self._root.save(self._saved_at)

    def _save_soon(self) -> None:
        """Save a snapshot with the next tick: what it shows has changed for good."""
        self._saved_at = 0.0

    def _appears(self) -> None:
        """Note that a notebook shows it, whose file keeps what is saved now."""
        if not self.closed:
            self.resume()
            with self._lock:
                self._save()

    def close(self) -> None:
        """Remove the view from the page and stop refreshing it."""
        self._refresher.discard(self)
        with self._lock:
            if self._displayed.get(self._key) is self:
                self._save()
            self._closing()
        if self._displayed.get(self._key) is self:
            del self._displayed[self._key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle = self._bundle()
        if not self.closed:
            bundle |= self._reference()
        return bundle

    def _ipython_display_(self) -> None:
        # Two outputs: an exporter prefers a widget to HTML in the same output, also where it cannot show one. The page
        # of the widget hides the first.
        from IPython import display

        outputs = [self._bundle()] if self.closed else [self._bundle(), self._reference()]
        display.display(*outputs, raw=True)  # type: ignore[no-untyped-call]

    def _bundle(self) -> dict[str, Any]:
        table = self._static()
        label = f"{self._label} · " if self._label else ""
        table = table._replace(title=f"{label}{table.title} · as of {self._now_is():%Y-%m-%d %H:%M:%S} UTC")
        html = f'<div class="beanops-static beanops-static-{self._root.key}">{table.html}</div>'
        return {"text/html": html, "text/plain": table.text}

    def _reference(self) -> dict[str, Any]:
        about = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": about}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._key[0]}{', closed' if self.closed else ''}>"


class JobsView(WidgetView):
    """A view that acts on the jobs that are selected in one of its tables.

    Its subclass sets all of these before it calls `WidgetView.__init__`.
    """

    #: How to select jobs, for an error.
    _how_to_select: ClassVar[str]
    _job_table: Grid
    _seen: ShownJobs
    _actions: ViewActions

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
        """Undo the last action of this view; see `Session.undo` for `buried_as`."""
        return self._actions.undo(buried_as)

    def _on_jobs(self, verb: str, to: str = "") -> Run:
        keys = self._job_table.selected
        if not keys:
            raise UsageError(f"no job is selected; {self._how_to_select}")
        (run,) = self._actions.act(verb, self._job_step(verb, keys, to))
        return run

    def _job_step(self, verb: str, keys: Sequence[str], to: str = "") -> Step:
        """Return the step of a button on the jobs with these keys; `to` is the tube of a move."""
        target = f"job {keys[0]}" if len(keys) == 1 else f"{len(keys):,} jobs"
        return self._step_on(verb, self._seen.refs(keys), target, to)

    def _step_on(self, verb: str, jobs: Sequence[JobRef], target: str, to: str, **options: Any) -> Step:
        """Return the step of a verb on jobs, which are `target` in words; `to` is the tube of a move."""
        act = getattr(self._session, verb)
        where_to = (to,) if verb == "move" else ()
        return Step(target, lambda progress: act(jobs, *where_to, progress=progress, **options))
