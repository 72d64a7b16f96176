"""Standard input, output and error: whether they are terminals, and whether they are open."""

from __future__ import annotations

import select
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


def is_unread(name: Literal["stdout", "stderr"]) -> bool:
    """Return whether a stream is a pipe that its reader has closed, as ``head`` does when it has enough."""
    stream = getattr(sys, name)
    if stream is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except (OSError, ValueError):  # it has no descriptor
        return False
    return any(event & select.POLLERR for _, event in poll.poll(0))
