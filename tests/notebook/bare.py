"""A page without JupyterLab that shows views of this process: the front end of anywidget in a headless browser.

The page side is ``bare.js``. Handlers run in the thread of the test, while it waits for the page; what other threads
send arrives then too.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from anywidget import AnyWidget
from ipywidgets import Widget
from ipywidgets.widgets.widget import _remove_buffers

from beanops.notebook.widgets.channel import Channel
from beanops.notebook.widgets.root import Root
from tests.notebook.lab import Shown
from tests.waits import PATIENCE

Theme = Literal["light", "dark", "high contrast"]
Host = Literal["bare", "jupyterlab", "marimo", "vscode", "colab"]
#: How a kernel dies for a page: unnoticed, after a notice that its state changed, so that sending raises an error, or
#: with its models closed.
Death = Literal["hung", "silent", "throws", "closed"]

URL = "http://localhost/"  # a secure context, so that the clipboard works; nothing is really asked of it
_SCRIPT = (Path(__file__).parent / "bare.js").read_text()
_THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
_LAB = {"light": "theme-light", "dark": "theme-dark", "high contrast": "theme-dark-high-contrast"}
_PLAIN = "body { margin: 0; background: Canvas; color: CanvasText; color-scheme: %s; }"
_CODE = {
    "light": ("vscode-light", "#3b3b3b", "#ffffff", "#005fb8", "#e5e5e5"),
    "dark": ("vscode-dark", "#cccccc", "#1f1f1f", "#0078d4", "#313131"),
    "high contrast": ("vscode-high-contrast", "#ffffff", "#000000", "#f38518", "#6fc3df"),
}


class _Wire:
    """What the widgets of one page send, in order, and what comes from there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[dict[str, Any]] = []
        self._first = 0
        self._widgets: dict[str, Widget] = {}
        self._own: dict[str, Any] = {}
        self.alive = True
        #: Bytes of JSON and of buffers that Python has sent, and the number of its messages.
        self.sent = self.messages = 0

    def attach(self, widget: Widget) -> None:
        model, comm = widget.model_id, widget.comm
        if model in self._widgets:
            return
        before = comm.publish_msg

        def publish(kind: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any) -> None:
            before(kind, data, metadata, buffers, **keys)
            self._put(model, kind, data, buffers or [])

        comm.publish_msg = publish
        self._widgets[model], self._own[model] = widget, comm

    def _put(self, model: str, kind: str, data: Any, buffers: list[Any]) -> None:
        if not self.alive:
            return
        # Written now: a kernel would have sent it at this moment.
        text = json.dumps({"model": model, "type": kind, "data": data, "buffers": [_text(each) for each in buffers]})
        with self._lock:
            self._queue.append(json.loads(text))
            self.sent += len(text)
            self.messages += 1

    def take(self) -> dict[str, Any]:
        with self._lock:
            first, messages = self._first, self._queue
            self._first, self._queue = first + len(messages), []
        return {"first": first, "messages": messages}

    def reset(self) -> None:
        """Begin again with a page that has heard nothing."""
        with self._lock:
            self._first, self._queue = 0, []

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        if self.alive and message["model"] in self._own:
            buffers = [memoryview(base64.b64decode(each)) for each in message["buffers"]]
            self._own[message["model"]].handle_msg({"content": {"data": message["data"]}, "buffers": buffers})
        return self.take()

    def state(self, model: str) -> tuple[Any, list[tuple[list[str | int], str]]]:
        """Return the synced traits of a widget as JSON, and its buffers with their paths."""
        state, paths, buffers = _remove_buffers(self._widgets[model].get_state())
        return _plain(state), [(path, _text(each)) for path, each in zip(paths, buffers, strict=True)]

    def close(self) -> None:
        self.alive = False


def _plain(value: Any) -> Any:
    """Return a value as it looks after a way through JSON."""
    return json.loads(json.dumps(value, default=str))


def _text(buffer: Any) -> str:
    return base64.b64encode(bytes(buffer)).decode()


def _widgets(shown: Any) -> list[AnyWidget]:
    """Return the AnyWidgets of a view or a box, from top to bottom; a part without a view gets a root of its own."""
    if isinstance(shown, Channel):
        root = shown.root if isinstance(shown.root, Root) else Root("part", [shown])
        return [root.widget]
    widget = getattr(shown, "widget", shown)
    if isinstance(widget, AnyWidget):
        return [widget]
    return [each for child in getattr(widget, "children", ()) for each in _widgets(child)]


