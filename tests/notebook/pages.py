"""What a test plays: the page side of a table, which hears what Python says, and a refresher that makes no ticks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from beanops.monitor.survey import Survey
from beanops.notebook.refresher import Tick
from beanops.notebook.widgets.channel import Channel
from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.selection import packed
from beanops.ui.poller import Live, Lost


class Page:
    """What a browser would know and do of one part of a view, or of a part alone."""

    def __init__(self, part: Channel) -> None:
        self.heard: list[dict[str, Any]] = []
        self.buffers: list[list[bytes]] = []
        self._name = part.name
        root = part.root if isinstance(part.root, Root) else Root("test", [part])
        self._widget = root.widget
        self._send = self._widget.send
        self._widget.send = self._hear

    def _hear(self, message: dict[str, Any], buffers: Any = None) -> None:
        if message.get("part") == self._name:
            self.heard.append(message)
            self.buffers.append(buffers or [])
        self._send(message, buffers)

    def says(self, kind: str, **content: Any) -> None:
        data = {"method": "custom", "content": {"kind": kind, "part": self._name, **content}}
        self._widget._handle_msg({"content": {"data": data}, "buffers": []})

    def selects(self, *keys: str, focus: str | None = None) -> None:
        self._widget.set_state({"selected": {**self._widget.selected, self._name: packed(keys, focus)}})

    def clicks(self, name: str, *keys: str, clicked: float, **beside: Any) -> None:
        self.says("action", name=name, keys=list(keys), clicked=clicked, **beside)

    @property
    def selected(self) -> dict[str, Any]:
        selection: dict[str, Any] = self._widget.selected[self._name]
        return selection

    @property
    def kinds(self) -> list[str]:
        return [message["kind"] for message in self.heard]


class Still:
    """Replaces the refresher: the test makes the ticks."""

    def add(self, view: object) -> None: ...
    def discard(self, view: object) -> None: ...
    def hurry(self) -> None: ...


def lost(error: str, survey: Survey | None = None, *, after: float = 0.0) -> Tick:
    """Return the tick of a server that was lost some seconds after a survey."""
    at = (time.monotonic() if survey is None else survey.at) + after
    return Tick(Live(survey, lost=Lost(datetime.now(UTC), error, 1, 1.0), at=at))
