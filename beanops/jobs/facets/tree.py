"""The tree of paths in data, and how the values of many jobs are counted in it: path by path, not job by job."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from beanops.jobs.facets.decoding import BEYOND_INTEGERS, is_layer
from beanops.jobs.facets.results import PathFacet, ValueCount
from beanops.jobs.facets.spelling import LongText, Step, extraction, float_text, predicate, spell
from beanops.jobs.facets.tally import Tally

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
#: Values at one path, and their jobs.
Column = tuple["Node", list[Any], Owners]
_WORDS = {True: "true", False: "false"}


class Counts(NamedTuple):
    """Counts of values as they are written, and the extremes of numbers."""

    texts: Counter[str]
    low: int | float | None
    high: int | float | None


#: Values of one type at one path, to be counted, and the jobs that have them; of `object` all jobs that have the path.
Found = tuple["Node", type, int, Counts | None]


class NotPlain(Exception):
    """Data that was read quickly may have to be decoded."""


class Node:
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

    def __init__(self, parent: Node | None, step: Step, late: bool = False) -> None:
        self.parent, self.step, self.late = parent, step, late
        self.children: dict[Step, Node] = {}
        self.jobs = 0
        self.types: dict[type, int] = {}
        self.tally = Tally()

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
        self._root = Node(None, None)
        self._nodes = [self._root]
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
        todo: list[Column] = [(self._root, rows, None)] if rows else []
        try:
            while todo:
                todo += self._column(*todo.pop(), found, certain)
        except NotPlain:
            self.dropped = dropped
            raise
        most = min(_MOST, max(_LEAST, _ALL // len(self._nodes)))
        for node, kind, jobs, counted in found:
            _count(node, kind, jobs, counted, most)
        if len(self._nodes) > MOST_PATHS:
            self._prune()

    def _column(
        self, node: Node, values: list[Any], owners: Owners, found: list[Found], certain: bool
    ) -> Iterable[Column]:
        """Find what is to be counted of the values at one path; return the values below it."""
        below: list[Column] = []
        kinds = set(map(type, values))
        found.append((node, object, len(values) if owners is None else len(set(owners)), None))
        for kind in kinds:
            ours, whose = values, owners
            if len(kinds) > 1:
                places = [place for place, value in enumerate(values) if type(value) is kind]
                ours = [values[place] for place in places]
                whose = None if owners is None else [owners[place] for place in places]
            jobs = len(ours) if whose is None else len(set(whose))
            counted: Counts | None = None
            if kind is dict:
                below += self._fields(node, ours, whose)
            elif kind is list:
                below += self._items(node, ours, whose)
            elif ours[0] is not None:
                counted = _counts(kind, ours, whose, certain)
            found.append((node, kind, jobs, counted))
        return below

    def _fields(self, node: Node, rows: list[dict[str, Any]], owners: Owners) -> Iterable[Column]:
        values: dict[str, list[Any]] = defaultdict(list)
        whose: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            for key, value in row.items():
                values[key].append(value)
        if owners is not None:
            for row, owner in zip(rows, owners, strict=True):
                for key in row:
                    whose[key].append(owner)
        for key, column in values.items():
            child = self._child(node, key, len(column))
            if child is not None:
                yield child, column, None if owners is None else whose[key]

    def _items(self, node: Node, rows: list[list[Any]], owners: Owners) -> Iterable[Column]:
        lengths = list(map(len, rows))
        if total := sum(lengths):
            child = self._child(node, None, total)
            if child is not None:
                jobs = range(len(rows)) if owners is None else owners
                yield child, list(chain.from_iterable(rows)), list(chain.from_iterable(map(repeat, jobs, lengths)))

    def _child(self, node: Node, step: Step, values: int) -> Node | None:
        """Return the path below another one, None if it is not kept."""
        child = node.children.get(step)
        if child is None:
            if len(self._nodes) >= 2 * MOST_PATHS or (step is not None and len(step) > _LONGEST_KEY):
                self.dropped += values
                return None
            child = node.children[step] = Node(node, step, late=self.dropped > 0)
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
        ordered: list[Node] = []
        todo = [self._root]
        while todo:
            node = todo.pop()
            ordered.append(node)
            todo += reversed(node.children.values())
        # The root is of interest only where bodies are not objects, which all its keys show.
        wanted = [node for node in ordered if node.jobs and (node.parent is not None or set(node.types) != {dict})]
        return tuple(_result(node, jobs, top) for node in wanted)


def _counts(kind: type, values: list[Any], owners: Owners, certain: bool) -> Counts:
    """Count the jobs that have each of some values of one type.

    Raises
    ------
    NotPlain
        It is not `certain` that these are the values.
    """
    low = high = None
    write: Callable[[Any], str] = _WORDS.__getitem__ if kind is bool else str
    if kind is float:
        low, high = min(values), max(values)
        if not certain and max(high, -low) >= BEYOND_INTEGERS:
            raise NotPlain
        write = float_text
        if 0.0 in values:  # which is equal to -0.0, and written in another way
            values, write = list(map(float_text, values)), str
    # In a list one job may have a value several times.
    counted = Counter(values if owners is None else [value for _, value in set(zip(owners, values, strict=True))])
    if kind is str:
        if not certain and any(map(is_layer, counted)):
            raise NotPlain
        return Counts(counted, None, None)
    if kind is int:
        low, high = min(counted), max(counted)
    return Counts(Counter(dict(zip(map(write, counted), counted.values(), strict=True))), low, high)


def _count(node: Node, kind: type, jobs: int, counted: Counts | None, most: int) -> None:
    if kind is object:
        node.jobs += jobs
        return
    node.types[kind] = node.types.get(kind, 0) + jobs
    if counted is None:
        return
    if kind is str:
        node.tally.add_texts(counted.texts, most)
    elif counted.low is None or counted.high is None:
        node.tally.add_words(counted.texts, most)
    else:
        node.tally.add_numbers(counted.texts, counted.low, counted.high, most)


def _result(node: Node, jobs: int, top: int) -> PathFacet:
    steps, tally = node.steps, node.tally
    low, high = tally.extremes
    return PathFacet(
        path=spell(steps),
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
