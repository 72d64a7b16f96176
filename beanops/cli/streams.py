"""Standard input, output and error: whether they are terminals, and whether they are open."""

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
