"""The command `reserve`: reserve one job at the terminal until a key releases, buries or deletes it."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import click

from beanops.cli import options
from beanops.cli.commands.tubes import show_jobs
from beanops.cli.confirm import answer, prompt_of
from beanops.cli.exits import Incomplete
from beanops.cli.runs import report
from beanops.cli.streams import on_terminal
from beanops.journal.records import Refused
from beanops.protocol.errors import TimedOut
from beanops.session.config import Profile
from beanops.session.execution.run import Run
from beanops.session.reservation import Reservation
from beanops.text import safe_text
from beanops.ui.confirmation import confirmation

_KEYS = "r release  b bury  d delete  q release and quit"


@click.command()
@options.this_tube
@click.option("--timeout", type=options.SECONDS, default=0, show_default=True, help="Time to wait for a job: 90 or 10m")
@options.redact
@options.acting
def reserve(tube: str, timeout: int, **asked: Any) -> None:
    """Reserve the next ready job of TUBE and show it; a key releases, buries or deletes it.

    beanops touches the job until you decide, and releases it when the command ends in any other way.
    """
    if not on_terminal("stdin", "stdout"):
        raise click.UsageError("this needs a terminal, to ask what becomes of the job")
    with options.opened(asked) as session:
        if session.read_only:
            raise Refused(f"reserve was refused: this session on {session.address} is read-only")
        try:
            held = session.reserve(tube, timeout, reason=asked["reason"])
        except TimedOut:
            raise Incomplete(f"no job of tube {tube} is ready") from None
        with held:
            show_jobs([session.job(held.id)], "table")
            run = _decide(held, session.profile)
        if run is not None:
            report(run, asked["output"])


def _decide(held: Reservation, known: Profile) -> Run | None:
    """Show the time left until a key decides; None when the job is to be released."""
    with _keys() as keys:
        for key in keys:
            if not held.held:
                raise Incomplete(f"job {held.id} is no longer held: its ttr ended, or the connection did")
            match key:
                case "r" | "q":
                    return held.release()
                case "b":
                    return held.bury()
                case "d" if _confirmed(held, known, keys):
                    return held.delete()
            click.echo(f"\r\x1b[Kjob {held.id}: {held.time_left:.0f} s left, kept by itself   {_KEYS}  ", nl=False)
    return None


def _confirmed(held: Reservation, known: Profile, keys: Iterator[str]) -> bool:
    """Ask whether to delete the job: a key answers, or a line where something has to be typed."""
    needed = confirmation("delete", 1, known)
    warning = f" {needed.warning};" if needed.warning else ""
    how = prompt_of(needed) + ": " if needed.typed else "y deletes, any other key does not"
    with _whole_lines() if needed.typed else nullcontext():
        click.echo("\r\x1b[K" + safe_text(f"delete job {held.id}?{warning} {how}"), nl=False)
        return needed.accepts(answer() if needed.typed else next(filter(None, keys), ""))


@contextmanager
def _keys() -> Iterator[Iterator[str]]:
    """Give the keys that are pressed one by one, and an empty one each second in between."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def keys() -> Iterator[str]:
        yield ""
        while True:
            ready, _, _ = select.select([terminal], [], [], 1.0)
            if not ready:
                yield ""
            elif key := os.read(terminal, 1):
                yield key.decode("ascii", "replace").lower()
            else:
                return  # the terminal was closed

    tty.setcbreak(terminal)
    try:
        yield keys()
    finally:
        with suppress(termios.error, OSError):  # the terminal may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
            click.echo()


@contextmanager
def _whole_lines() -> Iterator[None]:
    """Let a whole line be typed and edited, where `_keys` gives single keys."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    edited = termios.tcgetattr(terminal)
    edited[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(terminal, termios.TCSADRAIN, edited)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):  # the terminal may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
