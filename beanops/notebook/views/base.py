"""The life of a view: shown, polled for, replaced when its cell runs again, closed.

What it shows is in its subclass.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from threading import RLock
from types import TracebackType
from typing import Any, ClassVar, Self

import ipywidgets

from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import Table
from beanops.notebook.widgets.channel import Channel, in_words
from beanops.session.session import Session
from beanops.text import safe_text


def weakly(method: Callable[..., None]) -> Callable[..., None]:
    """Return a call of a bound method that does not keep its object: ipywidgets keeps every widget for ever."""
    reference = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        alive = reference()
        if alive is not None:
            alive(*arguments)

    return call


def confirm_of(session: Session) -> str:
    """Return what must be typed before an armed button acts: the server's name, where its user wants it so."""
    return session.profile.name if session.profile.confirm == "type-name" else ""


def _close_all(widget: ipywidgets.Widget) -> None:
    for part in (*getattr(widget, "children", ()), widget.layout):
        part.close() if isinstance(part, ipywidgets.Layout) else _close_all(part)
    widget.close()


class View(ABC):
    """Something live in a notebook.

    A view that was displayed lives until it or its session is closed, or it is replaced by one of the same server
    and name; it is polled for as long as a page shows it. One that never was goes with its last reference. A view is
    a context manager that closes it.

    Parameters
    ----------
    session : Session
        Ends with it; a later view of the same server and name replaces this one.
    name : str
        Of the view.
    refresher : Refresher
        Calls `show`.
    parts : sequence of Channel
        What is displayed, from top to bottom.
    """

    #: Views that are displayed, by server and name.
    _displayed: ClassVar[dict[tuple[str, str], View]] = {}

    def __init__(self, session: Session, name: str, refresher: Refresher, parts: Sequence[Channel]) -> None:
        self.widget = ipywidgets.VBox([part.widget for part in parts])
        self._parts = parts
        self._key = (str(session.address), name)
        self._refresher = refresher
        self._lock = RLock()
        self._closing = weakref.finalize(self, _close_all, self.widget)
        self._closing.atexit = False
        earlier = self._displayed.get(self._key)
        if earlier is not None:
            earlier.close()
        for part in parts:
            part.on_pages = weakly(self._pages_changed)
        known = session.profile
        self._label = safe_text(known.label or (known.name if known.color else ""))
        if self._label:
            parts[0].say("label", self._label, known.color)
        session.origin.opened.add(self)
        refresher.add(self)

    @property
    @abstractmethod
    def wanted(self) -> tuple[str, ...]:
        """The tubes whose heads it shows."""

    @property
    @abstractmethod
    def followed(self) -> tuple[int, ...]:
        """The jobs that it shows wherever they are."""

    @abstractmethod
    def _show(self, tick: Tick) -> None:
        """Bring the widgets up to date."""

    @abstractmethod
    def _complain(self, text: str) -> None:
        """Show what went wrong."""

    @abstractmethod
    def _static(self) -> Table:
        """Return what is shown now."""

    @property
    def closed(self) -> bool:
        """Whether it was closed; a closed view is polled for no more."""
        return not self._closing.alive

    @property
    def left(self) -> bool:
        """Whether pages showed it, and none does any more."""
        return all(part.left for part in self._parts)

    def show(self, tick: Tick) -> None:
        """Show a tick; what goes wrong is shown too, for the polling thread has nobody to tell."""
        with self._lock:
            if self.closed:
                return
            try:
                self._show(tick)
            except Exception as error:
                self._complain(in_words(error))

    def _pages_changed(self) -> None:
        # Not closed: a deleted cell can be brought back, and a page that is loaded anew says hello after its bye.
        with self._lock:
            if self.closed:
                return
            if self.left:
                self._refresher.discard(self)
            else:
                self._refresher.add(self)

    def close(self) -> None:
        """Take it off the page and stop polling for it."""
        self._refresher.discard(self)
        with self._lock:
            self._closing()
        if self._displayed.get(self._key) is self:
            del self._displayed[self._key]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        table = self._static()
        if self._label:
            table = table._replace(title=f"{self._label} · {table.title}")
        bundle: dict[str, Any] = {"text/html": table.html, "text/plain": table.text}
        if not self.closed:
            self._displayed[self._key] = self
            bundle["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.widget.model_id,
            }
        return bundle

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._key[0]}{', closed' if self.closed else ''}>"
