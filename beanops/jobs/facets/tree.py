"""The tree of paths in data, and how the values of many jobs are counted in it: path by path, not job by job."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from beanops.jobs.bodies.paths import spell_path
from beanops.jobs.facets.decoding import BEYOND_INTEGERS, LayerMemo
from beanops.jobs.facets.results import PathFacet, ValueCount
from beanops.jobs.facets.spelling import LongText, Step, extraction, float_text, predicate
from beanops.jobs.facets.tally import ValueTally

#: Paths that are kept; while jobs are added there may be twice as many.
MOST_PATHS = 1000
#: Values that are kept of one path at most, at least, and of all paths together.
_MOST, _LEAST, _ALL = 10_000, 100, 100_000
#: Characters of a key.
_LONGEST_KEY = 200
_TYPES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
    dict: "object",
    list: "array",
}
#: The jobs that values belong to; None where each belongs to another one.
Owners = Sequence[int] | None
#: Values that jobs have, by job, where values of several types may be written in one way.
Seen = set[tuple[int, str]] | None
_SCALARS: set[type] = {str, int, float, bool}
_WORDS = {True: "true", False: "false"}


class Counts(NamedTuple):
    """Counts of values as they are written, and the extremes of numbers."""

    texts: Counter[str]
    low: int | float | None
    high: int | float | None


class PathValues(NamedTuple):
    """Values at one path, the jobs that they belong to, and how many jobs these are."""

    node: PathNode
    values: list[Any]
    owners: Owners
    jobs: int


#: Values of one type at one path, to be counted, and the jobs that have them; of `object` all jobs that have the path.
Found = tuple["PathNode", type, int, Counts | None]


class NotPlain(Exception):
    """Data that was read quickly may have to be decoded."""


class PathNode:
    """One path.

    Attributes
    ----------
    steps : tuple
        Keys from the outside in, None for any item of a list.
    jobs : int
        Number of jobs that have it.
    late : bool
        Whether values at this path may have come before it was kept.
    """

    __slots__ = ("children", "jobs", "late", "parent", "step", "tally", "types")

    def __init__(self, parent: PathNode | None, step: Step, late: bool = False) -> None:
        self.parent, self.step, self.late = parent, step, late
        self.children: dict[Step, PathNode] = {}
        self.jobs = 0
        self.types: dict[type, int] = {}
        self.tally = ValueTally()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The path."""
        return () if self.parent is None else (*self.parent.steps, self.step)


