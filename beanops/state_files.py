"""Small JSON files in the user's state directory: how the dashboard is shown, and what a shell completes.

Errors are ignored: these files are a convenience, and anybody may have written them.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from beanops import private

#: Bytes of a file that is read.
_LARGEST = 4_000_000


def state_path(name: str) -> Path:
    """Return the path of a state file; ``BEANOPS_STATE`` names that of the dashboard, and the others are beside it.

    Parameters
    ----------
    name : str
        Its name without ``.json``: ``tui`` is that of the dashboard.
    """
    if named := os.environ.get("BEANOPS_STATE"):
        return Path(named) if name == "tui" else Path(named).with_suffix(f".{name}.json")
    from platformdirs import user_state_path

    return user_state_path("beanops") / f"{name}.json"


def read_state(path: Path) -> Any:
    """Return what a state file holds; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None


def write_state(path: Path, known: Any) -> None:
    """Replace a state file at once; of several writers the last one wins."""
    with suppress(OSError):
        private.make_folder(path.parent)
        private.replace(path, json.dumps(known, indent=1).encode())
