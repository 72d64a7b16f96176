"""Where 1.13 differs from the 1.12 that the other tests compare with: lines and their answers, from its prot.c."""

from __future__ import annotations

import re

import pytest

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
