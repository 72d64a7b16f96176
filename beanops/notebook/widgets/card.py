"""The card at the top of a dashboard: who the server is, its jobs by state, and what is wrong.

The page side is ``page/card/card.js``; `beanops.notebook.server_card` makes what it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beanops.notebook.widgets.channel import Buffers, Channel

#: What the card consists of; each is sent when it changes.
PIECES = ("about", "figures", "problems", "alerts", "lost")
#: Problems, and alerts, that a notebook file keeps.
MOST_SAVED = 8


class ServerCard(Channel):
    """The card of a server.

    Parameters
    ----------
    name : str
        Its name in the view.
    on_tubes : callable
        Called with the tubes of a problem that the user presses.
    on_error : callable
        Called with the text of an error in a handler.
    """

    kind = "card"
    files = ("card/card.js",)

    def __init__(self, name: str, on_tubes: Callable[[tuple[str, ...]], None], on_error: Callable[[str], None]) -> None:
        self._on_tubes = on_tubes
        self._shown: dict[str, Any] = {}
        super().__init__(name, {}, on_error)

    @property
    def shown(self) -> dict[str, Any]:
        """What it shows, by piece."""
        return dict(self._shown)

    def show(self, **pieces: Any) -> None:
        """Show new values of some pieces, see `PIECES`; None is nothing."""
        with self._lock:
            changed = {name: piece for name, piece in pieces.items() if self._shown.get(name, ...) != piece}
            self._shown.update(changed)
            if changed:
                self.send("card", **changed)

    def _saved(self) -> list[dict[str, Any]]:
        if not self._shown:
            return []
        pieces = dict(self._shown)
        for name in ("problems", "alerts"):
            if name in pieces:
                pieces[name] = {**pieces[name], "lines": pieces[name]["lines"][:MOST_SAVED]}
        return [{"kind": "card", **pieces}]

    def _send_all(self) -> None:
        if self._shown:
            self.send("card", **self._shown)

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        if message["kind"] == "tubes":
            self._on_tubes(tuple(message["tubes"]))
