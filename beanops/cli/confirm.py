"""Asking before something is destroyed, or done to many jobs. Without anybody to ask, the answer is no."""

from __future__ import annotations

import sys

import click

from beanops.cli.streams import on_terminal
from beanops.journal.records import Refused
from beanops.session.config import Profile
from beanops.text import safe_text

#: More jobs than that are asked for whatever is done to them, by their number.
MANY = 100


def confirm(verb: str, which: str, known: Profile, *, count: int, destroys: bool, besides: str = "") -> None:
    """Ask whether to go on; nothing is asked for a few jobs of which none is destroyed.

    Parameters
    ----------
    verb, which : str
        As in ``"delete"``, ``"5 jobs of tube mail"``.
    known : Profile
        The server.
    count : int
        How many jobs.
    destroys : bool
        Whether anything is gone afterwards.
    besides : str
        What else is to be known before.

    Raises
    ------
    Refused
        The answer is no, or there is nobody to ask.
    """
    if not destroys and count <= MANY:
        return
    must_ask(verb, which)
    where = known.address if known.name == known.address else f"{known.name} ({known.address})"
    label = f"[{known.label}] " if known.label else ""
    question = safe_text(f"{label}{verb.capitalize()} {which} on {where}{besides}?")
    if known.confirm == "type-name":
        agreed = _answer(f"{question} Type the server's name, {known.name}, to go on: ") == known.name
    elif count > MANY:
        agreed = _answer(f"{question} Type their number to go on: ").replace(",", "") == str(count)
    else:
        agreed = said_yes(question)
    if not agreed:
        raise Refused(f"nothing was done: {verb} was not confirmed")


def said_yes(question: str) -> bool:
    """Ask; whatever is not yes is no."""
    return _answer(f"{question} [y/N]: ").lower() in ("y", "yes")


def must_ask(verb: str, which: str) -> None:
    """Refuse when there is nobody to ask."""
    if not on_terminal("stdin", "stderr"):
        raise Refused(f"{verb} of {which} was refused: there is nobody to ask, and no --yes")


def _answer(question: str) -> str:
    click.echo(question, nl=False, err=True)
    line = sys.stdin.buffer.readline().decode("utf-8", "replace")
    if not line.endswith("\n"):  # Ctrl-D: an answer, and not an interruption
        click.echo(err=True)
    return line.strip()
