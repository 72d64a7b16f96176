"""How long the record is kept: old runs are taken out of the journal, which is itself on the record."""

from __future__ import annotations

import getpass
import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beanops.journal.records import RunRow, new_run_id

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


def this_actor() -> str:
    """Return user and host, for the record."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def prune(
    journal: Journal, older_than: timedelta, *, source: str = "script", reason: str | None = None
) -> tuple[str, int]:
    """Delete the runs, with their actions and bodies, of which nothing was heard for as long as `older_than`.

    They can no longer be undone or gone on with, and lines that they imported no longer count as imported.

    Returns
    -------
    (str, int)
        The id of the run that says so, and how many runs were deleted.
    """
    now = datetime.now(UTC)
    row = RunRow(
        new_run_id(now), now, "", "", this_actor(), source, "prune", reason, None,
        {"before": (now - older_than).isoformat()},
    )  # fmt: skip
    return row.id, journal.prune(now - older_than, row)
