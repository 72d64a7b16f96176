"""Keys that the user chose: each must be for something that there is."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from textual.binding import Binding

from beanops.session.config import ConfigError
from beanops.tui import job_keys, keys
from beanops.tui.actions import catalogue


def names() -> set[str]:
    """Return the names of all that has keys."""
    tables = [table for module in (keys, job_keys) for table in vars(module).values() if isinstance(table, list)]
    bindings = [binding for table in (*tables, catalogue.bindings()) for binding in table]
    return {binding.id for binding in bindings if isinstance(binding, Binding) and binding.id}


def keymap(chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the keys as the toolkit takes them.

    Parameters
    ----------
    chosen : mapping
        Keys by the name of what they do, such as ``{"table.page-up": "ctrl+b,b"}``.

    Raises
    ------
    ConfigError
        There is nothing of such a name.
    """
    known = names()
    for name in chosen:
        if name not in known:
            close = get_close_matches(name, known, 1)
            raise ConfigError(
                f"[keys] has {name!r}, which is nothing{f'; did you mean {close[0]!r}?' if close else ''}"
            )
    return dict(chosen)
