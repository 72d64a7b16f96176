"""What servers say, byte by byte, and what it means: every reply of every command."""

from __future__ import annotations

from typing import Any, NamedTuple

from beanops import Job, JobStats, TubeStats, commands, errors
from beanops.protocol import Command
from beanops.protocol.limits import U64_MAX


class Exchange(NamedTuple):
    """A command, the reply to it, and the result: a value, or the class of the refusal."""

    command: Command[Any]
    reply: bytes
    result: Any


def ok(payload: bytes) -> bytes:
    """Frame a payload as the server does."""
    return b"OK %d\r\n%b\r\n" % (len(payload), payload)


JOB_1_12 = (
    b"---\nid: 18446744073709551615\ntube: true\nstate: reserved\npri: 4294967295\nage: 12\ndelay: 3\nttr: 60\n"
    b"time-left: -7\nfile: 0\nreserves: 1\ntimeouts: 2\nreleases: 3\nburies: 4\nkicks: 5\n"
)
JOB_1_13 = JOB_1_12.replace(b"tube: true", b'tube: "true"')
JOB = JobStats(U64_MAX, "true", "reserved", 2**32 - 1, 12, 3, 60, -7, 0, 1, 2, 3, 4, 5)

TUBE_1_12 = (
    b"---\nname: 1e3\ncurrent-jobs-urgent: 1\ncurrent-jobs-ready: 2\ncurrent-jobs-reserved: 3\n"
    b"current-jobs-delayed: 4\ncurrent-jobs-buried: 5\ntotal-jobs: 6\ncurrent-using: 7\ncurrent-watching: 8\n"
    b"current-waiting: 9\ncmd-delete: 10\ncmd-pause-tube: 11\npause: 12\npause-time-left: 13\n"
)
TUBE_1_13 = TUBE_1_12.replace(b"name: 1e3", b'name: "1e3"')
TUBE = TubeStats("1e3", *range(1, 14))

NUMBERS = [
    "current-jobs-urgent", "current-jobs-ready", "current-jobs-reserved", "current-jobs-delayed",
    "current-jobs-buried", "cmd-put", "cmd-peek", "cmd-peek-ready", "cmd-peek-delayed", "cmd-peek-buried",
    "cmd-reserve", "cmd-reserve-with-timeout", "cmd-delete", "cmd-release", "cmd-use", "cmd-watch", "cmd-ignore",
    "cmd-bury", "cmd-kick", "cmd-touch", "cmd-stats", "cmd-stats-job", "cmd-stats-tube", "cmd-list-tubes",
    "cmd-list-tube-used", "cmd-list-tubes-watched", "cmd-pause-tube", "job-timeouts", "total-jobs", "max-job-size",
    "current-tubes", "current-connections", "current-producers", "current-workers", "current-waiting",
    "total-connections", "pid",
]  # fmt: skip
_BINLOG = ["binlog-oldest-index", "binlog-current-index", "binlog-records-migrated", "binlog-records-written"]


def server_payload(version: bytes, quote: bytes = b"") -> bytes:
    """Write the statistics of a server: ``b"1.10"`` and ``b"1.11"`` have 48, later ones 51."""
    lines = [b"%b: %d" % (key.encode(), number) for number, key in enumerate(NUMBERS)]
    lines.append(b"version: " + (version if version == b"1.10" else b'"%b"' % version))
    lines += [b"rusage-utime: 0.001234", b"rusage-stime: 12.500000", b"uptime: 99"]
    lines += [b"%b: %d" % (key.encode(), 7) for key in _BINLOG]
    lines.append(b"binlog-max-size: 10485760")
    if version not in (b"1.10", b"1.11"):
        lines.append(b"draining: true")
    lines += [b"id: 0123456789abcdef", b"hostname: %bq-1%b" % (quote, quote)]
    if version not in (b"1.10", b"1.11"):
        lines += [b"os: %b#1 SMP: Debian 6.1%b" % (quote, quote), b"platform: %bx86_64%b" % (quote, quote)]
    return b"---\n" + b"\n".join(lines) + b"\n"


LONG = "T" * 200
_ID = U64_MAX

