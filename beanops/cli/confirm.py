"""The question before an action, as `beanops.ui.confirmation` decides. Without a terminal the answer is no."""

from __future__ import annotations

import sys

import click

from beanops.cli.streams import on_terminal
from beanops.journal.records import Refused
from beanops.session.config import Profile
from beanops.text import safe_text
from beanops.ui.confirmation import Confirmation


def confirm(needed: Confirmation, verb: str, which: str, known: Profile | None = None, *, besides: str = "") -> None:
    """Ask whether to go on, as far as that is needed.

    Parameters
    ----------
    needed : Confirmation
        What to ask for.
    verb, which : str
        As in ``"delete"``, ``"5 jobs of tube mail"``.
    known : Profile or None
        The server, None for an action on the journal.
    besides : str
        What else to know before.

    Raises
    ------
    Refused
        The answer is no, or there is no terminal to ask on.
    """
    if needed.kind == "nothing":
        return
    must_ask(verb, which)
    question = f"{verb.capitalize()} {which}{_where(known)}{besides}?"
    if known is not None and known.label:
        question = f"[{known.label}] {question}"
    if needed.warning:
        question += f" {needed.warning[:1].upper()}{needed.warning[1:]}."
    if not needed.accepts(answer(f"{safe_text(question)} {prompt_of(needed)}: ")):
        raise Refused(f"nothing was done: {verb} was not confirmed")


def _where(known: Profile | None) -> str:
    if known is None:
        return ""
    return f" on {known.address}" if known.name == known.address else f" on {known.name} ({known.address})"


def prompt_of(needed: Confirmation) -> str:
    """Return the prompt behind a question."""
    return f"{needed.prompt} to go on" if needed.typed else "[y/N]"


def must_ask(verb: str, which: str) -> None:
    """Refuse where there is no terminal to ask on."""
    if not on_terminal("stdin", "stderr"):
        raise Refused(f"{verb} of {which} was refused: not a terminal; pass --yes")


def answer(question: str = "") -> str:
    """Ask a question and return the line that was typed."""
    click.echo(question, nl=False, err=True)
    line = sys.stdin.buffer.readline().decode("utf-8", "replace")
    if not line.endswith("\n"):  # Ctrl-D: an answer, and not an interruption
        click.echo(err=True)
    return line.strip()
