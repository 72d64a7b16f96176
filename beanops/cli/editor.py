"""One body in the user's editor, ``$VISUAL`` or ``$EDITOR``, until it is one that can be put."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click

from beanops.cli.confirm import answer
from beanops.cli.streams import on_terminal
from beanops.jobs.bodies.edits import EditRefused, from_pretty, pretty
from beanops.protocol.errors import UsageError
from beanops.text import safe_text


def in_editor(body: bytes, patterns: Iterable[str], problem: Callable[[bytes], str | None]) -> bytes | None:
    """Return a body as the user edited it, None if it was not changed.

    Where the text cannot become a body, it says why and offers to go on editing.

    Parameters
    ----------
    body : bytes
        As the server gave it.
    patterns : iterable of str
        Patterns of keys whose values are hidden; they stay.
    problem : callable
        Returns why a new body is refused, or None.

    Raises
    ------
    EditRefused
        No text of this body could be put.
    UsageError
        The text cannot become a body, and the user does not go on editing.
    """
    before = text = pretty(body, patterns)
    from_pretty(body, text, patterns)  # a body that cannot be edited is refused before the editor opens
    while True:
        # Bytes, so that beanops can report text that is not UTF-8.
        saved = click.edit(text.encode(), extension=".json" if text.startswith(("{", "[")) else ".txt")
        if saved is None or not saved.strip():
            return None
        text = saved.decode("utf-8-sig", "replace")
        if text == before:
            return None
        try:
            saved.decode("utf-8-sig")
            new = from_pretty(body, text, patterns)
            why = problem(new)
        except UnicodeDecodeError as error:
            why = f"the text is not UTF-8, at byte {error.start + 1}"
        except (EditRefused, UsageError) as error:
            why = str(error)
        if why is None:
            return None if new == body else new
        if not (on_terminal("stdin", "stderr") and _goes_on(why)):
            raise UsageError(f"nothing was done: {safe_text(why)}")


def _goes_on(why: str) -> bool:
    return answer(f"{safe_text(why)}. Edit again? [Y/n]: ").lower() in ("", "y", "yes")
