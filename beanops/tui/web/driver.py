"""Textual's driver of a visitor's process, whose terminal is a browser on the other side of two pipes."""

from __future__ import annotations

import os
import threading

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp

#: Seconds in which the dashboard has to end after its server has.
GRACE = 15.0


class VisitorDriver(WebDriver):
    """A driver that ends with its server, and reads no input before the app is ready for it."""

    _ready = threading.Event()

    def start_application_mode(self) -> None:
        """Start. The base class says then that the page has not the keyboard, which must not follow that it has."""
        super().start_application_mode()
        # It runs after the blur was queued.
        self._app.call_later(self._ready.set)

    def run_input_thread(self) -> None:
        """Read until the pipe ends, which is the end of the server, however that came about."""
        while not self._ready.wait(0.1):
            if self.exit_event.is_set():
                return
        super().run_input_thread()
        if not self.exit_event.is_set():
            killer = threading.Timer(GRACE, os._exit, (1,))
            killer.daemon = True
            killer.start()
            self._app.post_message(ExitApp())
