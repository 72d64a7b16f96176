"""Merge the actions of runs that overlap: newest first, reading no further than the caller asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import heappop, heappush

from beanops.journal.records import Action


def newest_first(runs: Iterable[tuple[datetime, Iterator[Action]]]) -> Iterator[Action]:
    """Yield the actions of runs by time, newest first; a run is read when its last action may be the next.

    Parameters
    ----------
    runs : iterable of (datetime, iterator of Action)
        The time of the last action of each run, newest first, and the actions, newest first.
    """
    heap: list[tuple[float, int, Action, Iterator[Action]]] = []

    def read_on(number: int, actions: Iterator[Action]) -> None:
        for action in actions:
            heappush(heap, (-action.time.timestamp(), number, action, actions))
            return

    for number, (last, actions) in enumerate(runs):
        while heap and -heap[0][0] > last.timestamp():
            _, at, action, rest = heappop(heap)
            yield action
            read_on(at, rest)
        read_on(number, actions)
    while heap:
        _, at, action, rest = heappop(heap)
        yield action
        read_on(at, rest)
