"""The command line at the bottom of the screen. Its commands are in `beanops.tui.dialogs.commands`."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from beanops.tui import keys
from beanops.tui.dialogs.commands import COMMANDS, Misused, proposals, run
from beanops.tui.host import Host


class CommandLine(ModalScreen[None]):
    """Takes one command.

    Parameters
    ----------
    begun : str
        The text to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.COMMAND]

    #: Typed lines, oldest first.
    typed: ClassVar[list[str]] = []

    def __init__(self, begun: str = "") -> None:
        super().__init__()
        self._begun = begun
        self._place = len(self.typed)

    def compose(self) -> ComposeResult:
        """Lay out the completions above the input."""
        with Vertical():
            yield Static("", id="hits", markup=False)
            with Horizontal():
                yield Static(Content(":"), id="colon")
                yield Input(self._begun, id="command", compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Focus the input."""
        self._input.focus()
        self._propose()

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def _host(self) -> Host:
        return cast("Host", self.app)

    @on(Input.Changed)
    def _propose(self) -> None:
        line = self._input.value
        name, blank, _ = line.partition(" ")
        lines = [Content(one) for one in proposals(self._host, line)]
        if not blank:
            lines = [_described(str(one)) for one in lines]
        elif name in COMMANDS and not lines:
            lines = [_described(name)]
        self.query_one("#hits", Static).update(Content("\n").join(lines))

    def action_complete(self) -> None:
        """Accept the first completion."""
        fits = proposals(self._host, self._input.value)
        if fits:
            argument = COMMANDS[fits[0]].argument if fits[0] in COMMANDS else ""
            self._input.value = f"{fits[0]} " if argument else fits[0]
            self._input.cursor_position = len(self._input.value)

    def action_recall(self, step: int) -> None:
        """Recall a typed line."""
        self._place = max(0, min(len(self.typed), self._place + step))
        self._input.value = self.typed[self._place] if self._place < len(self.typed) else ""
        self._input.cursor_position = len(self._input.value)

    @on(Input.Submitted)
    def _submitted(self, submitted: Input.Submitted) -> None:
        line = submitted.value.strip()
        host = self._host
        self.dismiss()
        if line:
            self.typed[:] = [*(one for one in self.typed if one != line), line][-50:]
            self.app.call_later(_run_line, host, line)

    def action_cancel(self) -> None:
        """Close."""
        self.dismiss()


def _run_line(host: Host, line: str) -> None:
    try:
        run(host, line)
    except Misused as error:
        host.say(str(error), False)


def _described(name: str) -> Content:
    command = COMMANDS[name]
    return Content.assemble((f"{f'{command.name} {command.argument}':<20}", "$primary"), (f"  {command.help}", ""))
