"""`Counting`: counts the jobs that an action is for before it is confirmed, where their number is not known yet."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from beanops.jobs.search.scan import Scan
from beanops.protocol.errors import BeanopsError
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions.request import Request
from beanops.tui.actions.selected import count_jobs
from beanops.tui.host import Host

#: Either the request with the number of its jobs, or why they could not be counted; empty if the user cancelled.
Counted = Request | str


class Ended(Message):
    """The count has ended."""

    def __init__(self, answer: Counted) -> None:
        super().__init__()
        self.answer = answer


class Counting(ModalScreen[Counted]):
    """Counts the jobs of a request.

    Parameters
    ----------
    request : Request
        The action, with a selection of jobs.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PROGRESS]
    #: It opens by itself: a key for the dialog after it must not press its button.
    AUTO_FOCUS = ""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._scan: Scan | None = None
        self._cancelled = False

    def compose(self) -> ComposeResult:
        """Lay out what is counted, how far the count is, and Cancel."""
        with Vertical(id="dialog"):
            yield Static(Content(f"{self._request.offer.label}: counting {self._request.jobs}"), id="question")
            yield Static("", id="so-far", markup=False)
            with Horizontal(id="buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
            yield Static(Content(f"You confirm the number next. {self._cancel} cancels"), id="hint")

    @property
    def _cancel(self) -> str:
        return cast("Host", self.app).key_of("progress.cancel")

    def on_mount(self) -> None:
        """Count, and show how far the count is."""
        self._count()
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        if self._scan is not None:
            progress = self._scan.progress
            left = f", {progress.remaining:,} to go" if progress.remaining else ""
            text = f"{plural(progress.found, 'job')} among {plural(progress.looked, 'id')}{left}"
            self.query_one("#so-far", Static).update(Content(text))

    @work(thread=True, exit_on_error=False, group="count")
    def _count(self) -> None:
        request = self._request
        try:
            selected = tuple(
                one if one.counts is not None else count_jobs(request.session, one, self._begun)
                for one in request.selected
            )
        except BeanopsError as error:
            self.post_message(Ended("" if self._cancelled else safe_text(str(error))))
        else:
            self.post_message(Ended(request.counted(selected)))

    def _begun(self, scan: Scan) -> None:
        self._scan = scan
        if self._cancelled:
            scan.cancel()

    @on(Ended)
    def _ended(self, ended: Ended) -> None:
        self.dismiss("" if self._cancelled else ended.answer)

    def on_key(self, event: events.Key) -> None:
        """Say that a yes comes too early: nobody has seen the number yet."""
        if event.key == "y":
            text = f"Still counting: you confirm the number next. {self._cancel} cancels"
            self.query_one("#hint", Static).update(Content(text))

    @on(Button.Pressed)
    def action_cancel(self) -> None:
        """Stop counting, and do nothing."""
        self._cancelled = True
        if self._scan is not None:
            self._scan.cancel()
        self.dismiss("")
