"""`FilterInput`: the input of a filter or a predicate."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class FilterInput(Input):
    """An input that loses no fast typed keys: those after Enter go to the widget that gets the focus.

    Keys arrive one by one, and more of them may arrive before the screen has handled Enter.
    """

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self._entered = False
        self._late: list[events.Key] = []

    async def _on_key(self, event: events.Key) -> None:
        if self._entered:
            event.stop().prevent_default()
            self._late.append(event)
        self._entered = self._entered or event.key == "enter"

    def _on_blur(self, event: events.Blur) -> None:
        late, self._late, self._entered = self._late, [], False
        if self.screen.focused is not None:
            for key in late:
                self.screen.focused.post_message(key.stop(False).prevent_default(False))
