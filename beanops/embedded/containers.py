"""The two collections that the state machine is made of: a heap and a bag, both with fast removal.

They know nothing of jobs or tubes, only of things that have an ``id``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """A thing with a number of its own, which decides between equal keys."""

    id: int


T = TypeVar("T", bound=Numbered)

#: Removed entries that a heap tolerates beyond as many as are alive.
_SLACK = 32


class Heap(Generic[T]):
    """A heap of things by key, from which any thing can be removed.

    Removal forgets the entry and leaves it in the heap until it surfaces; when most entries are forgotten the
    heap is rebuilt, so that every operation costs O(log n) on average. Iteration is in the order of arrival.
    """

    __slots__ = ("_entries", "_live")

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, T]] = []
        self._live: dict[T, tuple[int, int, T]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[T]:
        return iter(self._live)

    def __contains__(self, item: T) -> bool:
        return item in self._live

    def push(self, key: int, item: T) -> None:
        """Add a thing, or give one that is there already a new key."""
        entry = (key, item.id, item)
        self._live[item] = entry
        heapq.heappush(self._entries, entry)
        if len(self._entries) > 2 * len(self._live) + _SLACK:
            self._rebuild()

    def remove(self, item: T) -> None:
        """Remove a thing that is there."""
        entry = self._live.pop(item)
        if entry is self._entries[0]:
            heapq.heappop(self._entries)
        elif len(self._entries) > 2 * len(self._live) + _SLACK:
            self._rebuild()

    def first(self) -> T | None:
        """Return the thing with the smallest key, of equal ones the one with the smallest id."""
        entries = self._entries
        while entries:
            entry = entries[0]
            if self._live.get(entry[2]) is entry:
                return entry[2]
            heapq.heappop(entries)
        return None

    def due(self, key: int) -> T | None:
        """Return the first thing if its key is at most `key`."""
        item = self.first()
        return item if item is not None and self._entries[0][0] <= key else None

    def smallest(self, default: int) -> int:
        """Return the smallest key, or `default` when the heap is empty."""
        return default if self.first() is None else self._entries[0][0]

    def _rebuild(self) -> None:
        self._entries = list(self._live.values())
        heapq.heapify(self._entries)


class Bag(Generic[T]):
    """Things in beanstalkd's own order: the last one fills the gap of one that is removed.

    The order shows in ``list-tubes`` and ``list-tubes-watched``, and in which of the waiting connections gets a job.
    """

    __slots__ = ("_index", "_turn", "items")

    def __init__(self) -> None:
        self.items: list[T] = []
        self._index: dict[T, int] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: T) -> bool:
        return item in self._index

    def add(self, item: T) -> None:
        """Append a thing that is not there yet."""
        self._index[item] = len(self.items)
        self.items.append(item)

    def remove(self, item: T) -> None:
        """Remove a thing if it is there."""
        index = self._index.pop(item, None)
        if index is not None:
            last = self.items.pop()
            if last is not item:
                self.items[index] = last
                self._index[last] = index

    def take(self) -> T:
        """Remove and return the thing whose turn it is, round robin."""
        turn = self._turn % len(self.items)
        item = self.items[turn]
        self.remove(item)
        self._turn = turn + 1
        return item

    def pass_turn(self) -> None:
        """Move the turn as if a thing had been added to the empty bag and taken."""
        self._turn = 1
