"""What the table and the chart share: a widget that Python and its page talk through, in order.

The page's side is in ``page``. Only the look of a widget is a synced trait: those are saved in the notebook file.
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

_PAGE = Path(__file__).parents[1] / "page"


def page_text(*names: str) -> str:
    """Return files of the page side, one after the other, as one module."""
    return "\n".join((_PAGE / name).read_text() for name in names)


def in_words(error: BaseException) -> str:
    """Return an error as one line."""
    return str(error) if isinstance(error, BeanopsError) else f"{type(error).__name__}: {error}"


class Channel(ABC):
    """One widget and what is said through it.

    A page says hello when it appears, and again when a number is missing between two messages; then all is said
    anew. It says bye when it goes. Every message tells when it was sent: a page adds the time since then to what it
    says, so that its age is known without a common clock.

    Parameters
    ----------
    widget : AnyWidget
        What is displayed.
    on_error : callable or None
        Called with the text of what a handler raised.
    clock : callable
        Tells the moment, in seconds.

    Attributes
    ----------
    on_pages : callable or None
        Called when a page has come or gone.
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
        # What goes out must go out in the order of `seq`, whichever thread sends it.
        self._lock = RLock()
        widget.on_msg(self._receive)

    @abstractmethod
    def _send_all(self) -> None:
        """Send everything that a new page must know, but for the lines."""

    @abstractmethod
    def _handle(self, message: dict[str, Any]) -> None:
        """Do what a page asks, but for hello."""

    def say(self, line: str, text: str, tone: str = "") -> None:
        """Put text into a line of the page, such as ``"title"``; it is shown as it is, never parsed."""
        with self._lock:
            if self._said.get(line) != (text, tone):
                self._said[line] = (text, tone)
                self._send("say", line=line, text=text, tone=tone)

    def said(self, line: str) -> str:
        """Return what stands in a line."""
        return self._said.get(line, ("", ""))[0]

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _send(self, kind: str, **content: Any) -> None:
        self.widget.send({"kind": kind, "sent": self._clock(), **content})

    def _receive(self, _: object, message: dict[str, Any], __: object) -> None:
        # An exception in a handler would vanish in the log of the kernel: it goes where the user looks.
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
        """Whether pages showed it, and all have said goodbye: its cell was deleted, or its output cleared."""
        return self._greeted and not self._pages

    def _tell_pages(self) -> None:
        if self.on_pages:
            self.on_pages()

    def _complain(self, text: str) -> None:
        if self._on_error:
            self._on_error(text)
