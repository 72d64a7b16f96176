"""The one widget of a view: it carries the messages of all its parts, and knows which pages show it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import anywidget
import traitlets
from ipywidgets import Layout

from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.notebook.widgets.page_files import page_module, page_style
from beanops.notebook.widgets.selection import packed, unpacked


class _RootPage(anywidget.AnyWidget):
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode().tag(sync=True)
    parts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    aside = traitlets.Unicode().tag(sync=True)
    snapshot: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    selected: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, on_state: Callable[[], None], **state: Any) -> None:
        self.on_state = on_state
        # Widgets hold back what other threads set while they take what a page set.
        self.lock = RLock()
        super().__init__(**state)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what a page set, and have it handled without the lock."""
        with self.lock:
            super().set_state(sync_data)
        self.on_state()


class Root:
    """The widget of a view, and what it exchanges with its pages.

    A page sends ``hello`` when it appears, and again with a part's name when that misses a message; Python answers with
    everything, and ``welcome`` at the end. A page that goes sends ``bye``. A page that hears nothing for some seconds
    sends ``ping``. All other messages belong to a part.

    Parameters
    ----------
    view : str
        The name of the view's layout, such as ``"dashboard"``.
    parts : sequence of Channel
        From top to bottom.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    widget : AnyWidget
        What is displayed.
    key : str
        A unique name, for class names in pages.
    on_pages : callable or None
        Called when a page appears or goes.
    on_resume : callable or None
        Called when the user wants to go on with a view that stands aside.
    """

    def __init__(self, view: str, parts: Sequence[Channel], clock: Callable[[], float] = time.monotonic) -> None:
        self._parts = {part.name: part for part in parts}
        self._clock = clock
        self._greeted = False
        self._silent = True
        self._selections: dict[str, Any] = {}
        self._pages: set[str] = set()
        self.on_pages: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None
        self.key = secrets.token_hex(6)
        described = [{"name": part.name, "kind": part.kind, "options": part.options} for part in parts]
        files = [file for part in parts for file in part.files]
        self.widget = _RootPage(
            self._take_selections,
            _esm=page_module(files),
            _css=page_style(files),
            view=view,
            key=self.key,
            parts=described,
            layout=Layout(width="100%", min_width="0"),  # in a box, which has no width for it otherwise
        )
        for part in parts:
            part.root = self
        self.widget.on_msg(self._receive)

    @property
    def abandoned(self) -> bool:
        """Whether the front end has closed the connection for ever, as marimo does when a cell runs again."""
        return self.widget.comm is None or getattr(self.widget.comm, "_closed", False)

    @property
    def left(self) -> bool:
        """Whether pages showed it and none does any more: its cell was deleted, or its output cleared."""
        return self._greeted and not self._pages

    def send(self, message: dict[str, Any], buffers: Buffers | None = None) -> None:
        """Send a message to all pages."""
        self._silent = False
        self.widget.send(message, buffers)

    def show_life(self) -> None:
        """Send a message if none was sent since the last call: a page that hears nothing takes the kernel for dead.

        Called from the thread that polls: the one that handles messages may be busy with a cell.
        """
        if self._silent:
            self.send({"kind": "alive", "sent": self._clock()})
        self._silent = True

    def select(self, part: str, keys: Sequence[str], focus: str | None) -> None:
        """Select rows of a part on all pages."""
        with self.widget.lock:
            self._selections = {**self.widget.selected, part: packed(keys, focus)}
            self.widget.selected = self._selections

    def save(self, at: float) -> None:
        """Keep a snapshot of all parts, for pages without a kernel; `at` is the time, in seconds since 1970."""
        parts = {name: part.snapshot() for name, part in self._parts.items()}
        with self.widget.lock:
            self.widget.snapshot = {"at": round(at), "parts": parts}

    def step_aside(self, why: str) -> None:
        """Say on all pages why the view has stopped, with a way back; an empty text: it goes on."""
        with self.widget.lock:
            self.widget.aside = why

    def close(self) -> None:
        """Remove the widget from its pages."""
        self.widget.layout.close()
        self.widget.close()

    def _receive(self, _: object, message: dict[str, Any], buffers: Buffers) -> None:
        kind, name = message.get("kind"), message.get("part")
        if kind == "hello":
            self._greeted = True
            self._pages.add(message.get("page", ""))
            for part in self._parts.values():
                if name in (None, part.name):
                    part.welcome()
            self.send({"kind": "welcome", "sent": self._clock()})
            self._tell_pages()
        elif kind == "bye":
            self._pages.discard(message.get("page", ""))
            self._tell_pages()
        elif kind == "ping":
            self.send({"kind": "pong", "sent": self._clock()})
        elif kind == "resume" and self.on_resume:
            self.on_resume()
        elif name in self._parts:
            self._parts[name].receive(message, buffers)

    def _take_selections(self) -> None:
        with self.widget.lock:
            before, self._selections = self._selections, self.widget.selected
            changed = {name: now for name, now in self._selections.items() if now != before.get(name)}
        for name in changed.keys() & self._parts.keys():
            self._parts[name].receive_selection(*unpacked(changed[name]))

    def _tell_pages(self) -> None:
        if self.on_pages:
            self.on_pages()
