"""References to jobs, read from ids, jobs, rows and frames, with the facts that these have about each job.

`identity` compares references with jobs.
"""

from __future__ import annotations

import base64
import binascii
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Protocol, SupportsIndex, overload

from beanops.jobs.identity import JobRef, digest_of, ref_of
from beanops.jobs.read import FoundJob
from beanops.jobs.select import check_id, ids_in_frame, ids_of, plain_row
from beanops.protocol import Job, JobStats
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U64_MAX, check_number

#: An unknown moment.
_UNKNOWN = math.nan
#: Seconds since 1970 at the end of the year 2999: a number beyond it counts thousandths, millionths and so on.
_LATEST = 32_503_680_000


class JobRefs(Sequence[JobRef]):
    """References to jobs, in order, stored by column so that a million take little memory.

    Parameters
    ----------
    ids : sequence of int
        The ids.
    instance, tube, digest : sequence of str or None
        As in `JobRef`, one per job; None where it is unknown for all.
    created : sequence of float, or of tuples of float or None; or None
        Times of the puts in seconds since 1970, NaN where unknown; or as in `JobRef`.
    """

    def __init__(
        self,
        ids: Sequence[int],
        instance: Sequence[str | None] | None = None,
        tube: Sequence[str | None] | None = None,
        created: Sequence[float] | None = None,
        digest: Sequence[str | None] | None = None,
    ) -> None:
        self.ids: Any = ids
        self.facts: dict[str, Any] = {"instance": instance, "tube": tube, "created": created, "digest": digest}

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def bare(self) -> bool:
        """Whether only their ids are known."""
        return all(column is None for column in self.facts.values())

    def are_all_of(self, instance: str) -> bool:
        """Whether all were seen on this server process."""
        return set(self.facts["instance"] or ()) == {instance}

    def __iter__(self) -> Iterator[JobRef]:
        columns: Iterable[Any] = (repeat(None) if column is None else column for column in self.facts.values())
        instance, tube, created, digest = columns
        return map(JobRef, self.ids, instance, tube, map(_between, created), digest)

    @overload
    def __getitem__(self, place: SupportsIndex) -> JobRef: ...
    @overload
    def __getitem__(self, place: slice) -> JobRefs: ...
    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            parts = (None if column is None else column[place] for column in self.facts.values())
            return JobRefs(self.ids[place], *parts)
        facts: Iterable[Any] = (None if column is None else column[place] for column in self.facts.values())
        instance, tube, created, digest = facts
        return JobRef(self.ids[place], instance, tube, _between(created), digest)

    def append(self, ref: JobRef) -> None:
        """Add a job; a fact that is unknown for all others is dropped."""
        created = _UNKNOWN if ref.created is None else ref.created[0]
        self.ids.append(ref.id)
        for column, value in zip(self.facts.values(), (ref.instance, ref.tube, created, ref.digest), strict=True):
            if column is not None:
                column.append(value)

    def plain(self) -> dict[str, Any]:
        """Return them as plain data for JSON; a fact that all share is written once."""
        if isinstance(self.ids, range):
            return {"ids": {"range": [self.ids.start, self.ids.stop, self.ids.step]}}
        facts: dict[str, Any] = {}
        for name, column in self.facts.items():
            values: list[Any] = list(column or ())
            if name == "created":
                values = [None if at is None or at != at else at for at in map(_earliest, values)]
            if values:
                facts[name] = values[0] if len(set(values)) == 1 else values
        return {"ids": list(self.ids)} | ({"facts": facts} if facts else {})


class HasRef(Protocol):
    """What knows one job, such as a reservation."""

    @property
    def ref(self) -> JobRef:
        """The job."""


class HasRefs(Protocol):
    """What knows several jobs, such as a run."""

    @property
    def refs(self) -> JobRefs:
        """The jobs."""


def _earliest(created: Any) -> Any:
    return created[0] if isinstance(created, tuple) else created


def _between(created: Any) -> tuple[float, float] | None:
    """Return the bounds of a moment, None for one that is unknown."""
    if created is None or isinstance(created, tuple):
        return created
    return None if math.isnan(created) else (created, created)


def refs_in(plain: Mapping[str, Any]) -> JobRefs:
    """Return the jobs that `JobRefs.plain` described."""
    ids = plain["ids"]
    if isinstance(ids, dict):
        return JobRefs(range(*ids["range"]))
    facts: dict[str, Any] = plain.get("facts", {})
    columns: dict[str, Any] = {
        name: value if isinstance(value, list) else [value] * len(ids) for name, value in facts.items()
    }
    if "created" in columns:
        columns["created"] = array("d", (_UNKNOWN if one is None else one for one in columns["created"]))
    return JobRefs(array("Q", ids), **columns)


def refs_of(jobs: Any, argument: str = "jobs") -> JobRefs:
    """Return references to jobs in any form, each once, in order.

    Parameters
    ----------
    jobs : id, job, JobRef, row, iterable of these, DataFrame with a column ``id``, str, JobRefs, Run or Reservation
        A text holds ids and ranges, as in ``"5,7-9"``. Rows and frames may have ``instance``, ``tube``, ``created``
        and ``digest``, as those that beanops writes have; a mapping without a ``digest`` may have ``body``, as it is
        or as a frame shows it, or ``body_base64``.
    argument : str
        Name of the argument, for an error.

    Raises
    ------
    ArgumentError
        It does not name jobs, or a fact cannot be read.
    """
    if isinstance(jobs, range | str | bytes):
        return JobRefs(ids_of(jobs, argument))
    if hasattr(jobs, "columns"):
        return _of_frame(jobs, argument)
    jobs = plain_row(jobs)
    if isinstance(jobs, JobRefs):
        return jobs
    one = isinstance(jobs, Job | JobStats | FoundJob | JobRef | Mapping) or not isinstance(jobs, Iterable)
    several: list[Any] = [jobs] if one else list(jobs)
    if all(type(job) is int for job in several):
        return JobRefs(array("Q", ids_of(several, argument)))
    refs = [_ref(job, argument) for job in several]
    _, *columns = map(list, zip(*refs, strict=True)) if refs else ([],) * 5
    return _each_once(JobRefs(array("Q", (ref.id for ref in refs)), *columns))


