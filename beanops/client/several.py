"""A client that asks over several connections at once: for a server at a distance, or one with a thread for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from itertools import chain, cycle, islice
from typing import Any, TypeVar

from beanops.client.instances import is_same
from beanops.client.pipeline_window import MAX_WAITING
from beanops.client.reading import ReadingClient
from beanops.protocol import Command
from beanops.protocol.errors import ConnectionClosed

T = TypeVar("T")


class SeveralConnections(ReadingClient):
    """A client for reading that spreads long pipelines over several connections.

    Results come in the order of the commands. A short pipeline and a single command use the first connection alone. No
    threads: while the answers on one connection are read, the server works on the commands on the others.

    Parameters
    ----------
    *arguments, **options
        As in `ReadingClient`.
    connections : int
        How many, at least one.

    Attributes
    ----------
    others : list of ReadingClient
        All connections but the first.
    """

    def __init__(self, *arguments: Any, connections: int, **options: Any) -> None:
        self.others: list[ReadingClient] = []
        super().__init__(*arguments, **options)
        with ExitStack() as opened:
            opened.callback(self.close)
            self.others += (ReadingClient(*arguments, **options) for _ in range(1, connections))
            opened.pop_all()

    def close(self) -> None:
        """Close the connections for good."""
        super().close()
        for other in self.others:
            other.close()

    def pipeline(self, commands: Iterable[Command[T]]) -> Generator[Any, None, None]:
        """As `ReadingClient.pipeline`.

        Raises
        ------
        ConnectionClosed
            The connections lead to different server processes, as after a restart.
        """
        left = iter(commands)
        first = list(islice(left, MAX_WAITING + 1))
        if len(first) <= MAX_WAITING:
            yield from super().pipeline(first)
            return
        left, instance = chain(first, left), ""
        turns = cycle([*self.others, self])
        under_way: deque[tuple[ReadingClient, Generator[Any, None, None]]] = deque()
        try:
            while True:
                while len(under_way) <= len(self.others) and (part := list(islice(left, MAX_WAITING))):
                    client = next(turns)
                    under_way.append((client, client.begin(part)))
                if not under_way:
                    return
                client, results = under_way[0]
                yield from results
                under_way.popleft()
                instance = instance or client.instance
                if not is_same(client.instance, instance):
                    raise ConnectionClosed(f"{self.address}: the connections lead to different server processes")
        finally:
            for _, results in under_way:
                results.close()
