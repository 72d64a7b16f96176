"""Where releases differ from the one that the other tests compare with: answers as the real ones gave them."""

from __future__ import annotations

import re

import pytest

from beanops.embedded.dialects import RELEASES, Dialect
from tests.embedded.peers import Local


@pytest.fixture
def server() -> Local:
    server = Local("1.13")
    server.connect()
    return server


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        (b"0", b"TIMED_OUT\r\n"),
        (b"   0", b"TIMED_OUT\r\n"),
        (b"0 x", b"TIMED_OUT\r\n"),
        (b"0x", b"TIMED_OUT\r\n"),
        (b"", b"BAD_FORMAT\r\n"),
        (b"x", b"BAD_FORMAT\r\n"),
        (b"-1", b"BAD_FORMAT\r\n"),
        (b"+1", b"BAD_FORMAT\r\n"),
        (b"\t0", b"BAD_FORMAT\r\n"),
        (b"2147483648", b"BAD_FORMAT\r\n"),
        (b"4294967296", b"BAD_FORMAT\r\n"),
        (b"2147483647", b""),  # it waits
    ],
)
def test_the_seconds_of_a_reserve(server: Local, seconds: bytes, answer: bytes) -> None:
    assert server.say(0, b"reserve-with-timeout %b\r\n" % seconds) == answer
    assert server.is_waiting(0) is (answer == b"")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (b"stats-tube 1e3", rb'name: "1e3"'),
        (b"stats-job 1", rb"id: 1"),
        (b"stats-job 1", rb'tube: "1e3"'),
        (b"stats-job 1", rb"state: ready"),
        (b"stats", rb'version: "1.13"'),
        (b"stats", rb"draining: false"),
        (b"stats", rb"id: [0-9a-f]{16}"),
        (b"stats", rb'hostname: "[^"]*"'),
        (b"stats", rb'os: "[^"]*"'),
        (b"stats", rb'platform: "[^"]*"'),
        (b"list-tubes", rb"- 1e3"),
        (b"list-tubes-watched", rb"- default"),
    ],
)
def test_what_is_quoted_and_what_is_not(server: Local, command: bytes, line: bytes) -> None:
    server.say(0, b"use 1e3\r\nput 1 0 60 1\r\na\r\n")

    assert re.search(rb"^%b$" % line, server.say(0, command + b"\r\n"), re.MULTILINE)


OLD: tuple[Dialect, ...] = ("1.10", "1.11")


def connected(dialect: Dialect) -> Local:
    server = Local(dialect)
    server.connect()
    return server


@pytest.mark.parametrize("dialect", OLD)
def test_releases_up_to_1_11_know_no_reserve_job(dialect: Dialect) -> None:
    server = connected(dialect)
    server.say(0, b"put 1 0 60 1\r\na\r\n")

    assert server.say(0, b"reserve-job 1\r\nreserve-job 0\r\n") == b"BAD_FORMAT\r\n" * 2
    assert b"\nstate: ready\n" in server.say(0, b"stats-job 1\r\n")


@pytest.mark.parametrize(
    ("dialect", "version", "fields"),
    [
        ("1.4", "1.4.6", 44),
        ("1.5", "1.5", 46),
        ("1.8", "1.8", 46),
        ("1.9", "1.9", 48),
        ("1.10", "1.10", 48),
        ("1.11", '"1.11"', 48),
        ("1.12", '"1.12"', 51),
        ("1.13", '"1.13"', 51),
    ],
)
def test_server_statistics(dialect: Dialect, version: str, fields: int) -> None:
    lines = connected(dialect).say(0, b"stats\r\n").decode("ascii").splitlines()[2:-1]

    assert f"version: {version}" in lines
    assert len(lines) == fields
    assert any(line.startswith("draining: ") for line in lines) is (fields == 51)


