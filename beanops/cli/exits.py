"""How a command ends: its exit code, and one line on stderr when something went wrong. Nothing here prints results."""

from __future__ import annotations

import click

from beanops.protocol.errors import BeanopsError, ConnectionLost, ProtocolError, UsageError
from beanops.text import safe_text

INCOMPLETE = 1
USAGE = 2
UNREACHABLE = 3
REFUSED = 4
INTERRUPTED = 130


class Incomplete(BeanopsError):
    """Some jobs were not found or not acted on."""


class Unreachable(BeanopsError):
    """The server was lost before anything was done."""


def code_of(error: Exception) -> int:
    """Return the exit code for an error that a user can cause; raise any other error on."""
    from beanops.journal import records

    match error:
        case click.ClickException():
            return USAGE
        case UsageError():
            return USAGE
        case ConnectionLost() | ProtocolError() | Unreachable():
            return UNREACHABLE
        case records.Refused():
            return REFUSED
        case BeanopsError() | OSError():
            return INCOMPLETE
    raise error


def line_of(error: Exception) -> str:
    """Return the message of an error, in one line that is safe on a terminal."""
    where, hint = "beanops", ""
    if isinstance(error, click.ClickException):
        unknown = isinstance(error, click.NoSuchOption | click.NoSuchCommand)
        text = " ".join((error.message if unknown else error.format_message()).split())
        text = text[:1].lower() + text[1:].rstrip(".")
        if isinstance(error, click.NoSuchOption | click.NoSuchCommand) and error.possibilities:
            text += "; did you mean " + " or ".join(map(repr, error.possibilities)) + "?"
        if isinstance(error, click.UsageError) and error.ctx is not None:
            where, hint = error.ctx.command_path, f" (see {error.ctx.command_path} --help)"
    elif isinstance(error, OSError):
        file = "" if error.filename is None else f" {error.filename}"
        text = f"cannot write or read{file}: {error.strerror or error}"
    else:
        text = str(error)
    return safe_text(f"{where}: {text}{hint}")
