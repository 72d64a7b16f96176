"""The dialogs before an action: a number where one is needed, then the confirmation, with Cancel under the hand."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from beanops.protocol.limits import U32_MAX
from beanops.tui import keys
from beanops.tui.offers import Question, Request


class Confirm(ModalScreen[bool]):
    """Asks whether a request is meant.

    Parameters
    ----------
    request : Request
        What will be done, to what.
    sample : str
        The job's body in one safe line, for an action on a job.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.CONFIRM]

    def __init__(self, request: Request, sample: str = "") -> None:
        super().__init__()
        self._request = request
        self._sample = sample

    def compose(self) -> ComposeResult:
        """Lay out the question and its two answers."""
        offer, request = self._request.offer, self._request
        with Vertical(id="dialog", classes="-destroys" if offer.destroys else ""):
            yield Static(Content(offer.sentence(request)), id="question")
            if self._sample:
                state = f"{request.state}: " if request.state else ""
                yield Static(Content.assemble((state, "$muted"), self._sample), id="sample")
            yield Static(Content(offer.note), id="note")
            with Horizontal(id="buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content(offer.label), id="confirm", compact=True)
            yield Static(Content("y yes   n or Esc no"), id="hint")

    def on_mount(self) -> None:
        """Have Cancel under the hand."""
        self.query_one("#cancel", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, pressed: Button.Pressed) -> None:
        self.dismiss(pressed.button.id == "confirm")

    def action_answer(self, yes: bool) -> None:
        """Answer by a key."""
        self.dismiss(yes)


class Ask(ModalScreen[int | None]):
    """Asks for a whole number from 1 on.

    Parameters
    ----------
    question : Question
        What to ask, and what to propose.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.ASK]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay out the question and where to answer."""
        with Vertical(id="dialog"):
            yield Static(Content(self._question.text), id="question")
            with Horizontal(id="answer"):
                yield Input(str(self._question.proposal), type="integer", compact=True, id="number")
                yield Static(Content(self._question.unit), id="unit")
            yield Static(Content("Enter goes on, Esc cancels"), id="hint")

    def on_mount(self) -> None:
        """Begin with the number."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, submitted: Input.Submitted) -> None:
        text = submitted.value
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
        if 1 <= number <= U32_MAX:
            self.dismiss(number)
        else:
            self.query_one("#hint", Static).update(Content(f"A whole number from 1 to {U32_MAX:,}, please"))

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
