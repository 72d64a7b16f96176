"""The terminal as the dashboard writes to it: one that is gone takes what is written, so that nothing waits for it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class QuietFile:
    """A file whose write errors end nothing: the thread that writes goes on, and nobody waits for it for ever."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write a text as far as there is somewhere to write it to."""
        with suppress(OSError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what was kept back."""
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """Return the file's number."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._file.isatty()


class Terminal(LinuxDriver):
    """The toolkit's driver, with a file that may vanish: who closes the terminal ends the dashboard in good order."""

    def __init__(self, app: App[Any], **how: Any) -> None:
        super().__init__(app, **how)
        self._file: Any = QuietFile(cast("TextIO", self._file))

    def _sigcont_application(self, *_: object) -> None:
        # Where nobody gave the terminal back, as before a SIGSTOP, it is still set up: twice would read keys twice.
        if self._must_signal_resume:
            super()._sigcont_application()
