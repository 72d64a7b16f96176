"""The numbers and values of all jobs, as compact as they come, and the bins that are made of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from beanops.jobs.bins.body_values import COMPOSITE, UNKNOWN, written
from beanops.jobs.bins.dimensions import MOST_BINS, NO_BIN, RangeBins, ValueBins
from beanops.jobs.bins.edges import number_edges, time_edges
from beanops.jobs.facets.spelling import LongText, kept_text
from beanops.jobs.sql.literals import literal
from beanops.text import safe_text

#: Different numbers up to which each has a bin of its own.
_FEW = 12
#: Different values that are told apart, and those of them that have a bin.
_KNOWN, MOST_VALUES = 20_000, 100
#: Characters of a label.
_LABEL = 120
#: Places of values: a value that is not told apart from others, none, and one that is not known.
_OTHER, _NULL, _UNKNOWN = -1, -2, -3


class NumberColumn:
    """A number that every job has, a column of SQL.

    Parameters
    ----------
    name : str
        The column.
    unit : str
        As in `RangeBins`.
    """

    def __init__(self, name: str, unit: str) -> None:
        self.name, self._unit = name, unit
        self._numbers = array("d" if unit == "time" else "q")

    def add(self, numbers: Iterable[Any]) -> None:
        """Add the numbers of jobs."""
        self._numbers.extend(numbers)

    def put(self, place: int, number: Any) -> None:
        """Replace the number of one job."""
        self._numbers[place] = number

    def bins(self, at: float, kept: RangeBins | None = None) -> RangeBins | None:
        """Return bins, None where all jobs have the same number.

        Parameters
        ----------
        at : float
            The present, in seconds since 1970.
        kept : RangeBins or None
            Bins whose bounds are to be kept.
        """
        import numpy as np

        numbers = np.array(self._numbers)
        if kept is None and (not len(numbers) or numbers.min() == numbers.max()):
            return None
        operand = "created" if self._unit == "time" else self.name
        return _ranges(self.name, operand, self._unit, numbers, at, kept)


class ValueColumn:
    """A value that a job may have: its state, its tube, its cause, or what its body has at a path.

    Parameters
    ----------
    name : str
        A column, or a path.
    operand : str
        The SQL expression that has it.
    unit : str
        As in `ValueBins`.
    always : bool
        Whether there are bins also where all jobs are alike.
    """

    def __init__(self, name: str, operand: str, unit: str = "text", *, always: bool = False) -> None:
        self.name, self._unit, self._always = name, unit, always
        self._operand = operand if operand.isidentifier() else f"({operand})"
        self._places = array("i")
        self._known: dict[str | LongText, int] = {}
        self._labels: dict[str | LongText, str] = {}
        # A path whose values are all numbers has ranges.
        self._numbers: array[float] | None = array("d") if unit == "text" else None

    def add(self, values: Iterable[Any]) -> None:
        """Add the values of jobs."""
        values = list(values)
        self._places.extend(map(self._place, values))
        if self._numbers is not None:
            self._numbers.extend([value if type(value) in (int, float) else math.nan for value in values])

    def put(self, place: int, value: Any) -> None:
        """Replace the value of one job."""
        self._places[place] = self._place(value)

    def label(self, value: str, label: str) -> None:
        """Give a value another label."""
        self._labels[value] = label

    def _place(self, value: Any) -> int:
        if value is None or value is UNKNOWN or value is COMPOSITE:
            return _NULL if value is None else _UNKNOWN if value is UNKNOWN else _OTHER
        key = kept_text(written(value))
        place = self._known.get(key)
        if place is None:
            if len(self._known) >= _KNOWN:
                return _OTHER
            place = self._known[key] = len(self._known)
        return place

    @property
    def only(self) -> str:
        """The value of all jobs; empty where they differ."""
        return self._label(next(iter(self._known))) if len(self._known) == 1 and not any(self._places) else ""

    def bins(self, at: float, kept: RangeBins | ValueBins | None = None) -> RangeBins | ValueBins | None:
        """Return bins, None where all jobs are alike; see `NumberColumn.bins`."""
        import numpy as np

        places = np.array(self._places)
        alike = not self._always and bool((places == places[:1]).all())
        if not len(places) or (kept is None and alike):
            return None
        if isinstance(kept, RangeBins) or (kept is None and self._are_numbers(places)):
            operand = f"try_cast({self._operand} as double)"
            return _ranges(self.name, operand, "number", np.array(self._numbers), at, kept)
        kept = kept or self._ranked(places)
        codes = {key: code for code, key in enumerate(kept.keys)}
        coded = [codes.get(key, kept.others) for key in self._known]
        # One for each of the places below zero, which count from the end.
        coded += [NO_BIN, kept.missing, kept.others]
        return kept._replace(codes=np.array(coded, dtype="uint8")[places])

    def _are_numbers(self, places: Any) -> bool:
        import numpy as np

        if self._numbers is None or len(self._known) <= _FEW:
            return False
        return not bool((np.isnan(np.array(self._numbers)) & (places > _NULL)).any())

    def _ranked(self, places: Any) -> ValueBins:
        """Return the bins of the most frequent values, without codes."""
        import numpy as np

        values = list(self._known)
        counts = np.bincount(places[places >= 0], minlength=len(values))
        most = MOST_VALUES if self._unit == "text" else MOST_BINS - 2
        keys = tuple(values[place] for place in np.argsort(-counts, kind="stable")[:most])
        labels = [safe_text(self._label(key), limit=_LABEL) for key in keys]
        literals = [literal(key) if isinstance(key, str) else None for key in keys]
        digests = {code: key.digest for code, key in enumerate(keys) if isinstance(key, LongText)}
        wheres = {code: f"md5({self._operand}) = '{digest}'" for code, digest in digests.items()}
        others = missing = NO_BIN
        if len(values) > len(keys) or (places == _OTHER).any():
            others = len(labels)
            labels.append("other values")
            named = ", ".join(one for one in literals if one is not None)
            parts = [f"{self._operand} not in ({named})"] if named else []
            parts += [f"md5({self._operand}) <> '{digest}'" for digest in digests.values()]
            wheres[others] = " and ".join(parts) or f"{self._operand} is not null"
        if (places == _NULL).any():
            missing = len(labels)
            labels.append("none")
            wheres[missing] = f"{self._operand} is null"
        literals += [None] * (len(labels) - len(literals))
        return ValueBins(
            self.name, self._unit, keys, tuple(labels), self._operand, tuple(literals), wheres, others, missing, None
        )

    def _label(self, key: str | LongText) -> str:
        return f"{key.head}…" if isinstance(key, LongText) else self._labels.get(key, key) or "''"


def _ranges(name: str, operand: str, unit: str, numbers: Any, at: float, kept: RangeBins | None) -> RangeBins | None:
    """Return the bins of numbers, NaN for a job without one; None where all are the same."""
    import numpy as np

    known = ~np.isnan(numbers) if numbers.dtype.kind == "f" else np.ones(len(numbers), dtype=bool)
    if kept is None:
        there = numbers[known]
        few = np.unique(there) if unit != "time" else there[:0]
        if not len(there) or there.min() == there.max():
            return None
        if 0 < len(few) <= _FEW:
            kept = _single(name, operand, unit, few.tolist())
        else:
            edges = time_edges(there, at) if unit == "time" else number_edges(there)
            kept = _bounded(name, operand, unit, edges)
    places = np.searchsorted(np.array(kept.edges[1:-1]), numbers, side="right")
    return kept._replace(codes=np.where(known, places, NO_BIN).astype("uint8"))


def _single(name: str, operand: str, unit: str, values: list[float]) -> RangeBins:
    """Return a bin for each value, without codes."""
    texts = [_sql(unit, value) for value in values]
    above = [f"{operand} >= {text}" for text in texts]
    below = [f"{operand} <= {text}" for text in texts]
    single = tuple(f"{operand} = {text}" for text in texts)
    above[0] = below[-1] = ""
    return RangeBins(name, unit, (*values, values[-1] + 1), tuple(above), tuple(below), single, None)


def _bounded(name: str, operand: str, unit: str, edges: list[float]) -> RangeBins:
    """Return bins between bounds, without codes."""
    texts = [_sql(unit, edge) for edge in edges]
    above = ["", *(f"{operand} >= {text}" for text in texts[1:-1])]
    below = [*(f"{operand} < {text}" for text in texts[1:-1]), ""]
    return RangeBins(name, unit, tuple(edges), tuple(above), tuple(below), (), None)


def _sql(unit: str, value: float) -> str:
    if unit == "time":
        return f"'{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}+00'"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
