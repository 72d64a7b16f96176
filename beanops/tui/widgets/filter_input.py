"""`FilterInput`: the line in which a filter or a predicate is typed. What it is for is known to its screen."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class FilterInput(Input):
    """A line to type in, as fast as one likes: what is pressed after Enter is for what it gives way to.

    Keys reach it one after the other, and before its screen has heard of Enter there may be more of them.
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
