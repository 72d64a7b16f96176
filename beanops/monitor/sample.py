"""The statistics of many tubes at once."""

from __future__ import annotations

from collections.abc import Callable

from beanops.client.sync import Client
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError


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
