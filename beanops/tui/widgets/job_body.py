"""`JobBody`: a body as data, tree, text or bytes, or as one decoder reads it; it scrolls in every form."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical

from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.bodies.forms import Body, as_it_came, by_each_decoder, hexadecimal
from beanops.tui.widgets.body import BodyView
from beanops.tui.widgets.body_tree import BodyTree
from beanops.tui.widgets.line import Line

#: How each form is made of a session and the bytes; None is the body as it was decoded.
FORMS: dict[str, Callable[[Session, bytes], Body] | None] = {
    "data": None,
    "tree": None,
    "raw": as_it_came,
    "hex": hexadecimal,
}


class JobBody(Vertical):
    """The body of one job.

    Attributes
    ----------
    body : Body or None
        The body as it was decoded.
    shown : Body or None
        The body in the form that is shown.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: Body | None = None
        self._session: Session | None = None
        self.body: Body | None = None
        self._form = "data"
        self._readings: list[Body] = []
        self._reading = 0

    def compose(self) -> ComposeResult:
        """Yield the names of the forms, and the body as lines and as a tree."""
        yield Line(id="form")
        yield BodyView(id="body")
        yield BodyTree(id="tree")

    def on_mount(self) -> None:
        """Show lines first."""
        self.set_class(True, "-usual")
        self.query_one(BodyTree).display = False

    @property
    def scrolling(self) -> BodyView | BodyTree:
        """What scrolls now."""
        return self.query_one(BodyTree) if self._form == "tree" else self.query_one(BodyView)

    def show(self, session: Session, body: Body | None) -> None:
        """Show a decoded body in the present form; the same one keeps its scroll position, None clears the pane."""
        if body is not None and body is self.body:
            return
        self._session, self.body = session, body
        self._readings, self._reading = [], 0
        self._form = self._form or "data"
        self._show()

    def show_as(self, form: str) -> None:
        """Show the body in another form."""
        self._form, self._reading = form, 0
        self._show()

    def next_decoder(self) -> None:
        """Show the body as the next decoder reads it that can."""
        if self._session is None or self.body is None:
            return
        self._readings = self._readings or by_each_decoder(self._session, self.body.raw)
        self._reading = (self._reading + 1) % (len(self._readings) + 1)
        self._form = "" if self._reading else "data"
        self._show()

    def _show(self) -> None:
        view, tree = self.query_one(BodyView), self.query_one(BodyTree)
        self.shown = self._read()
        focused = view.has_focus or tree.has_focus
        self.set_class(self._form == "data", "-usual")
        view.display, tree.display = self._form != "tree", self._form == "tree"
        if tree.display or self.shown is None:
            tree.show(self.shown)
        if view.display or self.shown is None:
            view.show(self.shown)
        if focused:
            self.scrolling.focus()
        names = [(f" {name} ", "bold $background on $primary" if name == self._form else "$muted") for name in FORMS]
        if self._reading and self.shown is not None:
            kind = safe_text(self.shown.kind)
            names.append((f" {kind}: {self._reading} of {len(self._readings)} ", "bold reverse"))
        self.query_one("#form", Line).say(names if self.shown is not None else [])

    def _read(self) -> Body | None:
        if self._session is None or self.body is None:
            return None
        if self._reading:
            body = self._readings[self._reading - 1]
        else:
            make = FORMS[self._form]
            body = self.body if make is None else make(self._session, self.body.raw)
        return body._replace(size=self.body.size)
