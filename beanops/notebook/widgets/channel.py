"""The base of table and chart: a widget through which Python and its page exchange messages in order.

The page side is in ``page``. Only columns and options are synced traits, for a notebook file saves these.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

import anywidget

from beanops.protocol.errors import BeanopsError
from beanops.ui.palette import css_rules

_PAGE = Path(__file__).parents[1] / "page"


def page_text(*names: str) -> str:
    """Return files of the page side, joined into one module."""
    return "\n".join((_PAGE / name).read_text() for name in names)


def page_style() -> str:
    """Return the style sheet of the page side, with the colours that all faces share."""
    return f"{css_rules()}\n{page_text('style.css')}"


def in_words(error: BaseException) -> str:
    """Return an error as one line."""
    return str(error) if isinstance(error, BeanopsError) else f"{type(error).__name__}: {error}"


class Channel(ABC):
    """One widget and its messages.

    A page sends ``hello`` when it appears, and again when it misses a message; then Python sends everything. It sends
    ``bye`` when it goes. Every message from Python has the time at which it was sent; the page adds the time since
    then to its own messages, so that Python knows their age without a common clock.

    Parameters
    ----------
    widget : AnyWidget
        What is displayed.
    on_error : callable or None
        Called with the text of an error in a handler.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    on_pages : callable or None
        Called when a page appears or goes.
    """

    def __init__(
        self,
        widget: anywidget.AnyWidget,
        on_error: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.widget = widget
        self._on_error = on_error
        self._clock = clock
        self._said: dict[str, tuple[str, str]] = {}
        self._seq = 0
        self._greeted = False
        self._pages: set[str] = set()
        self.on_pages: Callable[[], None] | None = None
        # Messages must go out in the order of `seq`, whichever thread sends them.
        self._lock = RLock()
        widget.on_msg(self._receive)

    @abstractmethod
    def _send_all(self) -> None:
        """Send everything that a new page needs, except the lines."""

    @abstractmethod
    def _handle(self, message: dict[str, Any]) -> None:
        """Handle a message other than ``hello`` and ``bye``."""

    def say(self, line: str, text: str, tone: str = "") -> None:
        """Set a line of text on the page, such as ``"title"``; the page never parses it."""
        with self._lock:
            if self._said.get(line) != (text, tone):
                self._said[line] = (text, tone)
                self._send("say", line=line, text=text, tone=tone)

    def said(self, line: str) -> str:
        """Return the text of a line."""
        return self._said.get(line, ("", ""))[0]

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _send(self, kind: str, **content: Any) -> None:
        self.widget.send({"kind": kind, "sent": self._clock(), **content})

    def _receive(self, _: object, message: dict[str, Any], __: object) -> None:
        # An exception in a handler would only appear in the log of the kernel: show it to the user.
        try:
            if message.get("kind") == "hello":
                self._pages.add(message.get("page", ""))
                self._welcome()
                self._tell_pages()
            elif message.get("kind") == "bye":
                self._pages.discard(message["page"])
                self._tell_pages()
            else:
                self._handle(message)
        except Exception as error:
            self._complain(in_words(error))

    def _welcome(self) -> None:
        with self._lock:
            self._greeted = True
            self._send_all()
            for line, (text, tone) in self._said.items():
                self._send("say", line=line, text=text, tone=tone)

    @property
    def left(self) -> bool:
        """Whether pages showed it and none does any more: its cell was deleted, or its output cleared."""
        return self._greeted and not self._pages

    def _tell_pages(self) -> None:
        if self.on_pages:
            self.on_pages()

    def _complain(self, text: str) -> None:
        if self._on_error:
            self._on_error(text)
