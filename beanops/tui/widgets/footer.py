"""`KeyFooter`: the keys that work now, in one line at the bottom of a screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from beanops.tui.widgets.columns import WIDE
from beanops.tui.widgets.line import Part

#: The action that shows all keys.
HELP = "app.help"
#: Keys by their scope, the most useful first; those of a screen itself come before all of them.
_SCOPES = ("undo", "act", "selection", "back", "app", "replay")


def _rank(binding: Binding) -> int:
    scope = (binding.id or "").partition(".")[0]
    if binding.action == HELP:
        return len(_SCOPES) + 1
    return _SCOPES.index(scope) + 1 if scope in _SCOPES else 0


class KeyFooter(Widget, can_focus=False):
    """The keys that work now, the most useful first, as many as there is room for; the last opens the help on all keys.

    A click presses a key, and the wheel shows those that there is no room for. Unlike in Textual's footer, a key is no
    widget of its own: half of the time of a key press went into theirs.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Binding] = []
        self._skipped = 0
        self._hovered: Binding | None = None

    def on_mount(self) -> None:
        """Follow which keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        if not screen.app.app_focus:
            return
        by_action: dict[str, Binding] = {}
        for one in screen.active_bindings.values():
            if one.binding.show:
                by_action.setdefault(one.binding.action, one.binding)
        keys = sorted(by_action.values(), key=_rank)
        if keys != self._keys:
            self._keys, self._skipped = keys, 0
            self._hover(None)
            self.refresh()

    def render(self) -> Content:
        """Write the keys and what they do."""
        parts: list[Part] = []
        for binding, key, text, gap in self._shown():
            under = " on $block-hover-background" if binding is self._hovered else ""
            parts += [(key, f"bold $footer-key-foreground{under}"), (text, f"$footer-description-foreground{under}")]
            parts.append((gap, ""))
        return Content.assemble(*parts)

    def _shown(self) -> Iterator[tuple[Binding, str, str, str]]:
        """Yield each key from the first one shown: the key, what it does, and the gap after it."""
        gap = " " * (3 if self.app.size.width >= WIDE else 1)
        if not self._keys:
            return
        *keys, last = self._keys
        end = self._written(last)
        room = self.content_size.width - Content("".join(end)).cell_length
        for binding in keys[self._skipped :]:
            key, text = self._written(binding)
            room -= Content(key + text + gap).cell_length
            if room < 0:
                break
            yield binding, key, text, gap
        yield last, *end, gap

    def _written(self, binding: Binding) -> tuple[str, str]:
        """Return a key and what it does; the last one lists all keys."""
        return self.app.get_key_display(binding), " more" if binding.action == HELP else f" {binding.description}"

    # -- mouse -------------------------------------------------------------------------------------------------------

    def _under(self, event: events.MouseEvent) -> Binding | None:
        """Return the key that the mouse is over."""
        place = event.get_content_offset(self)
        right = 0
        for binding, key, text, gap in self._shown():
            left, right = right, right + Content(key + text).cell_length
            if place is not None and left <= place.x < right:
                return binding
            right += len(gap)
        return None

    def _hover(self, binding: Binding | None) -> None:
        if binding is not self._hovered:
            self._hovered = binding
            self.tooltip = binding.tooltip if binding else None
            self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Mark the key under the mouse, and say more of it."""
        self._hover(self._under(event))

    def on_leave(self) -> None:
        """Mark none."""
        self._hover(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse."""
        if binding := self._under(event):
            self.app.simulate_key(binding.key)

    def on_mouse_scroll_down(self) -> None:
        """Show the next keys."""
        self._scroll(1)

    def on_mouse_scroll_up(self) -> None:
        """Show the keys before."""
        self._scroll(-1)

    def _scroll(self, by: int) -> None:
        """Skip so many keys more, as long as those that are left do not fit."""
        if by < 0 or len(list(self._shown())) < len(self._keys) - self._skipped:
            self._skipped = max(0, self._skipped + by)
            self.refresh()
