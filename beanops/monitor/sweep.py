"""The statistics of many tubes in one pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from beanops.client.sync import Client
from beanops.protocol import TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError


def sweep(client: Client, wanted: Callable[[str], bool] = lambda name: True) -> list[TubeStats]:
    """Return the statistics of all wanted tubes, without those that cease to exist while it asks."""
    return list(tube_stats(client, filter(wanted, client.list_tubes())))


def tube_stats(client: Client, names: Iterable[str]) -> Iterator[TubeStats]:
    """Yield the statistics of tubes by name, without those that do not exist."""
    for result in client.pipeline(map(commands.stats_tube, names)):
        if not isinstance(result, ReplyError):
            yield result
        elif not isinstance(result, NotFound):
            raise result