class BarePage(Shown):
    """One tab of a browser that shows views; see `bare_page`.

    Attributes
    ----------
    errors : list of str
        What went wrong on the page, and what it asked of the network.
    """

    def __init__(self, page: Any, theme: Theme, host: Host) -> None:
        super().__init__(page)
        self._wire = _Wire()
        self._theme, self._host = theme, host
        self._shown: list[str] = []
        page.route("**/*", self._route)
        page.expose_function("beanopsSend", self._wire.send)
        page.expose_function("beanopsTake", self._wire.take)
        self._open()

    # -- what is shown -------------------------------------------------------------------------------------------

    def show(self, *views: Any) -> None:
        """Show views, widgets, or parts of a view below each other; one that is shown already appears a second time."""
        for widget in (each for view in views for each in _widgets(view)):
            self._wire.attach(widget)
            self._shown.append(widget.model_id)
            self._place(widget.model_id)

    def saved(self) -> dict[str, Any]:
        """Return what a notebook file would save of the widgets now; `reopen` shows it."""
        return {model: self._wire.state(model) for model in self._shown}

    def reopen(self, saved: dict[str, Any] | None = None) -> None:
        """Show views as a file saved them and without a kernel, by default those that are shown, as they are now."""
        states = self.saved() if saved is None else saved
        self._shown = list(states)
        self._wire.close()
        self._open()
        self.page.evaluate("() => { bare.dead = 'silent'; }")
        for model in self._shown:
            self._place(model, states[model])

    def reload(self) -> None:
        """Load the page again, as with F5."""
        self._open()
        for model in self._shown:
            self._place(model)

    def remove(self, which: int) -> None:
        """Remove one output, as a deleted cell does."""
        self.page.evaluate(
            """(which) => {
              const place = document.querySelectorAll(".bare-output")[which];
              bare.models.forEach((model) => model.endView(place));
            }""",
            which,
        )

    # -- the kernel ----------------------------------------------------------------------------------------------

    def kill(self, how: Death = "silent") -> None:
        """End the kernel for this page; Python goes on, but neither side hears the other."""
        self._wire.alive = False
        self.page.evaluate("(how) => bare.kill(how)", how)

    def revive(self) -> None:
        """Connect again with the kernel; messages between are lost."""
        self._wire.alive = True
        self.page.evaluate("() => bare.revive()")

    @property
    def sent(self) -> int:
        """Bytes that Python has sent so far."""
        return self._wire.sent

    @property
    def messages(self) -> int:
        """Messages that Python has sent so far."""
        return self._wire.messages

    def close(self) -> None:
        """Close the tab."""
        self._wire.close()
        self.page.close()

    # -- how it looks --------------------------------------------------------------------------------------------

    def resize(self, width: int, height: int = 1000) -> None:
        """Set the size of the page in pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def wear(self, theme: Theme) -> None:
        """Change the theme of the page, as a user does who changes that of JupyterLab."""
        self._theme = theme
        self._dress()

    def _route(self, route: Any) -> None:
        if route.request.url == URL:
            route.fulfill(content_type="text/html", body="<!doctype html><html lang=en><title>bare</title></html>")
        else:
            if not route.request.url.endswith("/favicon.ico"):
                self.errors.append(f"network: {route.request.url}")
            route.abort()

    def _open(self) -> None:
        self._wire.reset()
        self.page.goto(URL)
        self.page.add_script_tag(content=_SCRIPT)
        self._dress()
        self.page.evaluate("() => void bare.take()")

    def _dress(self) -> None:
        theme, host = self._theme, self._host
        scheme = "light" if theme == "light" else "dark"
        high = theme == "high contrast"
        # JupyterLab and VS Code bring their own high contrast; elsewhere that is a matter of the system.
        forced = "active" if high and host in ("bare", "marimo", "colab") else "none"
        self.page.emulate_media(color_scheme=scheme, forced_colors=forced, contrast="more" if high else "no-preference")
        css, attributes, names = _PLAIN % scheme, dict[str, str](), ""
        if host == "jupyterlab":
            css = (_THEMES / f"{_LAB[theme]}-extension/index.css").read_text()
            css += "body { margin: 0; background: var(--jp-layout-color0); }"
            attributes = {"data-jp-theme-light": str(theme == "light").lower(), "data-jp-theme-name": theme}
        elif host == "vscode":
            names, ink, ground, accent, line = _CODE[theme]
            css += f"""html {{ --vscode-editor-foreground: {ink}; --vscode-foreground: {ink};
              --vscode-editor-background: {ground}; --vscode-focusBorder: {accent}; --vscode-panel-border: {line};
              --vscode-contrastBorder: {line if high else "initial"}; --vscode-descriptionForeground: {ink}; }}
              body {{ background: {ground}; }}"""
            attributes = {"data-vscode-theme-kind": names}
        elif host == "colab":
            self.page.evaluate("(theme) => document.documentElement.setAttribute('theme', theme)", scheme)
        self.page.evaluate("(look) => bare.dress(look)", {"css": css, "attributes": attributes, "names": names})
        self.page.evaluate("(dark) => bare.darken(dark)", scheme == "dark")

    def _place(self, model: str, saved: Any = None) -> None:
        state, buffers = saved or self._wire.state(model)
        place = [model, state, buffers, self._host, self._theme]
        self.page.evaluate("async (place) => { await bare.show(...place); }", place)


@contextmanager
def bare_page(
    browser: Any, *views: Any, theme: Theme = "light", host: Host = "bare", width: int = 1000, height: int = 1000
) -> Iterator[BarePage]:
    """Show views of this process in a new tab; several tabs may show the same view.

    Parameters
    ----------
    browser : playwright.sync_api.Browser
        Such as the fixture `browser`.
    *views : object
        Views, widgets, or parts without a view; `BarePage.show` adds more.
    theme, host : str
        How the page looks, and whose page it imitates: the style of JupyterLab's themes, VS Code's variables, or
        marimo's shadow root.
    width, height : int
        Size of the page in pixels.
    """
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(PATIENCE * 1000)
    opened = BarePage(page, theme, host)
    try:
        opened.show(*views)
        yield opened
    finally:
        opened.close()
