"""What a test plays: the page side of a table, which hears what Python says, and a poller that does not look."""

from __future__ import annotations

from typing import Any

from beanops.notebook.widgets.channel import Channel


class Page:
    """What a browser would know and do."""

    def __init__(self, channel: Channel) -> None:
        self.heard: list[dict[str, Any]] = []
        self._channel = channel
        channel.widget.send = self.heard.append

    def says(self, kind: str, **content: Any) -> None:
        data = {"method": "custom", "content": {"kind": kind, **content}}
        self._channel.widget._handle_msg({"content": {"data": data}, "buffers": []})

    def clicks(self, name: str, *keys: str, clicked: float, **beside: Any) -> None:
        self.says("action", name=name, keys=list(keys), clicked=clicked, **beside)

    @property
    def kinds(self) -> list[str]:
        return [message["kind"] for message in self.heard]


class Still:
    """In the place of the poller: the test makes the ticks."""

    def add(self, view: object) -> None: ...
    def discard(self, view: object) -> None: ...
    def hurry(self) -> None: ...
