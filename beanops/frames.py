"""Records as DataFrames, with dtypes that do not depend on the rows: an empty frame has those of a full one.

Counts are signed, so that a difference of two does not wrap; ids alone are unsigned. pandas costs half a second to
import, so nothing imports this module before somebody wants a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import pandas as pd

from beanops.protocol.states import EVERY_STATE
from beanops.shown_frame import ShownFrame

#: The states of jobs, shared by all frames so that they compare and join.
STATES = pd.CategoricalDtype([*EVERY_STATE])
#: The dtype of moments.
TIME = "datetime64[us, UTC]"

#: How one column is made: its dtype, and the attribute of a record that it shows, or what computes it of one.
#: The dtype is one of pandas, ``"seconds"`` for spans of time, or ``"moment"`` for seconds since 1970.
Source = tuple[Any, str | Callable[[Any], Any]]


def frame(records: Sequence[Any], columns: Mapping[str, Source]) -> ShownFrame:
    """Return records as a frame.

    Parameters
    ----------
    records : sequence
        One for each row.
    columns : mapping of str to Source
        The columns by name, in order.
    """
    arrays = {}
    for name, (dtype, source) in columns.items():
        get = attrgetter(source) if isinstance(source, str) else source
        arrays[name] = _array(map(get, records), dtype)
    return ShownFrame(arrays)


def _array(values: Iterable[Any], dtype: Any) -> Any:
    if dtype == "seconds":
        return pd.to_timedelta(pd.array(list(values), dtype="Int64"), unit="s").as_unit("us")
    if dtype == "moment":
        moments = [None if at is None else int(at * 1e6) for at in values]
        return pd.to_datetime(pd.array(moments, dtype="Int64"), unit="us", utc=True).as_unit("us")
    return pd.array(list(values), dtype=dtype)