@pytest.mark.parametrize("dialect", OLD)
@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (b"delete x\r\n", b"NOT_FOUND\r\n"),
        (b"delete 1 and more\r\n", b"DELETED\r\n"),
        (b"delete 18446744073709551616\r\n", b"BAD_FORMAT\r\n"),
        (b"put 4294967296 0 60 1\r\na\r\n", b"INSERTED 2\r\n"),
        (b"put 1 0 60\r\n\r\n", b"INSERTED 2\r\n"),
        (b"put 1 0 60 -1\r\n.stats-job 9\r\n", b"JOB_TOO_BIG\r\nNOT_FOUND\r\n"),
        (b"reserve-with-timeout -1\r\n", b"RESERVED 1 1\r\na\r\n"),
    ],
)
def test_numbers_up_to_1_11_are_cs(dialect: Dialect, lines: bytes, answer: bytes) -> None:
    server = connected(dialect)
    server.say(0, b"put 1 0 60 1\r\na\r\n")

    assert server.say(0, lines) == answer


@pytest.mark.parametrize(("dialect", "longest"), [("1.10", 208), ("1.11", 224)])
def test_a_line_that_is_too_long_is_answered_before_it_ends_up_to_1_11(dialect: Dialect, longest: int) -> None:
    server = connected(dialect)

    assert server.say(0, b"x" * (longest - 1)) == b""
    assert server.say(0, b"x") == b"BAD_FORMAT\r\n"
    assert server.say(0, b"list-tube-used\r\n") == b"USING default\r\n"


def test_the_longest_name_does_not_fit_into_a_reply_of_1_10() -> None:
    name = b"x" * 200

    assert connected("1.10").say(0, b"use %b\r\nput 1 0 60 1\r\na\r\n" % name) == b"INTERNAL_ERROR\r\nINSERTED 1\r\n"
    assert connected("1.11").say(0, b"use %b\r\n" % name) == b"USING %b\r\n" % name


def test_releases_up_to_1_10_look_for_a_tube_that_cannot_be() -> None:
    answers = {dialect: connected(dialect).say(0, b"pause-tube -x 0\r\n") for dialect in RELEASES}

    assert answers == dict.fromkeys(RELEASES[:-3], b"NOT_FOUND\r\n") | dict.fromkeys(RELEASES[-3:], b"BAD_FORMAT\r\n")


BEFORE_1_8: tuple[Dialect, ...] = ("1.4", "1.5")


@pytest.mark.parametrize("dialect", RELEASES)
def test_statistics_that_came_later(dialect: Dialect) -> None:
    server = connected(dialect)
    server.say(0, b"put 1 0 60 1\r\na\r\n")
    told = {
        "server": b"\nid: " in server.say(0, b"stats\r\n"),
        "tube": b"\ncmd-delete: " in server.say(0, b"stats-tube default\r\n"),
        "job": b"\nfile: " in server.say(0, b"stats-job 1\r\n"),
    }

    assert told == {"server": dialect not in ("1.4", "1.5", "1.8"), "tube": dialect != "1.4", "job": dialect != "1.4"}


@pytest.mark.parametrize("dialect", BEFORE_1_8)
def test_releases_before_1_8_know_no_kick_job_and_count_what_was_put(dialect: Dialect) -> None:
    server = connected(dialect)

    assert server.say(0, b"kick-job 1\r\nput 1 0 60 70000\r\n" + b"x" * 70002) == b"UNKNOWN_COMMAND\r\nJOB_TOO_BIG\r\n"
    assert server.say(0, b"put 1 0 60 1\r\nabcput 1 0 60 1\r\na\r\n").startswith(b"EXPECTED_CRLF\r\n")
    server.say(0, b"\r\nput 1 0 60 1\r\na\r\n")
    told = server.say(0, b"stats\r\n")
    (puts,), (jobs,) = re.findall(rb"cmd-put: (\d+)", told), re.findall(rb"total-jobs: (\d+)", told)
    assert puts == jobs


@pytest.mark.parametrize("dialect", RELEASES)
def test_delayed_jobs_cannot_be_deleted_with_1_4(dialect: Dialect) -> None:
    server = connected(dialect)
    server.say(0, b"put 1 100 60 1\r\na\r\n")

    assert server.say(0, b"delete 1\r\n") == (b"NOT_FOUND\r\n" if dialect == "1.4" else b"DELETED\r\n")
    if dialect == "1.4":
        assert server.say(0, b"kick 1\r\ndelete 1\r\n") == b"KICKED 1\r\nDELETED\r\n"
