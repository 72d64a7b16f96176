"""Every command's bytes, and that no bad argument ever becomes bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from beanops import commands, errors
from beanops.protocol import Command
from beanops.protocol.limits import MAX_BODY, MAX_RESERVE_TIMEOUT, U32_MAX, U64_MAX, check_body

WRITTEN = [
    (commands.put(b"abc"), b"put 65536 0 60 3\r\nabc\r\n"),
    (commands.put(b"", priority=0, delay=1, ttr=2), b"put 0 1 2 0\r\n\r\n"),
    (commands.put(b"\r\nquit", priority=U32_MAX), b"put 4294967295 0 60 6\r\n\r\nquit\r\n"),
    (commands.put(bytearray(b"%d"), priority=numpy.int64(5)), b"put 5 0 60 2\r\n%d\r\n"),
    (commands.put(memoryview(b"abc")[1:]), b"put 65536 0 60 2\r\nbc\r\n"),
    (commands.use("a-b+c/d;e.f$g_h()"), b"use a-b+c/d;e.f$g_h()\r\n"),
    (commands.reserve(), b"reserve\r\n"),
    (commands.reserve(0), b"reserve-with-timeout 0\r\n"),
    (commands.reserve(MAX_RESERVE_TIMEOUT), b"reserve-with-timeout 2147483647\r\n"),
    (commands.reserve_job(U64_MAX), b"reserve-job 18446744073709551615\r\n"),
    (commands.delete(0), b"delete 0\r\n"),
    (commands.release(5, priority=7, delay=9), b"release 5 7 9\r\n"),
    (commands.release(5, priority=7), b"release 5 7 0\r\n"),
    (commands.bury(5, priority=7), b"bury 5 7\r\n"),
    (commands.touch(5), b"touch 5\r\n"),
    (commands.watch("123"), b"watch 123\r\n"),
    (commands.ignore("T" * 200), b"ignore " + b"T" * 200 + b"\r\n"),
    (commands.peek(5), b"peek 5\r\n"),
    (commands.peek_ready(), b"peek-ready\r\n"),
    (commands.peek_delayed(), b"peek-delayed\r\n"),
    (commands.peek_buried(), b"peek-buried\r\n"),
    (commands.kick(U32_MAX), b"kick 4294967295\r\n"),
    (commands.kick_job(5), b"kick-job 5\r\n"),
    (commands.pause_tube("a", 0), b"pause-tube a 0\r\n"),
    (commands.stats(), b"stats\r\n"),
    (commands.stats_tube("a"), b"stats-tube a\r\n"),
    (commands.stats_job(5), b"stats-job 5\r\n"),
    (commands.list_tubes(), b"list-tubes\r\n"),
    (commands.list_tube_used(), b"list-tube-used\r\n"),
    (commands.list_tubes_watched(), b"list-tubes-watched\r\n"),
    (commands.quit(), b"quit\r\n"),
]


@pytest.mark.parametrize(("command", "data"), WRITTEN, ids=lambda value: repr(value)[:40])
def test_written_as_the_protocol_says(command: Command[Any], data: bytes) -> None:
    assert command.data == data
    assert command.line == data.split(b"\r\n")[0].decode()
    assert command.kind.name == command.line.split(" ")[0]
    assert repr(command) == f"<Command {command.line!r}>"


def test_only_reserves_wait() -> None:
    waits = {command.line: command.wait for command, _ in WRITTEN if command.wait}
    assert waits == {"reserve": math.inf, "reserve-with-timeout 2147483647": MAX_RESERVE_TIMEOUT}


U32 = {"priority", "delay", "ttr", "bound", "seconds"}
TAKES: list[tuple[str, int, Callable[[Any], Command[Any]]]] = [
    ("priority", U32_MAX, lambda value: commands.put(b"", priority=value)),
    ("delay", U32_MAX, lambda value: commands.put(b"", delay=value)),
    ("ttr", U32_MAX, lambda value: commands.put(b"", ttr=value)),
    ("timeout", MAX_RESERVE_TIMEOUT, commands.reserve),
    ("id", U64_MAX, commands.reserve_job),
    ("id", U64_MAX, commands.delete),
    ("id", U64_MAX, lambda value: commands.release(value, priority=1)),
    ("priority", U32_MAX, lambda value: commands.release(1, priority=value)),
    ("delay", U32_MAX, lambda value: commands.release(1, priority=1, delay=value)),
    ("id", U64_MAX, lambda value: commands.bury(value, priority=1)),
    ("priority", U32_MAX, lambda value: commands.bury(1, priority=value)),
    ("id", U64_MAX, commands.touch),
    ("id", U64_MAX, commands.peek),
    ("bound", U32_MAX, commands.kick),
    ("id", U64_MAX, commands.kick_job),
    ("seconds", U32_MAX, lambda value: commands.pause_tube("a", value)),
    ("id", U64_MAX, commands.stats_job),
]


@pytest.mark.parametrize(("argument", "maximum", "make"), TAKES)
def test_numbers_keep_to_their_range(argument: str, maximum: int, make: Callable[[Any], Command[Any]]) -> None:
    for good in (0, 1, maximum, numpy.uint64(maximum), numpy.int8(7)):
        assert str(int(good)) in make(good).line
    for bad in (-1, maximum + 1, 10**30, 1.0, 1.5, float("nan"), "1", b"1", True, False, [], numpy.float64(1)):
        with pytest.raises(errors.ArgumentError) as caught:
            make(bad)
        told(caught.value, argument, bad, f"a whole number from 0 to {maximum}")


@pytest.mark.parametrize("argument", ["priority", "delay", "ttr", "id"])
def test_none_is_no_number(argument: str) -> None:
    make: dict[str, Callable[[], Any]] = {
        "priority": lambda: commands.put(b"", priority=None),  # type: ignore[arg-type]
        "delay": lambda: commands.put(b"", delay=None),  # type: ignore[arg-type]
        "ttr": lambda: commands.put(b"", ttr=None),  # type: ignore[arg-type]
        "id": lambda: commands.delete(None),  # type: ignore[arg-type]
    }
    with pytest.raises(errors.ArgumentError, match=f"{argument}: None given"):
        make[argument]()


@pytest.mark.parametrize(
    "make",
    [commands.use, commands.watch, commands.ignore, commands.stats_tube, lambda tube: commands.pause_tube(tube, 1)],
)
def test_tube_names_keep_to_the_protocol(make: Callable[[Any], Command[Any]]) -> None:
    for good in ("a", "0", "+", "$", "a-", "T" * 200, "A-Za-z0-9+/;.$_()"):
        assert f" {good}" in make(good).line
    for bad in ("", "-a", "T" * 201, "a b", "a\r\nquit", "a\n", "\na", "é", "a*", "a:b", "a\0", "٣", b"a", None, 5):
        with pytest.raises(errors.ArgumentError) as caught:
            make(bad)
        told(caught.value, "tube", bad, "not a glob" if bad == "a*" else "A-Za-z0-9-+/;.$_()")


def test_bodies_are_bytes() -> None:
    for bad in ("text", None, 5, [1], object()):
        with pytest.raises(errors.ArgumentError) as caught:
            commands.put(bad)  # type: ignore[arg-type]
        told(caught.value, "body", bad, "bytes")


def test_bodies_have_a_largest_size() -> None:
    assert check_body(b"x" * 10, 10) == b"x" * 10
    with pytest.raises(errors.ArgumentError) as caught:
        check_body(b"x" * 11, 10)
    told(caught.value, "body", "11 bytes", "at most 10 bytes")
    assert MAX_BODY == 2**30


def told(error: errors.ArgumentError, argument: str, given: object, allowed: str) -> None:
    assert isinstance(error, ValueError)
    assert isinstance(error, errors.UsageError)
    assert error.argument == argument
    assert repr(error.given) == repr(given)
    assert allowed in error.allowed
    text = str(error)
    assert text.startswith(f"{argument}: ")
    assert f"allowed is {error.allowed}" in text
    assert "\n" not in text
    assert len(text) < 200
