"""The three streams that a process is born with, any of which may be closed. What is read and written is elsewhere."""

from __future__ import annotations

import sys
from typing import BinaryIO, Literal

import click


def on_terminal(*names: Literal["stdin", "stdout", "stderr"]) -> bool:
    """Return whether all of these streams are terminals."""
    streams = [getattr(sys, name) for name in names]
    return all(stream is not None and stream.isatty() for stream in streams)


def standard_input() -> BinaryIO:
    """Return standard input, for bytes."""
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer
