"""The help: the keys that work where it was opened, as the bindings have them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from beanops.tui import keys
from beanops.tui.screens.manual import ManualScreen

#: In which order keys are listed: what this screen is for comes first.
SCOPES = ("act", "undo", "tubes", "tube", "marks", "sort", "back", "app", "table", "body")


class HelpScreen(ModalScreen[None]):
    """Lists keys.

    Parameters
    ----------
    title : str
        What they are for.
    bindings : list of ActiveBinding
        Those that work there.
    topic : str
        The page of the manual about that screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.HELP]

    def __init__(self, title: str, bindings: list[ActiveBinding], topic: str) -> None:
        super().__init__()
        self._title = title
        self._topic = topic
        self._bindings_shown = bindings

    def compose(self) -> ComposeResult:
        """Lay out one line a key."""
        lines: dict[str, tuple[str, str]] = {}
        for active in self._bindings_shown:
            binding = active.binding
            # Keys of the toolkit's own widgets have no name here.
            if binding.id and binding.tooltip:
                lines.setdefault(binding.id, (self.app.get_key_display(binding), binding.tooltip))
        ordered = sorted(lines, key=_rank)
        text = Content("\n").join(
            Content.assemble((f"{shown:>9}", "bold $primary"), f"  {what}")
            for shown, what in map(lines.__getitem__, ordered)
        )
        with VerticalScroll(id="help"):
            yield Static(Content(self._title), id="question")
            yield Static(text)
        yield Footer()

    def action_manual(self) -> None:
        """Open the manual instead, at the page about that screen."""
        self.app.switch_screen(ManualScreen(self._topic))


def _rank(name: str) -> int:
    scope = name.partition(".")[0]
    # What only this screen has stands first.
    return SCOPES.index(scope) + 1 if scope in SCOPES else 0
