"""Records to DataFrames with dtypes that do not depend on the rows: an empty frame has those of a full one.

pandas costs half a second to import, so nothing imports this module before somebody wants a frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

#: The states of jobs, shared by all frames so that they compare and join.
STATES = pd.CategoricalDtype(["ready", "reserved", "delayed", "buried", "invalid"])


def frame(rows: Iterable[Any], record: type[Any], dtypes: dict[str, Any]) -> pd.DataFrame:
    """Return rows of a NamedTuple as a frame with one column a field, without ``extra``.

    Parameters
    ----------
    rows : iterable of tuple
        Records of the type `record`.
    record : type
        The NamedTuple.
    dtypes : dict
        The dtype of each column, ``"seconds"`` for numbers of seconds, which become ``timedelta64[us]``.
        Columns without one hold text.
    """
    fields = [field for field in record._fields if field != "extra"]
    columns = list(zip(*rows, strict=True)) or [()] * len(record._fields)
    return pd.DataFrame(
        {field: _column(values, dtypes.get(field, "str")) for field, values in zip(fields, columns, strict=False)}
    )


def _column(values: Iterable[Any], dtype: Any) -> Any:
    if dtype == "seconds":
        return pd.to_timedelta(pd.array(list(values), dtype="Int64"), unit="s").as_unit("us")
    return pd.array(list(values), dtype=dtype)
