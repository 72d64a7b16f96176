"""The limit of open files of a server process on this machine; the protocol does not tell it."""

from __future__ import annotations

import os
from pathlib import Path

from beanops.protocol import ServerStats


def open_files(stats: ServerStats, processes: Path = Path("/proc")) -> int | None:
    """Return how many files a server may open, and so how many connections; None where that is not known.

    Parameters
    ----------
    stats : ServerStats
        Statistics of the server, with its process and its host.
    processes : Path
        The folder in which Linux has a folder for each process.
    """
    if stats.hostname != os.uname().nodename:
        return None
    process = processes / str(stats.pid)
    try:
        # A server in a container has a number of its own, which is another process here.
        if not (process / "comm").read_text().startswith("beanstalkd"):
            return None
        for line in (process / "limits").read_text().splitlines():
            if line.startswith("Max open files"):
                return int(line.split()[3])
    except (OSError, ValueError, IndexError):
        return None
    return None
