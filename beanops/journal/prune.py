"""Delete old runs from the journal, and record that."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from beanops.journal.records import Pruned, RunRow, new_run_id

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


def this_actor() -> str:
    """Return user and host, as the journal names the actor."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def prune(
    journal: Journal, older_than: timedelta, *, now: datetime, actor: str, source: str, reason: str | None = None
) -> Pruned:
    """Delete the runs that were last active longer ago than `older_than`, with their actions and bodies.

    They cannot be undone or resumed afterwards, and lines that they imported no longer count as imported.
    """
    before = now - older_than
    request = {"before": before.isoformat()}
    row = RunRow(new_run_id(now), now, "", "", actor, source, "prune", reason, None, request)
    return Pruned(row.id, journal.prune(before, row))
