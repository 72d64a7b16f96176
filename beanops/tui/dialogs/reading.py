"""`ReadingDialog`: reads what a typed action needs, such as a file or the journal, before the action goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from beanops.protocol.errors import BeanopsError
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.host import Host


class WasRead(Message):
    """It was read; or it could not be, and why."""

    def __init__(self, value: Any, why: str = "") -> None:
        super().__init__()
        self.value = value
        self.why = why


class ReadingDialog(ModalScreen[WasRead]):
    """Waits for something that is read; a key for the dialog after it does nothing.

    Parameters
    ----------
    what : str
        What is read, safe.
    read : callable
        Reads it; blocks on a disk or the network.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PROGRESS]

    def __init__(self, what: str, read: Callable[[], Any]) -> None:
        super().__init__()
        self._what = what
        self._reads = read

    def compose(self) -> ComposeResult:
        """Lay out what is read, and how to cancel."""
        with Vertical(id="dialog"):
            yield Static(Content(f"reading {self._what} ..."), id="question")
            yield Static(Content(f"{cast('Host', self.app).key_of('progress.cancel')} cancels"), id="hint")

    def on_mount(self) -> None:
        """Read it."""
        self._read()

    @work(thread=True, exit_on_error=False, group="reading")
    def _read(self) -> None:
        try:
            value = self._reads()
        except BeanopsError as error:
            self.post_message(WasRead(None, safe_text(str(error))))
        else:
            self.post_message(WasRead(value))

    @on(WasRead)
    def _was_read(self, read: WasRead) -> None:
        self.dismiss(read)

    def action_cancel(self) -> None:
        """Do nothing with what is read."""
        self.dismiss(WasRead(None, "cancelled"))


def read_first(host: Host, name: str, what: str, read: Callable[[], Any], then: Callable[[Any], object]) -> None:
    """Read something, then go on with it; the status line says why that is not possible.

    Parameters
    ----------
    host : Host
        The app.
    name : str
        The action.
    what : str
        What is read, safe.
    read : callable
        Reads it, in a thread.
    then : callable
        Called with what was read.
    """

    def ended(read: WasRead | None) -> None:
        if read is not None and read.why:
            host.say(f"{name}: {read.why}", False)
        elif read is not None:
            then(read.value)

    cast("App[None]", host).push_screen(ReadingDialog(what, read), ended)
