"""The help: the keys of the screen that it was opened on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from beanops.tui import keys
from beanops.tui.screens.manual import ManualScreen
from beanops.tui.widgets.footer import KeyFooter

#: The order of the keys: those of the screen itself come before these scopes.
SCOPES = ("act", "undo", "tubes", "tube", "selection", "sort", "back", "app", "table", "body")


class HelpScreen(ModalScreen[None]):
    """A list of keys.

    Parameters
    ----------
    title : str
        The title.
    bindings : list of ActiveBinding
        The keys.
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
        """Lay out one line per key."""
        lines: dict[str, tuple[str, str]] = {}
        for active in self._bindings_shown:
            binding = active.binding
            # Keys of Textual's own widgets have no id here.
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
        yield KeyFooter()

    def action_manual(self) -> None:
        """Open the manual instead, at the page about that screen."""
        self.app.switch_screen(ManualScreen(self._topic))


def _rank(name: str) -> int:
    scope = name.partition(".")[0]
    # Keys of this screen alone come first.
    return SCOPES.index(scope) + 1 if scope in SCOPES else 0
