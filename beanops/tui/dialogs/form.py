"""`Form`: asks for the parameters of an action, such as a number, a tube or a body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from beanops.protocol.errors import ArgumentError, BeanopsError, UsageError
from beanops.protocol.limits import check_tube
from beanops.protocol.states import AT_REST
from beanops.session.arguments import whole_seconds
from beanops.session.files.samples import settings_of
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions import drafts
from beanops.tui.actions.request import Field
from beanops.tui.host import Host

Answers = Mapping[str, Any]


def answer_to(field: Field, text: str) -> Any:
    """Return the value of a typed text.

    Raises
    ------
    UsageError
        The text is not valid for the field; the message says what is.
    """
    if field.kind == "tube":
        return check_tube(text.strip())
    if field.kind == "body":
        return drafts.read(text)
    if field.kind == "path":
        if not text.strip() or "\x00" in text:
            raise UsageError(f"{field.label}: expected a file name")
        return text
    if field.kind == "text":
        return text.strip()
    if field.kind == "states":
        states = text.replace(",", " ").split()
        if not states or not set(states) <= set(AT_REST):
            raise UsageError(f"{field.label}: expected some of {', '.join(AT_REST)}")
        return tuple(state for state in AT_REST if state in states)
    text = text.strip()
    if field.kind == "buried":
        if text not in ("buried", "parked", "ready"):
            raise UsageError(f"{field.label}: expected buried, parked or ready")
        return None if text == "buried" else text
    if not text and field.optional:
        return None
    if field.kind == "seconds":
        try:
            seconds = whole_seconds(field.label, text)
        except ArgumentError:
            seconds = -1
        if not field.least <= seconds:
            raise UsageError(f"{field.label}: expected whole seconds from {field.least}, or a time such as 10m")
        return seconds
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1
    if not field.least <= number <= field.most:
        raise UsageError(f"{field.label}: expected a whole number from {field.least} to {field.most:,}")
    return number


class Form(ModalScreen[Answers | None]):
    """A form with some fields.

    Parameters
    ----------
    title : str
        The title, safe.
    fields : tuple of Field
        The fields.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.FORM, *keys.DRAFT]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-roomy")]  # noqa: RUF012  # as Textual declares it

    def __init__(self, title: str, fields: tuple[Field, ...]) -> None:
        super().__init__()
        self._title = title
        self._fields = {field.name: field for field in fields}
        self._drafting = "body" in self._fields
        self._sample = -1
        # Whether each line of the body is a job.
        self._each_line = False

    def compose(self) -> ComposeResult:
        """Lay out one line per field, and an editor for a body."""
        with Vertical(id="dialog", classes="-drafting" if self._drafting else ""):
            yield Static(Content(self._title), id="question")
            for field in self._fields.values():
                with Horizontal(classes="field -tall" if field.kind == "body" else "field"):
                    yield Static(Content(field.label), classes="label")
                    if field.kind == "body":
                        yield TextArea(field.value, id=field.name, soft_wrap=True, compact=True, theme="css")
                    else:
                        kind = "-number" if field.kind in ("number", "seconds") else ""
                        yield Input(field.value, id=field.name, compact=True, classes=kind)
                        yield Static(Content(field.unit), classes="unit")
            yield Static(Content(self._hints()), id="hint")

    def on_mount(self) -> None:
        """Focus the body, where there is one, else the first field."""
        self.query_one("#body" if self._drafting else "Input").focus()

    def _hints(self) -> str:
        key_of = cast("Host", self.app).key_of
        hints = [f"{key_of('form.go-on')} continues" if self._drafting else "Enter continues"]
        if self._drafting:
            hints.append(f"{key_of('form.each-line')} puts each line")
        if self._samples:
            hints += [f"{key_of('form.sample')} fills in a sample", f"{key_of('form.keep')} saves one"]
        return ", ".join([*hints, f"{key_of('form.cancel')} cancels"])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer samples only for bodies, and only where their files belong to the user."""
        return self._drafting if action == "each_line" else action not in ("sample", "keep") or self._samples

    @property
    def _samples(self) -> bool:
        return self._drafting and not cast("Host", self.app).alone

    def _text(self, name: str) -> str:
        widget = self.query_one(f"#{name}")
        assert isinstance(widget, Input | TextArea)
        return widget.value if isinstance(widget, Input) else widget.text

    def _say(self, text: str) -> None:
        self.query_one("#hint", Static).update(Content(safe_text(text)))

    def _answers(self) -> dict[str, Any] | None:
        """Return the answers; None, with a hint, if one is not valid."""
        answers = {}
        for name, field in self._fields.items():
            try:
                answers[name] = answer_to(field, self._text(name))
            except UsageError as error:
                self._say(str(error))
                self.query_one(f"#{name}").focus()
                return None
        if self._each_line:
            lines = [line for line in self._text("body").splitlines() if line.strip()]
            if not lines:
                self._say("No lines: each line is the body of a job")
                return None
            answers["bodies"] = tuple(drafts.read(line) for line in lines)
        return answers

    @on(Input.Submitted)
    def action_go_on(self) -> None:
        """Accept the answers."""
        answers = self._answers()
        if answers is not None:
            self.dismiss(answers)

    def action_cancel(self) -> None:
        """Cancel."""
        self.dismiss(None)

    def action_each_line(self) -> None:
        """Put one job for each line, or one for all lines."""
        self._each_line = not self._each_line
        what = "Each line is a job of its own" if self._each_line else "All lines are one job"
        self._say(f"{what}; {cast('Host', self.app).key_of('form.each-line')} changes that")

    # -- samples -----------------------------------------------------------------------------------------------------

    def action_sample(self) -> None:
        """Fill in the next sample; samples of the tube come first."""
        tube = self._text("to").strip()
        kept = drafts.kept(tube)
        if not kept:
            self._say(f"No samples saved; {cast('Host', self.app).key_of('form.keep')} saves this one")
            return
        self._sample = (self._sample + 1) % len(kept)
        name, job = kept[self._sample]
        for field, value in settings_of(job.stats)._asdict().items():
            self.query_one(f"#{field}", Input).value = str(value)
        self.query_one("#body", TextArea).load_text(drafts.written(job.body or b""))
        of = "" if job.stats.tube == tube else f" of tube {job.stats.tube}"
        self._say(f"Sample {name}{of}: {self._sample + 1} of {len(kept)}")

    def action_keep(self) -> None:
        """Save the answers as a sample."""
        answers = self._answers()
        if answers is None:
            return
        try:
            name = drafts.keep(answers["to"], *(answers[field] for field in ("body", "priority", "delay", "ttr")))
        except BeanopsError as error:
            self._say(str(error))
        else:
            self._say(f"Saved as sample {name}, {plural(len(answers['body']), 'byte')}")
