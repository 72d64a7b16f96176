"""`complete`: what a typed selection can become: tubes, states, groups, predicates, settings and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from beanops.protocol.states import STATES
from beanops.session.investigation.last_shown import last_groups, last_paths
from beanops.tui.dialogs.typed_selection import WORDS, split_where
from beanops.tui.host import Host
from beanops.ui.predicates import complete_predicate


def complete(settings: Sequence[str] = (), *, files: bool = False) -> Callable[[Host, str], list[str]]:
    """Return what completes a typed selection: its last word, or the predicate after ``where``."""

    def proposals(host: Host, text: str) -> list[str]:
        head, where = split_where(text)
        if where:
            predicate = where.removeprefix("where").lstrip()
            paths = last_paths(host.session.address, _tube_of(host, head))
            return [f"{head}where {one}" for one in complete_predicate(predicate, paths)]
        used = text.split(" ")
        last = used.pop()
        if used and used[-1] == "group":
            names = [group.name for group in last_groups(host.session.address)]
        elif used and used[-1] == "to":
            names = sorted(host.live.tubes)
        elif used and used[-1] in settings:
            names = []
        else:
            named = any(word in host.live.tubes for word in used)
            names = [*([] if named else sorted(host.live.tubes)), *STATES, *WORDS, *settings]
            if files and not host.alone and (not used or last.startswith("@")):
                names = [*_files(last), *names]
        before = "".join(f"{word} " for word in used)
        return [f"{before}{one}" for one in names if one.startswith(last) and one not in used]

    return proposals


def _files(begun: str) -> list[str]:
    """Return the files whose names begin so; the sign for a file of lines stays in front."""
    sign = "@" if begun.startswith("@") else ""
    path = begun.removeprefix("@")
    folder, _, name = path.rpartition("/")
    prefix = f"{folder}/" if "/" in path else ""
    try:
        found = sorted(Path(prefix or ".").expanduser().iterdir())
    except (OSError, RuntimeError, ValueError):
        return []
    shown = [one for one in found if one.name.startswith(name) and (name or not one.name.startswith("."))]
    return [f"{sign}{prefix}{one.name}{'/' if one.is_dir() else ''}" for one in shown]


def _tube_of(host: Host, text: str) -> str | None:
    """Return the tube that a typed text names, else the one in front."""
    front = host.view.tube_in_front if host.view is not None else None
    return next((word for word in text.split() if word in host.live.tubes), front)