class PathTree:
    """The paths of all data that was added.

    Attributes
    ----------
    dropped : int
        Number of values at paths that are not kept.
    """

    def __init__(self) -> None:
        self._root = PathNode(None, None)
        self._nodes = [self._root]
        self._layers = LayerMemo()
        self.dropped = 0

    def add(self, rows: list[Any], *, certain: bool) -> None:
        """Count the data of jobs, one for each.

        Raises
        ------
        NotPlain
            It was not `certain`, and some of it must be decoded first; nothing was counted.
        """
        dropped = self.dropped
        found: list[Found] = []
        todo = [PathValues(self._root, rows, None, len(rows))] if rows else []
        try:
            while todo:
                todo += self._below(todo.pop(), found, certain)
        except NotPlain:
            self.dropped = dropped
            raise
        most = self._most
        for node, kind, jobs, counted in found:
            _count(node, kind, jobs, counted, most)
        if len(self._nodes) > MOST_PATHS:
            self._prune()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_layers": None}

    def merge(self, other: PathTree) -> None:
        """Count the data that another tree has counted; it comes from another process, and adds none itself."""
        todo = [(self._root, other._root)]
        while todo:
            ours, theirs = todo.pop()
            ours.jobs += theirs.jobs
            ours.late = ours.late or theirs.late
            for kind, jobs in theirs.types.items():
                ours.types[kind] = ours.types.get(kind, 0) + jobs
            ours.tally.merge(theirs.tally, self._most)
            for step, node in theirs.children.items():
                child = self._child(ours, step, node.jobs)
                if child is not None:
                    todo.append((child, node))
            if other.dropped:  # perhaps of these
                for step in ours.children.keys() - theirs.children.keys():
                    ours.children[step].late = True
        self.dropped += other.dropped
        if len(self._nodes) > MOST_PATHS:
            self._prune()

    @property
    def _most(self) -> int:
        """The number of values that are kept of one path."""
        return min(_MOST, max(_LEAST, _ALL // len(self._nodes)))

    def _below(self, column: PathValues, found: list[Found], certain: bool) -> Iterator[PathValues]:
        """Find what is to be counted of the values at one path; yield the values below it."""
        kinds = set(map(type, column.values))
        seen: Seen = set() if column.owners is not None and len(kinds & _SCALARS) > 1 else None
        found.append((column.node, object, column.jobs, None))
        for kind in kinds:
            ours = column if len(kinds) == 1 else _of_type(column, kind)
            counted: Counts | None = None
            if kind is dict:
                yield from self._fields(ours)
            elif kind is list:
                yield from self._items(ours)
            elif kind is not type(None):
                counted = _counts(kind, ours, seen, None if certain else self._layers)
            found.append((ours.node, kind, ours.jobs, counted))

    def _fields(self, column: PathValues) -> Iterator[PathValues]:
        node, rows, owners, jobs = column
        for key, values, places in _by_key(rows):
            child = self._child(node, key, len(values))
            if child is None:
                continue
            if owners is None:
                yield PathValues(child, values, None, len(values))
            elif places is None:
                yield PathValues(child, values, owners, jobs)
            else:
                whose = [owners[place] for place in places]
                yield PathValues(child, values, whose, len(set(whose)))

    def _items(self, column: PathValues) -> Iterator[PathValues]:
        lengths = list(map(len, column.values))
        child = self._child(column.node, None, total) if (total := sum(lengths)) else None
        if child is not None:
            jobs = range(len(lengths)) if column.owners is None else column.owners
            whose = list(chain.from_iterable(map(repeat, jobs, lengths)))
            yield PathValues(child, list(chain.from_iterable(column.values)), whose, len(set(whose)))

    def _child(self, node: PathNode, step: Step, values: int) -> PathNode | None:
        """Return the path below another one, None if it is not kept."""
        child = node.children.get(step)
        if child is None:
            if len(self._nodes) >= 2 * MOST_PATHS or (step is not None and len(step) > _LONGEST_KEY):
                self.dropped += values
                return None
            child = node.children[step] = PathNode(node, step, late=self.dropped > 0)
            self._nodes.append(child)
        return child

    def _prune(self) -> None:
        """Keep the paths that most jobs have; one above another has as many, and comes before it."""
        ranked = sorted(self._nodes, key=lambda node: -node.jobs)
        for node in ranked[MOST_PATHS:]:
            self.dropped += node.jobs
            if node.parent is not None:
                node.parent.children.pop(node.step, None)
        kept = set(ranked[:MOST_PATHS])
        self._nodes = [node for node in self._nodes if node in kept]

    def results(self, jobs: int, top: int) -> tuple[PathFacet, ...]:
        """Return what is known of each path.

        Parameters
        ----------
        jobs : int
            Number of all decoded jobs.
        top : int
            Number of values of each.
        """
        ordered: list[PathNode] = []
        todo = [self._root]
        while todo:
            node = todo.pop()
            ordered.append(node)
            todo += reversed(node.children.values())
        # The root is of interest only where bodies are not objects, which all its keys show.
        wanted = [node for node in ordered if node.jobs and (node.parent is not None or set(node.types) != {dict})]
        return tuple(_result(node, jobs, top) for node in wanted)


def _of_type(column: PathValues, kind: type) -> PathValues:
    """Return the values of one type."""
    places = [place for place, value in enumerate(column.values) if type(value) is kind]
    values = [column.values[place] for place in places]
    if column.owners is None:
        return PathValues(column.node, values, None, len(values))
    whose = [column.owners[place] for place in places]
    return PathValues(column.node, values, whose, len(set(whose)))


def _by_key(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[Any], list[int] | None]]:
    """Yield the values of each key, with the places of their objects, None where all objects have it."""
    if len({*map(len, rows)}) == 1:
        try:  # objects with the same keys, as most have, are read several times faster
            columns = {key: list(map(itemgetter(key), rows)) for key in rows[0]}
        except KeyError:
            pass
        else:
            yield from ((key, values, None) for key, values in columns.items())
            return
    found: dict[str, tuple[list[Any], list[int]]] = defaultdict(lambda: ([], []))
    for place, row in enumerate(rows):
        for key, value in row.items():
            values, places = found[key]
            values.append(value)
            places.append(place)
    for key, (values, places) in found.items():
        yield key, values, places if len(places) < len(rows) else None


def _counts(kind: type, column: PathValues, seen: Seen, layers: LayerMemo | None) -> Counts:
    """Count the jobs that have each of some values of one type.

    Raises
    ------
    NotPlain
        Texts among them are `layers`, or numbers may have been others; with None all values are certain.
    """
    values, owners = column.values, column.owners
    low = high = None
    write: Callable[[Any], str] = _WORDS.__getitem__ if kind is bool else float_text if kind is float else str
    if kind is int or kind is float:
        low, high = min(values), max(values)
        if kind is float and layers is not None and max(high, -low) >= BEYOND_INTEGERS:
            raise NotPlain
    # 0.0 and -0.0 are equal, and written in two ways; 7 and "7" are not, and written in one.
    if seen is not None or (kind is float and 0.0 in values):
        values, write = list(map(write, values)), str
    counted = Counter(values)
    if owners is not None and (seen is not None or len(counted) < len(values)):
        # One job may have a value several times.
        pairs = set(zip(owners, values, strict=True))
        if seen is not None:
            pairs -= seen
            seen |= pairs
        if len(pairs) < len(values):
            counted = Counter([value for _, value in pairs])
    if kind is str:
        if layers is not None and layers.any(counted):
            raise NotPlain
        return Counts(counted, None, None)
    return Counts(Counter(dict(zip(map(write, counted), counted.values(), strict=True))), low, high)


def _count(node: PathNode, kind: type, jobs: int, counted: Counts | None, most: int) -> None:
    if kind is object:
        node.jobs += jobs
        return
    node.types[kind] = node.types.get(kind, 0) + jobs
    if counted is None or not counted.texts:
        return
    if kind is str:
        node.tally.add_texts(counted.texts, most)
    elif counted.low is None or counted.high is None:
        node.tally.add_words(counted.texts, most)
    else:
        node.tally.add_numbers(counted.texts, counted.low, counted.high, most)


def _result(node: PathNode, jobs: int, top: int) -> PathFacet:
    steps, tally = node.steps, node.tally
    low, high = tally.extremes
    return PathFacet(
        path=spell_path(steps),
        sql=extraction(steps),
        jobs=node.jobs,
        missing=max(0, jobs - node.jobs),
        nulls=node.types.get(type(None), 0),
        types={_TYPES[kind]: count for kind, count in sorted(node.types.items(), key=lambda item: -item[1])},
        distinct=tally.distinct,
        approximate=node.late or not tally.exact,
        min=low,
        max=high,
        top=tuple(
            ValueCount(
                f"{value.head}…" if isinstance(value, LongText) else value,
                count,
                late or node.late,
                predicate(steps, value),
            )
            for value, count, late in tally.top(top)
        ),
    )
