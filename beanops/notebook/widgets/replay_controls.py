"""The controls of a recording: play, speed, the problems before and after, and a slider for the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from beanops.notebook.widgets.channel import Buffers, Channel


class ReplayControls(Channel):
    """Buttons and a slider that move in the time of a recording.

    Parameters
    ----------
    name : str
        Its name in the view.
    speeds : sequence of (str, float)
        The speeds to choose from, each with its text.
    on_press : callable
        Called with what was pressed: ``"play"``, ``"pause"``, ``"previous"``, ``"next"``, ``"speed"`` or ``"jump"``;
        and for the last two with the speed, or the seconds since the beginning.
    on_error : callable
        Called with the text of an error in a handler.
    """

    kind = "replay"
    files = ("replay/replay.js",)

    def __init__(
        self,
        name: str,
        speeds: Sequence[tuple[str, float]],
        on_press: Callable[[str, float], None],
        on_error: Callable[[str], None],
    ) -> None:
        self._on_press = on_press
        self._time: dict[str, Any] = {}
        super().__init__(name, {"speeds": [list(speed) for speed in speeds]}, on_error)

    @property
    def time(self) -> dict[str, Any]:
        """What it shows: ``text``, ``place``, ``end``, ``playing`` and ``speed``."""
        return dict(self._time)

    def show(self, text: str, place: int, end: int, *, playing: bool, speed: float) -> None:
        """Show a moment as text, and its place on a slider of so many seconds."""
        now = {"text": text, "place": place, "end": end, "playing": playing, "speed": speed}
        with self._lock:
            if now != self._time:
                self._time = now
                self._send_all()

    def _send_all(self) -> None:
        if self._time:
            self.send("time", **self._time)

    def _saved(self) -> list[dict[str, Any]]:
        return [{"kind": "time", **self._time, "playing": False}] if self._time else []

    def _handle(self, message: dict[str, Any], _: Buffers) -> None:
        kind = message["kind"]
        if kind in ("play", "pause", "previous", "next"):
            self._on_press(kind, 0.0)
        elif kind == "speed":
            self._on_press(kind, float(message["speed"]))
        elif kind == "jump":
            self._on_press(kind, float(message["place"]))