def _ref(job: Any, argument: str) -> JobRef:
    job = plain_row(job)
    match job:
        case JobRef():
            return job
        case FoundJob():
            return ref_of(job)
        case JobStats():
            return JobRef(job.id, None, job.tube)
        case Job():
            return JobRef(job.id, digest=digest_of(job.body))
        case Mapping():
            return ref_of_row(job, argument)
    return JobRef(check_id(argument, job))


def ref_of_row(row: Mapping[str, Any], argument: str = "jobs") -> JobRef:
    """Return what a row of a table, or a line that describes a job, remembers of it.

    Raises
    ------
    ArgumentError
        It has no id, or says what cannot be read.
    """
    if "id" not in row:
        raise ArgumentError(argument, sorted(row), "rows with an 'id'")
    for name in ("instance", "tube", "digest"):
        if isinstance(row.get(name), Mapping | list | tuple | bytes):  # a number may be what a reader of CSV made of it
            raise ArgumentError(name, row[name], "text")
    created = moment_of(row.get("created"))
    digest = _text(row["digest"]) if "digest" in row else _digest_of_row(row)
    return JobRef(
        check_id("id", row["id"]),
        _instance(row.get("instance")),
        _text(row.get("tube")),
        None if created is None else (created, created),
        digest,
    )


def _digest_of_row(row: Mapping[str, Any]) -> str | None:
    body, encoded = row.get("body"), row.get("body_base64")
    if isinstance(body, bytes):
        return digest_of(body)
    if isinstance(body, str):
        return digest_of(body.encode("utf-8", "surrogatepass"))
    try:
        return digest_of(base64.b64decode(encoded, validate=True)) if isinstance(encoded, str) else None
    except (binascii.Error, ValueError):
        raise ArgumentError("body_base64", encoded, "base64") from None


def _of_frame(frame: Any, argument: str) -> JobRefs:
    numbers = ids_in_frame(frame, argument)
    columns: dict[str, Any] = {"instance": None, "tube": None, "created": None, "digest": None}
    for name, read in (("instance", _instance), ("tube", _text), ("digest", _text)):
        if name in frame.columns:
            codes, values = frame[name].factorize(use_na_sentinel=False)
            texts = [read(value) for value in values.tolist()]  # one text for all rows that have it
            columns[name] = [texts[code] for code in codes.tolist()]
    if "created" in frame.columns:
        columns["created"] = _moments(frame["created"])
    ids = array("Q", (check_number("id", id, U64_MAX) for id in numbers))
    return _each_once(JobRefs(ids, **columns))


def _moments(column: Any) -> array[float]:
    """Return a column of times in any unit and zone, numbers or texts as seconds since 1970."""
    if column.dtype.kind == "M" or str(column.dtype).startswith("datetime64"):
        import pandas as pd

        times = pd.to_datetime(column, utc=True).astype("datetime64[us, UTC]")
        seconds = (times.astype("int64") / 1e6).where(times.notna(), _UNKNOWN)
        return array("d", seconds.tolist())
    known = column.astype("object").where(column.notna(), None)
    return array("d", (_UNKNOWN if (at := moment_of(one)) is None else at for one in known))


def _each_once(refs: JobRefs) -> JobRefs:
    """Leave out what is named twice; one number on two server processes is two jobs."""
    if len(set(refs.ids)) == len(refs):
        return refs
    instances = refs.facts["instance"] or [None] * len(refs)
    first = {key: place for place, key in reversed(list(enumerate(zip(refs.ids, instances, strict=True))))}
    places = sorted(first.values())
    columns = (None if column is None else [column[at] for at in places] for column in refs.facts.values())
    return JobRefs(array("Q", (refs.ids[at] for at in places)), *columns)


def _text(value: Any) -> str | None:
    """Return a text; None for what a reader of CSV made of it, such as a number, which is not the text that it was."""
    return value if isinstance(value, str) and value else None


def _instance(value: Any) -> str | None:
    """Return a server process's name, of 16 digits; a reader of CSV makes a number of one without letters."""
    is_number = isinstance(value, SupportsIndex) and not isinstance(value, bool)
    return f"{int(value):016d}" if is_number else _text(value)


def moment_of(value: Any) -> float | None:
    """Return a time as seconds since 1970, None when it is missing.

    Parameters
    ----------
    value : str, number, datetime or None
        ISO 8601, without a zone in UTC; or a number since 1970, of seconds or of thousandths, millionths or
        milliardths of one.

    Raises
    ------
    ArgumentError
        It is no time.

    Examples
    --------
    >>> moment_of("1970-01-01T00:01:00Z"), moment_of(60), moment_of(1_700_000_000_000)
    (60.0, 60.0, 1700000000.0)
    """
    if value is None or value == "" or value != value:  # NaN and NaT differ from themselves
        return None
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        raise ArgumentError("created", value, "a time as in 2026-01-31T12:00:00Z") from None
    if not math.isfinite(number):
        raise ArgumentError("created", value, "a time as in 2026-01-31T12:00:00Z")
    while abs(number) > _LATEST:
        number /= 1000
    return number
