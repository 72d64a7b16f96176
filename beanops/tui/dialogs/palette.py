"""The palette: a search over keys, commands and tubes.

Textual's own palette would read markup in the names of tubes, which are untrusted text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, NamedTuple, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from beanops.text import safe_text
from beanops.tui import keys
from beanops.tui.dialogs.command_line import CommandLine
from beanops.tui.dialogs.commands import COMMANDS, run
from beanops.tui.dialogs.typed_selection import Misused
from beanops.tui.host import Host

#: Maximum lines shown.
MOST = 50


class PaletteItem(NamedTuple):
    """One item: name, help, key, and the typed line or the action that runs it."""

    name: str
    help: str
    key: str
    line: str = ""
    action: str = ""


class Palette(ModalScreen[None]):
    """A search for something to do.

    Parameters
    ----------
    over : Screen
        The screen that it was opened on, whose keys it lists.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.PALETTE]

    def __init__(self, over: Screen[object]) -> None:
        super().__init__()
        self._over = over
        self._entries = list(_items(over))
        self._found: list[PaletteItem] = []

    def compose(self) -> ComposeResult:
        """Lay out the input above the results."""
        with Vertical():
            yield Input(placeholder="an action, or a tube to open", compact=True, id="query")
            yield OptionList(id="hits", compact=True, markup=False)

    def on_mount(self) -> None:
        """Focus the input."""
        self.query_one("#hits", OptionList).can_focus = False
        self.query_one(Input).focus()
        self._find()

    @on(Input.Changed)
    def _find(self) -> None:
        text, hits = self.query_one(Input).value, self.query_one("#hits", OptionList)
        self._found = _found(self._entries, text) if text else self._entries[:MOST]
        hits.clear_options()
        hits.add_options(Option(_shown(entry)) for entry in self._found)
        hits.highlighted = 0 if self._found else None

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        hits = self.query_one("#hits", OptionList)
        if self._found:
            hits.highlighted = ((hits.highlighted or 0) + step) % len(self._found)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        place = self.query_one("#hits", OptionList).highlighted
        self._do(place)

    @on(OptionList.OptionSelected)
    def _clicked(self, selected: OptionList.OptionSelected) -> None:
        self._do(selected.option_index)

    def _do(self, place: int | None) -> None:
        if place is None or place >= len(self._found):
            return
        entry, over = self._found[place], self._over
        app, host = self.app, cast("Host", self.app)
        self.dismiss()

        async def do() -> None:
            if entry.action:
                await app.run_action(entry.action, over)
            elif COMMANDS[entry.line.partition(" ")[0]].argument and " " not in entry.line:
                app.push_screen(CommandLine(f"{entry.line} "))
            else:
                try:
                    run(host, entry.line)
                except Misused as error:
                    host.say(str(error), False)

        app.call_later(do)

    def action_cancel(self) -> None:
        """Close."""
        self.dismiss()


def _items(over: Screen[object]) -> Iterator[PaletteItem]:
    """Yield the keys of a screen, then the commands, then the tubes."""
    app = over.app
    # Several keys may have the same binding.
    bindings = {active.binding.id: active for active in reversed(over.active_bindings.values()) if active.enabled}
    for active in reversed(bindings.values()):
        binding = active.binding
        if binding.id and binding.tooltip and not binding.id.startswith(("table.", "body.")):
            action = binding.action
            yield PaletteItem(binding.description, binding.tooltip, app.get_key_display(binding), action=action)
    for command in COMMANDS.values():
        if command.argument:
            yield PaletteItem(f":{command.name} {command.argument}", command.help, "", command.name)
    for name in cast("Host", app).live.tubes:
        yield PaletteItem(f"tube {name}", "Open it", "", f"tube {name}")


def _found(entries: list[PaletteItem], text: str) -> list[PaletteItem]:
    search = FuzzySearch()
    low = text.lower()
    scored = []
    for entry in entries:
        # Fuzzy search is too slow for ten thousand tubes: those are found by a part of their name only.
        score = 100.0 if low in entry.name.lower() else 0.0
        if not score and not entry.line.startswith("tube "):
            score = search.match(text, f"{entry.name} {entry.help}")[0]
        if score:
            scored.append((score, entry))
    scored.sort(key=lambda one: -one[0])
    return [entry for _, entry in scored[:MOST]]


def _shown(entry: PaletteItem) -> Content:
    return Content.assemble(
        (f"{safe_text(entry.name):<18} ", "bold"), (entry.help, "$muted"), (f"  {entry.key}", "$primary")
    )
