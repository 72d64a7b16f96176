"""`KeyOrder`: passes on typed keys one at a time, so that none is lost or taken as a command.

A paste, a slow line or a script sends many keys in one burst. Textual hands each to what has the focus when it arrives;
those that follow a ``:`` would still reach the screen below, before the command line is there to take them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode

#: Seconds after which the next key is passed on although a widget has not handled the one before.
_PATIENCE = 1.0
#: Seconds that a screen may hold keys back.
_HELD = 5.0
#: Times that what a key opened may move the focus once more.
_MOVES = 4

Typed = events.Key | events.Paste


class KeyOrder:
    """Passes on each key after the one before was handled, and what that opened has the focus.

    Parameters
    ----------
    app : App
        Where the keys are typed.
    forward : callable
        Hands an event to what has the focus now.
    """

    def __init__(self, app: App[Any], forward: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._forward = forward
        self._waiting: deque[Typed] = deque()
        self._settling: asyncio.Task[None] | None = None

    async def take(self, event: Typed) -> None:
        """Pass on a key now, or after those before it."""
        if self._settling is not None:
            self._waiting.append(event)
            return
        front = self._front()
        await self._forward(event)
        self._settling = asyncio.create_task(self._settle(front))

    @property
    def idle(self) -> bool:
        """Whether all keys were handled."""
        return self._settling is None

    def close(self) -> None:
        """Drop the keys that wait."""
        self._waiting.clear()
        if self._settling is not None:
            self._settling.cancel()

    def _front(self) -> DOMNode:
        return self._app.focused or self._app.screen

    async def _settle(self, front: DOMNode) -> None:
        while True:
            for _ in range(_MOVES):
                await _handled(front)
                if (front_now := self._front()) is front:
                    break
                front = front_now
            await self._held_back()
            if not self._waiting:
                break
            event = self._waiting.popleft()
            front = self._front()
            await self._forward(event)
        self._settling = None

    async def _held_back(self) -> None:
        """Wait while the screen in front has work under way that decides what the next key is for."""
        until = time.monotonic() + _HELD
        while self._app.screen_stack and getattr(self._app.screen, "holds_keys", False) and time.monotonic() < until:
            await asyncio.sleep(0.005)


async def _handled(node: DOMNode) -> None:
    """Wait until a node, and then each one around it, has handled its events: a key goes outwards."""
    for each in node.ancestors_with_self:
        done = asyncio.Event()
        if each.call_later(done.set):
            try:
                await asyncio.wait_for(done.wait(), _PATIENCE)
            except TimeoutError:
                return
