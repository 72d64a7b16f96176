"""The terminal driver: writes to a closed terminal are dropped, so that nothing blocks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class QuietFile:
    """A file that ignores write errors, so that the writing thread never stops."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write a text, or drop it where the file is closed."""
        with suppress(OSError):
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the buffer."""
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._file.isatty()


class Terminal(LinuxDriver):
    """Textual's driver with such a file: closing the terminal ends the dashboard properly."""

    def __init__(self, app: App[Any], **how: Any) -> None:
        super().__init__(app, **how)
        self._file: Any = QuietFile(cast("TextIO", self._file))

    def _sigcont_application(self, *_: object) -> None:
        # After a SIGSTOP the terminal is still set up; a second setup would read every key twice.
        if self._must_signal_resume:
            super()._sigcont_application()
