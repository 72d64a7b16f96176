"""One look at a server and all its tubes, as one frozen value."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from beanops.client.sync import Client
from beanops.protocol import ServerStats, TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError


class Snapshot(NamedTuple):
    """A server at one moment.

    Attributes
    ----------
    at : float
        Seconds of the clock that was given, monotonic by default.
    server : ServerStats
        What the server said of itself.
    tubes : tuple of TubeStats
        Its tubes, in the server's order.
    """

    at: float
    server: ServerStats
    tubes: tuple[TubeStats, ...]


def sample(client: Client, clock: Callable[[], float] = time.monotonic) -> Snapshot:
    """Ask for the statistics of the server and of every tube.

    Parameters
    ----------
    client : Client
        One that never reserves, or the server counts it among the workers.
    clock : callable
        Tells the moment of the snapshot, in seconds.
    """
    server = client.stats()
    return Snapshot(clock(), server, tuple(sweep(client)))


def sweep(client: Client, wanted: Callable[[str], bool] = lambda name: True) -> list[TubeStats]:
    """Ask for the statistics of every tube whose name is wanted; tubes that vanish meanwhile are left out."""
    tubes = []
    for result in client.pipeline(map(commands.stats_tube, filter(wanted, client.list_tubes()))):
        if isinstance(result, ReplyError):
            if not isinstance(result, NotFound):
                raise result
        else:
            tubes.append(result)
    return tubes
