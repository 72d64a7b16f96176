"""The base of parts that show one action and its buttons: what it would do, how far it is, and what came of it.

The page side is ``page/panel/panel.js``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from beanops.notebook.widgets.buttons import Click, Confirm, ToolBar, ToolButton
from beanops.notebook.widgets.channel import Buffers, Channel
from beanops.ui.confirmation import Confirmation


class ActionPanel(Channel):
    """A part that shows one action as JSON, with buttons that appear while they do something.

    Parameters
    ----------
    name : str
        Its name in the view.
    buttons : mapping of str to bool
        The actions that may be offered, from left to right, and whether each needs a second click in any case.
    confirm : callable
        Returns the confirmation that an action needs, from its name and a number of jobs.
    on_action : callable
        Called with a `Click`.
    on_error : callable
        Called with the text of a rejection, or of an error in a handler.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        buttons: Mapping[str, bool],
        confirm: Confirm,
        on_action: Callable[[Click], None],
        on_error: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        actions = [ToolButton(button, "", arms=arms, offered=True) for button, arms in buttons.items()]
        self._bar = ToolBar(actions, "job", confirm)
        self._on_action = on_action
        self._shown: dict[str, Any] = {}
        super().__init__(name, {"actions": self._bar.described, "noun": "job"}, on_error, clock)

    @property
    def shown(self) -> dict[str, Any]:
        """What it shows."""
        return dict(self._shown)

    @property
    def offers(self) -> dict[str, str]:
        """The labels of the buttons that can be pressed now."""
        return {name: offer.label for name, offer in self._bar.offers.items() if offer.label}

    def show(self, shown: dict[str, Any]) -> None:
        """Show something else."""
        with self._lock:
            if shown != self._shown:
                self._shown = shown
                self._send_all()

    def offer(self, name: str, label: str = "", keys: Sequence[str] = (), needed: Confirmation | None = None) -> None:
        """Show a button, or hide it where it has no label; see `Grid.offer`."""
        with self._lock:
            if self._bar.offer(name, label, keys, needed):
                self.send("offer", **self._bar.offered(name))

    def welcome(self) -> None:
        """Send everything: a page has appeared."""
        with self._lock:
            super().welcome()
            for name in self._bar.offers:
                self.send("offer", **self._bar.offered(name))

    def _send_all(self) -> None:
        if self._shown:
            self.send("shown", **self._shown)

    def _cut(self, shown: dict[str, Any]) -> dict[str, Any]:
        """Return of what it shows what a notebook file may keep."""
        return shown

    def _saved(self) -> list[dict[str, Any]]:
        return [{"kind": "shown", **self._cut(self._shown)}] if self._shown else []

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        if message.get("kind") == "action":
            click = self._bar.clicked(message, self._clock() - message["clicked"])
            if click is not None:
                self._on_action(click)
