"""The statistics of many tubes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from beanops.client.sync import Client
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError


def sweep(client: Client, wanted: Callable[[str], bool] = lambda name: True) -> list[TubeStats]:
    """Ask for the statistics of every tube whose name is wanted; tubes that vanish meanwhile are left out."""
    return list(tube_stats(client, filter(wanted, client.list_tubes())))


def tube_stats(client: Client, names: Iterable[str]) -> Iterator[TubeStats]:
    """Ask for the statistics of tubes by name; those that are not there are left out."""
    for result in client.pipeline(map(commands.stats_tube, names)):
        if not isinstance(result, ReplyError):
            yield result
        elif not isinstance(result, NotFound):
            raise result
