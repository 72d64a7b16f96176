"""The base of the parts of a view, such as a table: a part and its page exchange messages in order.

The page side is in ``page``. A notebook file keeps the options, and a snapshot that is cut and without secrets.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any, ClassVar, Protocol

from beanops.protocol.errors import BeanopsError

Buffers = Sequence[bytes | memoryview]

#: Most characters of a line in a snapshot.
MOST_OF_LINE = 2000
#: Lines that are in no snapshot: a body may have secrets, and nothing is under way without a kernel.
UNSAVED = frozenset({"detail", "progress"})


def in_words(error: BaseException) -> str:
    """Return an error as one line."""
    return str(error) if isinstance(error, BeanopsError) else f"{type(error).__name__}: {error}"


def cut(text: str, most: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


class Sender(Protocol):
    """What a part needs of its view's root."""

    def send(self, message: dict[str, Any], buffers: Buffers | None = None) -> None:
        """Send a message to all pages."""

    def select(self, part: str, keys: Sequence[str], focus: str | None) -> None:
        """Select rows of a part on all pages."""


class Channel(ABC):
    """One part of a view and its messages.

    When a page appears, and again when it misses a message, Python sends everything. Every message from Python has the
    time at which it was sent; the page adds the time since then to its own messages, so that Python knows their age
    without a common clock.

    Parameters
    ----------
    name : str
        Its name in the view.
    options : dict
        What the page must know of it and does not change.
    on_error : callable or None
        Called with the text of an error in a handler.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    root : Sender or None
        The root of the view, which sets it.
    """

    #: The name of its class in the page, and the files that it needs there, each after those that it builds on.
    kind: ClassVar[str]
    files: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        on_error: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.options = options
        self.root: Sender | None = None
        self._on_error = on_error
        self._clock = clock
        self._said: dict[str, tuple[str, str]] = {}
        self._kept_lines: dict[str, str] = {}
        self._seq = 0
        self._greeted = False
        # Messages must go out in the order of `seq`, whichever thread sends them.
        self._lock = RLock()

    @abstractmethod
    def _send_all(self) -> None:
        """Send everything that a new page needs, except the lines."""

    @abstractmethod
    def _handle(self, message: dict[str, Any], buffers: Buffers) -> None:
        """Handle a message from a page."""

    def say(self, line: str, text: str, tone: str = "", kept: str | None = None) -> None:
        """Set a line of text on the page, such as ``"title"``; the page never parses it.

        `kept` is what a snapshot has instead, where the text may hold a secret.
        """
        with self._lock:
            self._kept_lines[line] = text if kept is None else kept
            if self._said.get(line) != (text, tone):
                self._said[line] = (text, tone)
                self.send("say", line=line, text=text, tone=tone)

    def said(self, line: str) -> str:
        """Return the text of a line."""
        return self._said.get(line, ("", ""))[0]

    def kept(self, line: str) -> str:
        """Return what a snapshot has of a line."""
        return self._kept_lines.get(line, "")

    def send(self, kind: str, *, buffers: Buffers | None = None, **content: Any) -> None:
        """Send a message to the pages."""
        if self.root is not None:
            self.root.send({"part": self.name, "kind": kind, "sent": self._clock(), **content}, buffers)

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def receive(self, message: dict[str, Any], buffers: Buffers = ()) -> None:
        """Handle a message from a page; an error is shown."""
        # An exception in a handler would only appear in the log of the kernel: show it to the user.
        try:
            self._handle(message, buffers)
        except Exception as error:
            self._complain(in_words(error))

    def receive_selection(self, keys: tuple[str, ...], focus: str | None) -> None:
        """Handle a selection that a page made; an error is shown."""
        try:
            self._choose(keys, focus)
        except Exception as error:
            self._complain(in_words(error))

    def _choose(self, keys: tuple[str, ...], focus: str | None) -> None:
        """Note which rows the user selected."""
        raise TypeError(f"{self.name} has no rows to select")

    def welcome(self) -> None:
        """Send everything: a page has appeared."""
        with self._lock:
            self._greeted = True
            self._send_all()
            for line, (text, tone) in self._said.items():
                self.send("say", line=line, text=text, tone=tone)

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the messages that a page without a kernel gets: cut, and without secrets."""
        with self._lock:
            lines = [
                {"kind": "say", "line": line, "text": cut(text, MOST_OF_LINE), "tone": "" if tone == "live" else tone}
                for line, (_, tone) in self._said.items()
                if (text := self.kept(line)) and line not in UNSAVED
            ]
            return [*self._saved(), *lines]

    def _saved(self) -> list[dict[str, Any]]:
        """Return the messages of the snapshot other than lines, with None as their ``seq``."""
        return []

    def _complain(self, text: str) -> None:
        if self._on_error:
            self._on_error(text)
