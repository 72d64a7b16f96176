"""Records to DataFrames with dtypes that do not depend on the rows: an empty frame has those of a full one.

pandas costs half a second to import, so nothing imports this module before somebody wants a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from beanops.jobs.bodies import decode
from beanops.jobs.identity import digest_shown
from beanops.jobs.read import FoundJob
from beanops.jobs.sql.jobs_table import body_text
from beanops.protocol import JobStats
from beanops.protocol.states import EVERY_STATE

#: The states of jobs, shared by all frames so that they compare and join.
STATES = pd.CategoricalDtype([*EVERY_STATE])


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


def jobs_frame(jobs: Sequence[FoundJob], bodies: bool) -> pd.DataFrame:
    """Return found jobs as a frame; see `Session.jobs` for its columns."""
    counts = dict.fromkeys(("reserves", "timeouts", "releases", "buries", "kicks"), "uint32")
    seconds = dict.fromkeys(("age", "delay", "ttr", "time_left"), "seconds")
    dtypes = {"id": "uint64", "state": STATES, "priority": "uint32", "file": "uint32", **counts, **seconds}
    found = frame([job.stats for job in jobs], JobStats, dtypes).drop(columns="file")
    moments = pd.array([None if at is None else int(at * 1e6) for at in (job.created for job in jobs)], dtype="Int64")
    found.insert(list(found.columns).index("time_left") + 1, "created", pd.to_datetime(moments, unit="us", utc=True))
    found["created"] = found["created"].dt.as_unit("us")
    found["instance"] = pd.array([job.instance or None for job in jobs], dtype="str")
    if bodies:
        read = [job.body or b"" for job in jobs]
        found["digest"] = pd.array([digest_shown(job) for job in jobs], dtype="str")
        found["size"] = pd.array([job.size for job in jobs], dtype="uint32")
        found["body"] = pd.array([body_text(body) for body in read], dtype="str")
        found["data"] = pd.Series([decode(body).data for body in read], dtype="object")
    return found
