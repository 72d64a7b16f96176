"""Which job is meant: the rule by itself, and what frames, rows and files remember of jobs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain, count, repeat
from math import inf
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beanops.client.sync import Client
from beanops.jobs import identity
from beanops.jobs.identity import REUSED, UNDECIDED, JobRef, Process, PutBetween, agree, differences, differs, digest_of
from beanops.jobs.refs import JobRefs, moment_of, refs_in, refs_of
from beanops.protocol import Command, JobStats
from beanops.protocol.errors import ArgumentError

NOW = 1_800_000_000.0
#: A job that was put 500 seconds ago, seen on the process "old".
REF = JobRef(7, "old", "mail", (NOW - 500, NOW - 500), digest_of(b"it"))


def _differs(
    ref: JobRef, instance: str = "new", uptime: int = 100, puts: int = 9, body: bytes | None = b"it", **stats: Any
) -> Any:
    job = JobStats(7, "mail", "ready", 1, 500, 0, 60, 0, 1, 0, 0, 0, 0, 0)._replace(**stats)
    put = PutBetween.shown(job.age, NOW, NOW)
    return differs(ref, job, Process(instance, uptime, uptime, puts), put, None if body is None else digest_of(body))


@pytest.mark.parametrize(
    ("why", "ref", "now"),
    [
        (None, REF, {"instance": "old", "uptime": 500}),
        (None, REF, {"instance": "old", "age": 3, "body": b"else"}),  # the clock was set: one process reuses no id
        (REUSED, REF, {"instance": "old", "tube": "other"}),
        (None, REF, {}),  # restored from a log
        (None, REF, {"age": 501}),
        (None, REF, {"body": None}),
        (REUSED, REF, {"body": b"else"}),
        (REUSED, REF, {"age": 510}),
        (REUSED, REF, {"tube": "other"}),
        (REUSED, REF, {"uptime": 501}),  # put since the restart, whatever else agrees
        (None, REF, {"uptime": 500}),  # in the last second before the end
        (UNDECIDED, REF, {"uptime": 500, "body": None}),
        (None, REF, {"uptime": 500, "body": None, "puts": 0}),  # nothing was put since the start
        (REUSED, REF, {"uptime": 500, "body": b"else"}),
        (REUSED, REF, {"uptime": 500, "file": 0}),  # or in the first one after the start, and no log
        (UNDECIDED, REF._replace(created=None), {}),
        (UNDECIDED, REF, {"age": -49}),
        (UNDECIDED, REF, {"uptime": 4294967247}),
        (UNDECIDED, JobRef(7, "old"), {}),
        (REUSED, JobRef(7, "old"), {"age": 3}),
        (None, JobRef(7), {}),
        (None, JobRef(7), {"tube": "other", "age": 3}),
        (REUSED, JobRef(7, tube="other"), {}),
        (REUSED, JobRef(7, created=(NOW - 3, NOW - 3)), {}),
        (None, JobRef(7, created=(NOW - 900, NOW - 400)), {}),
        (REUSED, JobRef(7, digest=digest_of(b"else")), {}),
    ],
)
def test_the_rule(why: str | None, ref: JobRef, now: dict[str, Any]) -> None:
    assert _differs(ref, **now) == why


def test_an_age_that_is_the_uptime_is_decided_only_by_two_equal_questions() -> None:
    stats = JobStats(7, "mail", "ready", 1, 500, 0, 60, 0, 1, 0, 0, 0, 0, 0)
    put = PutBetween.shown(500, NOW, NOW)
    assert differs(REF, stats, Process("new", 499, 500, 9), put, None) == UNDECIDED
    assert differs(REF, stats, Process("new", 499, 499, 9), put, None) is None


def test_a_connection_is_asked_about_jobs_that_are_meant(client: Client) -> None:
    ids = [client.put(body, tube="mail") for body in (b"one", b"two", b"three")]
    client.delete(ids[2])
    found = differences(
        client,
        [
            JobRef(ids[0], client.instance),
            JobRef(ids[1], "another", "mail"),
            JobRef(ids[2], "another"),
            JobRef(ids[1], digest=digest_of(b"one")),
            JobRef(ids[0], digest=digest_of(b"one")),
        ],
    )
    assert found[:1] + found[2:] == [None, None, REUSED, None]
    assert found[1] == REUSED


@pytest.mark.parametrize(
    ("same", "other"),
    [
        (True, REF),
        (True, REF._replace(instance="new")),
        (True, REF._replace(instance="new", digest=None)),
        (False, REF._replace(instance="new", digest=digest_of(b"else"))),
        (False, REF._replace(instance="new", created=None)),
        (False, REF._replace(instance="new", created=(NOW, NOW))),
        (True, REF._replace(instance="new", created=(NOW - 600, NOW - 400))),
        (False, REF._replace(tube="other")),
        (False, REF._replace(id=8)),
    ],
)
def test_two_memories_agree_or_not(same: bool, other: JobRef) -> None:
    assert agree(REF, other) is same
    assert agree(other, REF) is same


# -- what remembers jobs -----------------------------------------------------------------------------------------


FRAME = pd.DataFrame(
    {
        "id": [1, 2**64 - 1, 3],
        "instance": ["5d0f1c2b3a495867", "5d0f1c2b3a495867", None],
        "tube": ["mail", "sms", "mail"],
        "created": pd.to_datetime(["2026-01-01T00:00:01.5", "2026-01-02T00:00:00.0", None], utc=True).astype(
            "datetime64[us, UTC]"
        ),
        "digest": [digest_of(b"x"), None, None],
    }
)


def _through_csv(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def _with_times(dtype: str) -> Any:
    return lambda frame: frame.assign(created=frame["created"].astype(dtype))


@pytest.mark.parametrize(
    "travel",
    [
        lambda frame: frame,
        _through_csv,
        _with_times("datetime64[ns, UTC]"),
        _with_times("datetime64[ms, UTC]"),
        lambda frame: frame.assign(created=frame["created"].dt.tz_convert("Asia/Tokyo")),
        lambda frame: frame.assign(created=frame["created"].dt.tz_localize(None)),
        lambda frame: pd.read_json(io.StringIO(frame.to_json(date_format="iso")), dtype={"id": "uint64"}),
        lambda frame: frame.to_dict("records"),
        lambda frame: frame.set_index("tube").reset_index().iloc[:, ::-1],
    ],
)
def test_facts_of_jobs_survive_the_travels_of_a_frame(travel: Any) -> None:
    assert list(refs_of(travel(FRAME))) == list(refs_of(FRAME))
    first, second, third = refs_of(FRAME)
    assert first == JobRef(1, "5d0f1c2b3a495867", "mail", (1767225601.5, 1767225601.5), digest_of(b"x"))
    assert second.created == (1767312000.0, 1767312000.0)
    assert third == JobRef(3, None, "mail")


def test_a_name_of_digits_alone_survives_a_reader_that_makes_a_number_of_it() -> None:
    frame = pd.DataFrame({"id": [1], "instance": ["0012345678901234"], "tube": ["007"]})
    assert list(refs_of(_through_csv(frame))) == [JobRef(1, "0012345678901234")]


def test_what_is_asked_for_is_kept_as_plain_data() -> None:
    for jobs in (FRAME, range(5, 9), [3, 4], "5,7-9", FRAME[:0]):
        plain = json.loads(json.dumps(refs_of(jobs).plain()))
        assert list(refs_in(plain)) == list(refs_of(jobs))
    alike = refs_of(FRAME[:1]).plain()["facts"]
    assert alike["tube"] == "mail"


def test_a_job_is_named_once_on_each_server_process() -> None:
    refs = refs_of([JobRef(1, "a"), JobRef(2, "a"), JobRef(1, "b"), JobRef(1, "a"), 5, 5])
    assert list(refs) == [JobRef(1, "a"), JobRef(2, "a"), JobRef(1, "b"), JobRef(5)]
    assert isinstance(refs[1:], JobRefs)
    assert list(refs[1:]) == list(refs)[1:]


def test_a_row_of_a_frame_is_one_job_whose_other_numbers_are_no_ids() -> None:
    numbers = pd.DataFrame({"id": [17], "priority": [65536]})
    rows = numbers.iloc[0], next(numbers.itertuples())
    assert [list(refs_of(row)) for row in rows] == [[JobRef(17)]] * 2
    assert list(refs_of(list(rows))) == [JobRef(17)]
    assert (
        list(refs_of(FRAME.iloc[0])) == list(refs_of([row for _, row in FRAME.iterrows()]))[:1] == [refs_of(FRAME)[0]]
    )
    assert list(refs_of(numbers["id"])) == [JobRef(17)]


def test_times_in_a_column_of_texts_may_be_missing() -> None:
    times = pd.array(["2026-01-01T00:00:00Z", None], dtype="string")
    assert [ref.created is None for ref in refs_of(pd.DataFrame({"id": [1, 2], "created": times}))] == [False, True]


def test_a_row_without_a_digest_has_that_of_its_body() -> None:
    lines = [{"id": 1, "body": "é"}, {"id": 2, "body_base64": "/w=="}, {"id": 3, "body": "***", "digest": None}]
    lines += [{"id": 4, "body": b"\xff"}]
    known = [digest_of("é".encode()), digest_of(b"\xff"), None, digest_of(b"\xff")]
    assert [ref.digest for ref in refs_of(lines)] == known


@pytest.mark.parametrize(
    "jobs",
    [
        {"id": 1, "created": "yesterday"},
        {"id": 1, "instance": ["5d0f1c2b3a495867"]},
        {"id": 1, "tube": {}},
        {"tube": "x"},
        [{"id": "x"}],
        {"id": 1, "body_base64": "?"},
        b"5",
    ],
)
def test_what_cannot_be_read_is_refused(jobs: Any) -> None:
    with pytest.raises(ArgumentError):
        refs_of(jobs)


def test_times_are_read_as_they_are_written_elsewhere() -> None:
    for value in ("2026-01-01T00:00:00Z", "2026-01-01 01:00:00+01:00", 1767225600, 1767225600e3, "1767225600"):
        assert moment_of(value) == 1767225600.0
    assert [moment_of(value) for value in (None, "", float("nan"), pd.NaT)] == [None] * 4


# -- looks that take their time ----------------------------------------------------------------------------------

#: When the expected job was last known on its former process.
LAST_SEEN = NOW - 5.5
#: How long the machine is busy before each of the first commands and answers.
PAUSES = st.lists(st.floats(0, 0.7), max_size=5)


class SlowServer:
    """A server that was restarted, on a machine where much time may pass between a command and its answer."""

    def __init__(self, put: float, started: float, puts: int, pauses: Iterable[float]) -> None:
        self._now = NOW
        self._put, self._started, self._puts = put, started, puts
        self._pauses = chain(pauses, repeat(0.003))
        self._asked = count()

    def time(self) -> float:
        return self._now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def pipeline(self, asked: Iterable[Command[Any]]) -> Iterator[Any]:
        for command in asked:
            self.sleep(next(self._pauses))
            uptime, age = int(self._now - self._started), int(self._now - self._put)
            self.sleep(next(self._pauses))
            if command.subject is None:
                stats = next(self._asked)
                yield SimpleNamespace(
                    id="new", uptime=uptime, cmd_put=self._puts, cmd_stats=stats, binlog_max_size=10_485_760
                )
            else:
                yield JobStats(7, "mail", "ready", 1, age, 0, 60, 0, 1, 0, 0, 0, 0, 0)

    def why_another(self) -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(identity, "time", self)
            (reason,) = differences(self, [JobRef(7, "old", "mail", (-inf, LAST_SEEN))])  # type: ignore[arg-type]
        return reason


@given(put=st.floats(0.01, 5), started=st.floats(0.01, 5), puts=st.integers(0, 1), pauses=PAUSES)
def test_a_job_that_was_put_later_is_never_taken_for_the_expected_one(
    put: float, started: float, puts: int, pauses: list[float]
) -> None:
    puts = max(puts, put > started)
    assert SlowServer(LAST_SEEN + put, LAST_SEEN + started, puts, pauses).why_another() is not None


@given(put=st.floats(0.05, 5), puts=st.integers(0, 1), pauses=PAUSES)
def test_a_job_out_of_a_log_is_recognized_also_where_seconds_pass_between_looks(
    put: float, puts: int, pauses: list[float]
) -> None:
    assert SlowServer(LAST_SEEN - put, LAST_SEEN + 0.1, puts, pauses).why_another() is None
