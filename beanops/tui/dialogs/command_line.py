"""The command line at the bottom of the screen. Its commands are in `beanops.tui.dialogs.commands`."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import on
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from beanops.jobs.bodies import names_secret
from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.dialogs.commands import COMMANDS, has_body, proposals, run
from beanops.tui.dialogs.typed_selection import Misused
from beanops.tui.host import Host

#: Under which name the state file keeps typed lines, and how many of them.
HISTORY, MOST = "commands", 100


class CommandLine(ModalScreen[None]):
    """Takes one command.

    Parameters
    ----------
    begun : str
        The text to begin with.
    complaint : str
        Why that text could not be run, safe; shown until it is changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.COMMAND]

    def __init__(self, begun: str = "", complaint: str = "") -> None:
        super().__init__()
        self._begun = begun
        self._complaint = complaint
        self._known: list[str] = []
        self._place = 0

    def compose(self) -> ComposeResult:
        """Lay out the completions above the input."""
        with Vertical():
            yield Static(Content(self._complaint), id="complaint")
            yield Static("", id="hits", markup=False)
            with Horizontal():
                yield Static(Content(":"), id="colon")
                yield Input(self._begun, id="command", compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Focus the input."""
        self._known = typed_lines(self._host)
        self._place = len(self._known)
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
        self.query_one("#complaint").display = bool(self._complaint) and line == self._begun
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
        self._place = max(0, min(len(self._known), self._place + step))
        self._input.value = self._known[self._place] if self._place < len(self._known) else ""
        self._input.cursor_position = len(self._input.value)

    @on(Input.Submitted)
    def _submitted(self, submitted: Input.Submitted) -> None:
        line = submitted.value.strip()
        host = self._host
        self.dismiss()
        if line:
            _remember(host, line)
            self.app.call_later(_run_line, host, line)

    def action_cancel(self) -> None:
        """Close."""
        self.dismiss()


def _run_line(host: Host, line: str) -> None:
    try:
        run(host, line)
    except Misused as error:
        host.say(str(error), False)
        # It opens again before the next key is passed on, see `KeyOrder`.
        cast("App[None]", host).push_screen(CommandLine(line, str(error)))


def typed_lines(host: Host) -> list[str]:
    """Return the lines typed before, oldest first: those of earlier sessions, then those of this one."""
    return [*(line for line in _kept(host) if line not in host.typed), *host.typed]


def _kept(host: Host) -> list[str]:
    kept = host.state_file.part(HISTORY) if host.state_file is not None else None
    return (
        [line for line in kept if isinstance(line, str) and safe_text(line) == line] if isinstance(kept, list) else []
    )


def _remember(host: Host, line: str) -> None:
    host.typed[:] = [*(one for one in host.typed if one != line), line][-MOST:]
    # Bodies, and values of secrets, are in no file but the journal.
    hidden = has_body(line) or names_secret(line, host.session._context.protection.now.redact)
    if host.state_file is not None and not hidden:
        host.state_file.keep_part(HISTORY, [*(one for one in _kept(host) if one != line), line][-MOST:])


def _described(name: str) -> Content:
    command = COMMANDS[name]
    return Content.assemble((f"{f'{command.name} {command.argument}':<20}", "$primary"), (f"  {command.help}", ""))
