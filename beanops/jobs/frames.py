"""Found jobs as DataFrames and as Arrow. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from beanops.frames import STATES, Source, frame
from beanops.jobs.bodies import decode
from beanops.jobs.identity import digest_shown
from beanops.jobs.read import BodyForm, FoundJob, body_text, check_bodies
from beanops.jobs.select import names_of
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import check_choice

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]

_COUNTS = ("reserves", "timeouts", "releases", "buries", "kicks", "file")
#: The columns of jobs, but for those that need the body.
COLUMNS: Mapping[str, Source] = {
    "id": ("uint64", "id"),
    "tube": ("str", "stats.tube"),
    "state": (STATES, "stats.state"),
    "priority": ("int64", "stats.priority"),
    **{name: ("seconds", f"stats.{name}") for name in ("age", "delay", "ttr", "time_left")},
    "created": ("moment", "created"),
    **{name: ("int64", f"stats.{name}") for name in _COUNTS},
    "instance": ("str", lambda job: job.instance or None),
}
#: Those that need it: text can be written to any file, and bytes and data are exact.
BODY_COLUMNS: Mapping[str, Source] = {
    "digest": ("str", digest_shown),
    "size": ("int64", "size"),
    "body": ("str", lambda job: body_text(job.body or b"")),
    "data": ("str", lambda job: decode(job.body or b"").json),
}
_BYTES: Source = ("object", lambda job: job.body or b"")
_OBJECTS: Source = ("object", lambda job: decode(job.body or b"").data)


def job_columns(
    bodies: BodyForm = "text", *, decoded: bool = False, columns: str | Iterable[str] | None = None
) -> dict[str, Source]:
    """Return the columns of a frame of jobs, checked.

    Parameters
    ----------
    bodies : {"text", "bytes", False}
        What ``body`` is; False leaves out all columns that need it. True is the same as ``"text"``.
    decoded : bool
        Whether ``data`` holds Python objects rather than JSON text.
    columns : str, iterable of str, or None
        Only these, in this order.

    Raises
    ------
    ArgumentError
        There is no such column, or not without bodies.

    Examples
    --------
    >>> list(job_columns(columns=["id", "data"]))
    ['id', 'data']
    """
    check_bodies(bodies)
    if decoded and not bodies:
        raise ArgumentError("decoded", decoded, "False where bodies=False")
    known = dict(COLUMNS)
    if bodies:
        known |= BODY_COLUMNS
        known |= {"body": _BYTES} if bodies == "bytes" else {}
        known |= {"data": _OBJECTS} if decoded else {}
    if columns is None:
        return known
    wanted = names_of("columns", columns)
    for name in wanted:
        if not bodies and name in BODY_COLUMNS:
            raise ArgumentError("columns", name, f"{', '.join(known)} where bodies=False")
        check_choice("columns", name, known)
    return {name: known[name] for name in wanted}


def needs_bodies(columns: Iterable[str]) -> bool:
    """Whether any of these columns needs the bodies of jobs."""
    return not BODY_COLUMNS.keys().isdisjoint(columns)


def jobs_frame(jobs: Sequence[FoundJob], columns: Mapping[str, Source] | None = None) -> pd.DataFrame:
    """Return found jobs as a frame; see `Session.jobs` for its columns.

    Parameters
    ----------
    jobs : sequence of FoundJob
        One for each row.
    columns : mapping or None
        As `job_columns` returns them; None is all.
    """
    known = dict(job_columns() if columns is None else columns)
    if "file" in known and any(job.stats.file is None for job in jobs):
        known["file"] = ("Int64", "stats.file")  # before 1.5 a server does not say it
    return frame(jobs, known)


def arrow_reader(batches: Iterable[Sequence[FoundJob]], bodies: BodyForm) -> pyarrow.RecordBatchReader:
    """Return batches of jobs as a stream of Arrow, which asks for a batch when it is read; needs pyarrow."""
    import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]

    columns = job_columns(bodies)
    schema = pa.Schema.from_pandas(jobs_frame([], columns), preserve_index=False)
    if bodies == "bytes":
        schema = schema.set(schema.get_field_index("body"), pa.field("body", pa.binary()))
    frames = (jobs_frame(batch, columns) for batch in batches)
    return pa.RecordBatchReader.from_batches(
        schema, (pa.RecordBatch.from_pandas(part, schema, preserve_index=False) for part in frames)
    )
