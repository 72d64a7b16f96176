"""How statistics are read: by key, in any order, from any version, with nothing dropped and nothing guessed."""

from __future__ import annotations

import random

import pytest

from beanops import JobStats, ServerStats, TubeStats, errors
from beanops.protocol.payloads import Layout, read_names
from tests.protocol.transcripts import JOB, JOB_1_12, JOB_1_13, TUBE, TUBE_1_12, TUBE_1_13, server_payload

JOBS, TUBES, SERVERS = Layout(JobStats), Layout(TubeStats), Layout(ServerStats)


def shuffled(payload: bytes, seed: int) -> bytes:
    lines = payload.decode().splitlines()[1:]
    random.Random(seed).shuffle(lines)
    return ("---\n" + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("seed", range(5))
def test_order_and_quotes_do_not_matter(seed: int) -> None:
    for payload in (JOB_1_12, JOB_1_13):
        assert JOBS.read(payload) == JOBS.read(shuffled(payload, seed)) == JOB
    for payload in (TUBE_1_12, TUBE_1_13):
        assert TUBES.read(payload) == TUBES.read(shuffled(payload, seed)) == TUBE
    for version in (b"1.10", b"1.11", b"1.12", b"1.13"):
        payload = server_payload(version)
        assert SERVERS.read(payload) == SERVERS.read(shuffled(payload, seed))


def test_unknown_fields_are_kept_as_sent() -> None:
    stats = JOBS.read(JOB_1_12 + b'shard: 007\nowner: "a: b"\n')
    assert stats[:-1] == JOB[:-1]
    assert dict(stats.extra) == {"shard": "007", "owner": "a: b"}


@pytest.mark.parametrize("name", [b"123", b"true", b"null", b"1e3", b"0x10", b"0.5", b"$a:b"])
def test_names_are_text_whatever_they_look_like(name: bytes) -> None:
    for written in (name, b'"%b"' % name):
        stats = JOBS.read(JOB_1_12.replace(b"tube: true", b"tube: " + written))
        assert stats.tube == name.decode()


def test_overdue_and_invalid_jobs() -> None:
    stats = JOBS.read(JOB_1_12.replace(b"reserved", b"invalid").replace(b"time-left: -7", b"time-left: -4294967296"))
    assert (stats.state, stats.time_left) == ("invalid", -(2**32))


def test_optional_fields_of_old_servers_are_none() -> None:
    assert SERVERS.read(server_payload(b"1.11")).draining is None
    assert SERVERS.read(server_payload(b"1.12")).draining is True
    assert SERVERS.read(server_payload(b"1.12").replace(b"draining: true", b"draining: false")).draining is False


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (JOB_1_12.replace(b"pri: 4294967295", b"pri: high"), "pri: 'high'"),
        (JOB_1_12.replace(b"pri: 4294967295", b"pri: "), "pri: ''"),
        (JOB_1_12.replace(b"age: 12", b"age: 1.5"), "age: '1.5'"),
        (JOB_1_12.replace(b"age: 12", b"age: 1_2"), "age: '1_2'"),
        (JOB_1_12.replace(b"age: 12", "age: ١٢".encode()), "age: '١٢'"),
        (JOB_1_12.replace(b"age: 12", b"age: " + b"9" * 5000), "age: '999"),
        (JOB_1_12.replace(b"age: 12\n", b""), "lack the field 'age'"),
        (JOB_1_12.replace(b"age: 12", b"age=12"), "not 'key: value': 'age=12'"),
        (b"", "lack the field"),
        (b"\xff\xfe", "not 'key: value'"),
    ],
)
def test_a_wrong_value_is_a_protocol_error(broken: bytes, says: str) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        JOBS.read(broken)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 200


def test_lists_of_names() -> None:
    assert read_names(b"---\n- default\n- 123\n- true\n- null\n- 1e3\n") == ["default", "123", "true", "null", "1e3"]
    assert read_names(b'---\n- "default"\n') == ["default"]
    assert read_names(b"---\n") == []
    with pytest.raises(errors.ProtocolError, match="not '- name': 'default'"):
        read_names(b"---\ndefault\n")
    for name in (b"two words", b"-dash", b"", b"x" * 201, b"\x1b[2J", b"\xff"):
        with pytest.raises(errors.ProtocolError, match="no tube can be called"):
            read_names(b"---\n- default\n- %b\n" % name)
