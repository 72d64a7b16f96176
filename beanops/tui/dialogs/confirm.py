"""The dialogs of an action: the confirmation, with the focus on Cancel, and the progress.

The form that asks for numbers and bodies is in `beanops.tui.dialogs.form`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from beanops.protocol.errors import BeanopsError
from beanops.session.old_servers.substitutes import remark
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions.request import SAMPLE, Request, UnderWay
from beanops.tui.host import Host
from beanops.ui.confirmation import Confirmation

#: Cells of the bar of an action under way.
BAR = 50


class Heads(Message):
    """The first jobs of the action were read."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


class Confirm(ModalScreen[bool]):
    """Confirms a request.

    Parameters
    ----------
    request : Request
        The action, with its tubes and jobs.
    needed : Confirmation
        What has to be confirmed, and how.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.CONFIRM]

    def __init__(self, request: Request, needed: Confirmation) -> None:
        super().__init__()
        self._request = request
        self._needed = needed

    def compose(self) -> ComposeResult:
        """Lay out the question, a sample of the jobs, and the two answers."""
        offer, request, typed = self._request.offer, self._request, self._needed.typed
        with Vertical(id="dialog", classes="-deletes" if self._needed.deletes else ""):
            yield Static(Content(offer.sentence(request)), id="question")
            yield from self.sample()
            if len(request.tubes) > 1:
                numbers = {tube: request.limit(tube) for tube in request.counts}
                numbers |= {one.tube: one.number for one in request.selected}
                each = [f"{tube} ({numbers[tube]:,})" if tube in numbers else tube for tube in request.tubes]
                yield Static(Content(safe_text(", ".join(each), limit=300)), id="places")
            yield Static(Content(_note(request)), id="note")
            if warning := self._needed.warning:
                yield Static(Content(f"{warning[:1].upper()}{warning[1:]}."), id="warning")
            if typed:
                yield Static(Content.assemble("Type ", (safe_text(typed), "bold"), " to do it:"), id="type")
                yield Input(id="typed", compact=True)
            with Horizontal(id="buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
                yield Button(Content(offer.label), id="confirm", compact=True, disabled=bool(typed))
            yes, no = map(cast("Host", self.app).key_of, ("confirm.yes", "confirm.no"))
            hint = f"Enter confirms, {no} cancels" if typed else f"{yes} yes   n or {no} no"
            yield Static(Content(hint), id="hint")

    def on_mount(self) -> None:
        """Focus Cancel, or the field to type in; read a sample of the jobs if there is none."""
        self.query_one("#typed" if self._needed.typed else "#cancel").focus()
        if self._request.counts and not self._request.on:
            self._look()

    def sample(self) -> ComposeResult:
        """Yield the number of jobs by state, and the first of them."""
        about = _about(self._request)
        if about or (self._request.counts and not self._request.on):
            yield Static(Content(about), id="sample")

    @work(thread=True, exit_on_error=False, group="sample")
    def _look(self) -> None:
        with suppress(BeanopsError):  # the action itself reports its errors
            self.post_message(Heads(_heads(self._request)))

    @on(Heads)
    def _show(self, heads: Heads) -> None:
        self.query_one("#sample", Static).update(Content(_about(self._request, heads.lines)))

    @on(Input.Changed)
    def _typing(self, changed: Input.Changed) -> None:
        self.query_one("#confirm", Button).disabled = not self._needed.accepts(changed.value)

    @on(Input.Submitted)
    def _submitted(self, submitted: Input.Submitted) -> None:
        if self._needed.accepts(submitted.value):
            self.dismiss(True)
        else:
            key_of = cast("Host", self.app).key_of
            self.query_one("#hint", Static).update(Content(f"Text does not match. {key_of('confirm.no')} cancels"))

    @on(Button.Pressed)
    def _pressed(self, pressed: Button.Pressed) -> None:
        self.dismiss(pressed.button.id == "confirm")

    def action_answer(self, yes: bool) -> None:
        """Answer by a key; `y` focuses the field where a text has to be typed."""
        if yes and self._needed.typed:
            self.query_one("#typed", Input).focus()
        else:
            self.dismiss(yes)


def _note(request: Request) -> str:
    """Return the effect of an action, and the limits of the server for it and its undo."""
    verb = {"drain": "delete", "kick-next": ""}.get(request.offer.name, request.offer.name)
    can = None if request.on else request.session._lookups.known_capabilities(request.instance)
    more = remark(verb, request.states.get("buried", 0), can)
    effect = request.offer.action.effect
    return f"{effect} {more[:1].upper()}{more[1:]}." if more else effect


def _about(request: Request, heads: Sequence[str] = ()) -> str:
    """Return the number of jobs by state, where there are several, and the first of them."""
    lines = []
    if request.number > 1:
        lines.append(", ".join(f"{number:,} {state}" for state, number in request.states.items() if number))
    if request.left_out:
        lines.append(f"left out: {', '.join(f'{number:,} {state}' for state, number in request.left_out.items())}")
    lines += request.samples
    if len(request.ids) > len(request.samples) > 0:
        lines.append(f"and {plural(len(request.ids) - len(request.samples), 'other job')}")
    return "\n".join([*lines, *heads])


def _heads(request: Request) -> list[str]:
    """Read the first jobs where only their number is known; return a safe line for each."""
    lines: list[str] = []
    for tube, states in request.counts.items():
        heads = request.session.next_jobs(tube)
        found = [(state, job) for state in states if (job := heads[state]) is not None]
        lines += [
            f"next {state}: {job.id} {request.session._context.decode(job.body or b'').summary}" for state, job in found
        ]
        if len(lines) >= SAMPLE:
            break
    return lines[:SAMPLE]


class ProgressDialog(ModalScreen[None]):
    """The progress of an action, until it ends.

    Parameters
    ----------
    action : UnderWay
        The action.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PROGRESS]
    #: It opens by itself: a key for the screen below must not press its button.
    AUTO_FOCUS = ""

    def __init__(self, action: UnderWay) -> None:
        super().__init__()
        self._under_way = action

    def compose(self) -> ComposeResult:
        """Lay out the action, its progress, and Cancel."""
        with Vertical(id="dialog"):
            yield Static(
                Content(self._under_way.request.offer.sentence(self._under_way.request).rstrip("?")), id="question"
            )
            yield Static("", id="bar", markup=False)
            yield Static("", id="so-far", markup=False)
            with Horizontal(id="buttons"):
                yield Button(Content("Cancel"), id="cancel", compact=True)
            cancel = cast("Host", self.app).key_of("progress.cancel")
            yield Static(Content(f"{cancel} stops after the current batch"), id="hint")

    def on_mount(self) -> None:
        """Update the progress regularly."""
        self.set_interval(0.1, self.look)
        self.look()

    def look(self) -> None:
        """Show the progress; close at the end, unless another dialog is in front."""
        request, runner, over = self._under_way
        if over.is_set():
            if self.is_current:
                self.dismiss()
            return
        counts, total = runner.counts, request.number
        number = sum(counts.values())
        share = min(1.0, number / total) if total else 0.0
        full = round(share * BAR)
        self.query_one("#bar", Static).update(
            Content.assemble(("━" * full, "$primary"), ("─" * (BAR - full), "$faint"))
        )
        said = ", ".join(f"{counts[name]:,} {name}" for name in ("done", "skipped", "failed"))
        of = f" of {total:,}" if total else ""
        self.query_one("#so-far", Static).update(Content(runner.note or f"{number:,}{of}: {said}"))
        if runner.cancelled:
            self.query_one("#hint", Static).update(Content("Stopping after the current batch ..."))

    @on(Button.Pressed)
    def action_cancel(self) -> None:
        """Stop the action."""
        self._under_way.runner.cancel()
        self.look()
