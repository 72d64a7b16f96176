"""The page side of a table, played by a test: it hears what Python says and says what a page would."""

from __future__ import annotations

from typing import Any

from beanops.notebook.channel import Channel


class Page:
    """What a browser would know and do."""

    def __init__(self, channel: Channel) -> None:
        self.heard: list[dict[str, Any]] = []
        self._channel = channel
        channel.widget.send = self.heard.append

    def says(self, kind: str, **content: Any) -> None:
        data = {"method": "custom", "content": {"kind": kind, **content}}
        self._channel.widget._handle_msg({"content": {"data": data}, "buffers": []})

    def clicks(self, name: str, *keys: str, amount: int | None = None, clicked: float) -> None:
        self.says("action", name=name, keys=list(keys), amount=amount, clicked=clicked)

    @property
    def kinds(self) -> list[str]:
        return [message["kind"] for message in self.heard]
