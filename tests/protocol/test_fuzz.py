"""Whatever comes in: results or a protocol error, the same for every split, in bounded memory."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beanops import Job, commands, errors
from beanops.protocol import Connection
from beanops.protocol.payloads import Layout
from beanops.protocol.records import JobStats
from tests.protocol.test_payloads import JOBS
from tests.protocol.transcripts import EXCHANGES, JOB_1_12, ok, same

fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

exchanges = st.lists(st.sampled_from(EXCHANGES), max_size=12)
cuts = st.lists(st.floats(0, 1), max_size=12)
TOKENS = sorted({exchange.reply.split(b"\r\n")[0] for exchange in EXCHANGES})
noise = st.lists(
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from(TOKENS),
        st.sampled_from([b"\r\n", b"\r", b"\n", b" ", b"OK 5\r\n---\n\r\n", b"FOUND 1 3\r\n", b"9" * 25, ok(JOB_1_12)]),
    ),
    max_size=20,
).map(b"".join)


def pieces(data: bytes, at: list[float]) -> list[bytes]:
    marks = sorted({0, len(data), *(int(cut * len(data)) for cut in at)})
    return [data[start:stop] for start, stop in itertools.pairwise(marks)]


def fed(connection: Connection, parts: list[bytes]) -> list[Any]:
    results = []
    for part in parts:
        results += connection.receive_data(part)
    return results


@fast
@given(exchanges, cuts)
def test_any_split_of_valid_replies_gives_the_same_results(chosen: list[Any], at: list[float]) -> None:
    connection = Connection()
    for exchange in chosen:
        connection.send(exchange.command)
    results = fed(connection, pieces(b"".join(exchange.reply for exchange in chosen), at))
    assert [same(r, e.result) for r, e in zip(results, chosen, strict=True)] == [True] * len(chosen)
    assert connection.error is None
    assert not connection.waiting


@fast
@given(exchanges, noise, cuts)
def test_noise_gives_results_or_a_protocol_error_the_same_for_every_split(
    chosen: list[Any], data: bytes, at: list[float]
) -> None:
    outcomes = []
    for parts in ([data] if data else [], pieces(data, at), [data[n : n + 1] for n in range(len(data))]):
        connection = Connection()
        for exchange in chosen:
            connection.send(exchange.command)
        results = fed(connection, parts)
        assert connection.error is None or type(connection.error) is errors.ProtocolError
        assert len(results) + len(connection.waiting) == len(chosen)
        outcomes.append(([repr(result) for result in results], connection.error is None))
    assert outcomes[0] == outcomes[1] == outcomes[2]


@fast
@given(st.integers(0, 2**64 - 1), st.binary(max_size=2000), cuts)
def test_any_body_comes_through(id: int, body: bytes, at: list[float]) -> None:
    connection = Connection()
    connection.send(commands.peek(id))
    assert fed(connection, pieces(b"FOUND %d %d\r\n%b\r\n" % (id, len(body), body), at)) == [Job(id, body)]


names = st.text("abcXYZ0189-+/;.$_()", min_size=1, max_size=20)
numbers = st.integers(0, 2**63)
values = st.one_of(
    numbers.map(str), names, st.integers().map(str), st.sampled_from(["", '"', '""', '"a"', "-", "1.5", "true", " 1"])
)
lines = st.lists(st.tuples(st.sampled_from([*JOBS._kinds, "new-field", "extra"]), values), max_size=20)


def read(layout: Layout[Any], payload: bytes) -> Any:
    try:
        return layout.read(payload)
    except errors.ProtocolError as error:
        return str(error)


@fast
@given(st.dictionaries(st.sampled_from(list(JOBS._kinds)), values), lines)
def test_usual_and_unusual_layout_agree(changed: dict[str, str], more: list[tuple[str, str]]) -> None:
    """A blank line makes a payload unusual and says nothing: both ways of reading must agree."""
    usual = JOB_1_12.decode()
    for key, value in changed.items():
        before = usual.index(f"\n{key}: ")
        usual = usual[:before] + f"\n{key}: {value}" + usual[usual.index("\n", before + 1) :]
    assert read(JOBS, usual.encode()) == read(JOBS, b"\n" + usual.encode())
    text = "---\n" + "".join(f"{key}: {value}\n" for key, value in more)
    assert read(JOBS, text.encode()) == read(JOBS, b"\n" + text.encode())


@fast
@given(st.binary(max_size=500))
def test_any_payload_is_a_record_or_a_protocol_error(payload: bytes) -> None:
    for data in (payload, JOB_1_12 + payload, JOB_1_12[: len(payload)] + payload):
        assert isinstance(read(JOBS, data), JobStats | str)