EXCHANGES = [
    Exchange(commands.put(b"abc"), b"INSERTED 18446744073709551615\r\n", _ID),
    Exchange(commands.put(b"abc"), b"BURIED 7\r\n", errors.Buried),
    Exchange(commands.put(b"abc"), b"EXPECTED_CRLF\r\n", errors.ExpectedCrlf),
    Exchange(commands.put(b"abc"), b"JOB_TOO_BIG\r\n", errors.JobTooBig),
    Exchange(commands.put(b"abc"), b"DRAINING\r\n", errors.Draining),
    Exchange(commands.use(LONG), b"USING " + LONG.encode() + b"\r\n", LONG),
    Exchange(commands.reserve(), b"RESERVED 18446744073709551615 4\r\n\r\n\r\n\r\n", Job(_ID, b"\r\n\r\n")),
    Exchange(commands.reserve(), b"DEADLINE_SOON\r\n", errors.DeadlineSoon),
    Exchange(commands.reserve(0), b"RESERVED 1 0\r\n\r\n", Job(1, b"")),
    Exchange(commands.reserve(5), b"TIMED_OUT\r\n", errors.TimedOut),
    Exchange(commands.reserve(5), b"DEADLINE_SOON\r\n", errors.DeadlineSoon),
    Exchange(commands.reserve_job(9), b"RESERVED 9 3\r\nabc\r\n", Job(9, b"abc")),
    Exchange(commands.reserve_job(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.delete(9), b"DELETED\r\n", None),
    Exchange(commands.delete(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.release(9, priority=1), b"RELEASED\r\n", None),
    Exchange(commands.release(9, priority=1), b"BURIED\r\n", errors.Buried),
    Exchange(commands.release(9, priority=1), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.bury(9, priority=1), b"BURIED\r\n", None),
    Exchange(commands.bury(9, priority=1), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.touch(9), b"TOUCHED\r\n", None),
    Exchange(commands.touch(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.watch("a"), b"WATCHING 2\r\n", 2),
    Exchange(commands.ignore("a"), b"WATCHING 1\r\n", 1),
    Exchange(commands.ignore("a"), b"NOT_IGNORED\r\n", errors.NotIgnored),
    Exchange(commands.peek(_ID), b"FOUND 18446744073709551615 11\r\nFOUND 1 1\r\n\r\n", Job(_ID, b"FOUND 1 1\r\n")),
    Exchange(commands.peek(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.peek_ready(), b"FOUND 1 1\r\n\r\r\n", Job(1, b"\r")),
    Exchange(commands.peek_ready(), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.peek_delayed(), b"FOUND 1 2\r\n\0\xff\r\n", Job(1, b"\0\xff")),
    Exchange(commands.peek_delayed(), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.peek_buried(), b"FOUND 1 1\r\n\n\r\n", Job(1, b"\n")),
    Exchange(commands.peek_buried(), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.kick(5), b"KICKED 0\r\n", 0),
    Exchange(commands.kick_job(9), b"KICKED\r\n", None),
    Exchange(commands.kick_job(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.stats_job(_ID), ok(JOB_1_12), JOB),
    Exchange(commands.stats_job(_ID), ok(JOB_1_13), JOB),
    Exchange(commands.stats_job(9), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.stats_tube("1e3"), ok(TUBE_1_12), TUBE),
    Exchange(commands.stats_tube("1e3"), ok(TUBE_1_13), TUBE),
    Exchange(commands.stats_tube("1e3"), b"NOT_FOUND\r\n", errors.NotFound),
    Exchange(commands.list_tubes(), ok(b'---\n- default\n- 123\n- null\n- "1e3"\n'), ["default", "123", "null", "1e3"]),
    Exchange(commands.list_tubes_watched(), ok(b"---\n- default\n"), ["default"]),
    Exchange(commands.list_tubes_watched(), ok(b"---\n"), []),
    Exchange(commands.list_tube_used(), b"USING 123\r\n", "123"),
    Exchange(commands.pause_tube("a", 5), b"PAUSED\r\n", None),
    Exchange(commands.pause_tube("a", 5), b"NOT_FOUND\r\n", errors.NotFound),
]


def same(result: Any, expected: Any) -> bool:
    """Whether a result is what an `Exchange` expects."""
    if isinstance(expected, type):
        return type(result) is expected
    return type(result) is type(expected) and bool(result == expected)
