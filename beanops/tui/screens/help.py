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
from beanops.tui.keys import by_name
from beanops.tui.screens.manual import ManualScreen
from beanops.tui.widgets.footer import KeyFooter

#: The headings, with the scopes of the keys under them; those of the screen itself come first.
HEADINGS = {
    "Actions": ("act", "undo"),
    "Rows": ("selection", "sort", "table", "body", "tree"),
    "Recording": ("replay",),
    "Everywhere": ("back", "app"),
}


class HelpScreen(ModalScreen[None]):
    """A list of keys.

    Parameters
    ----------
    title : str
        The title of the screen.
    bindings : list of ActiveBinding
        The keys.
    topic : str
        The page of the manual about that screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.HELP]

    def __init__(self, title: str, bindings: list[ActiveBinding], topic: str) -> None:
        super().__init__()
        self._own = title
        self._topic = topic
        self._bindings_shown = bindings

    def compose(self) -> ComposeResult:
        """Lay out one line per key, under headings."""
        lines: dict[str, tuple[str, str]] = {}
        for active in self._bindings_shown:
            binding = active.binding
            # Keys of Textual's own widgets have no id here.
            if binding.id and binding.tooltip:
                lines.setdefault(binding.id, (self.app.get_key_display(binding), binding.tooltip))
        under: dict[str, list[Content]] = {heading: [] for heading in (self._own, *HEADINGS)}
        # Keys of the app that work in dialogs too come first from Textual.
        order = list(by_name())
        for name in sorted(lines, key=lambda name: order.index(name) if name in order else len(order)):
            shown, what = lines[name]
            scope = name.partition(".")[0]
            heading = next((one for one, scopes in HEADINGS.items() if scope in scopes), self._own)
            under[heading].append(Content.assemble((f"{shown:>9}", "bold $primary"), f"  {what}"))
        sections = [[Content.styled(heading, "bold $accent"), *found] for heading, found in under.items() if found]
        text = Content("\n\n").join(Content("\n").join(section) for section in sections)
        with VerticalScroll(id="help"):
            yield Static(Content("Keys"), id="question")
            yield Static(text)
        yield KeyFooter()

    def action_manual(self) -> None:
        """Open the manual instead, at the page about that screen."""
        self.app.switch_screen(ManualScreen(self._topic))
