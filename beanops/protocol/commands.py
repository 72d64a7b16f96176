"""Every command of the protocol, described once: how it is written, which replies it takes, what it returns.

Each function validates its arguments and returns a `Command`, which a client's ``execute`` or ``pipeline``
sends. Nothing here talks to a server.

Examples
--------
>>> from beanops import commands
>>> commands.stats_job(5).data
b'stats-job 5\\r\\n'
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, SupportsIndex, TypeVar

from beanops.protocol.errors import (
    COMMON,
    Buried,
    DeadlineSoon,
    Draining,
    ExpectedCrlf,
    JobTooBig,
    NotFound,
    NotIgnored,
    ProtocolError,
    ReplyError,
    TimedOut,
)
from beanops.protocol.limits import (
    DEFAULT_PRIORITY,
    DEFAULT_TTR,
    MAX_BODY,
    MAX_RESERVE_TIMEOUT,
    U32_MAX,
    U64_MAX,
    check_body,
    check_number,
    check_token,
    check_tube,
)
from beanops.protocol.payloads import Layout, read_names
from beanops.protocol.records import Job, JobStats, ServerStats, TubeStats

T_co = TypeVar("T_co", covariant=True)

#: More than any list of tubes: 64 MiB is 300,000 tubes with the longest of names.
MAX_STATS = 64 * 2**20


class Command(Generic[T_co]):
    """One command, ready to send; its result has the type `T_co`.

    Attributes
    ----------
    kind : Kind
        What it has in common with all commands of its name.
    data : bytes
        The bytes to send, with the body of a put.
    subject : int, str or None
        The job id or the tube that it is about.
    wait : float
        Seconds that the server may take to answer on purpose: only reserves wait.
    """

    __slots__ = ("data", "kind", "subject", "wait")

    def __init__(self, kind: Kind, data: bytes, subject: int | str | None = None, wait: float = 0) -> None:
        self.kind = kind
        self.data = data
        self.subject = subject
        self.wait = wait

    @property
    def line(self) -> str:
        """The command line, without CR LF, without a put's body and without the token of an auth."""
        if self.kind is _AUTH:
            return "auth"
        return self.data[: self.data.index(b"\r\n")].decode("ascii")

    def __repr__(self) -> str:
        return f"<Command {self.line!r}>"


class Reply(NamedTuple):
    """One reply that a command takes.

    Attributes
    ----------
    words : int
        How many words follow the token.
    payload : int
        Most bytes of the payload whose length is the last word; 0 for replies without one.
    build : callable
        Makes the result of the command, the words after the token, and the payload.
    """

    words: int
    payload: int
    build: Callable[[Command[Any], list[bytes], bytes], Any]


class Kind(NamedTuple):
    """What commands of one name have in common: the name, and the replies by token."""

    name: str
    replies: dict[bytes, Reply]


def _number(word: bytes) -> int:
    if not word.isdigit() or len(word) > 20:
        raise ProtocolError(f"expected a number from the server, got {word[:40]!r}")
    return int(word)


def _nothing(command: Command[Any], words: list[bytes], payload: bytes) -> None:
    return None


def _count(command: Command[Any], words: list[bytes], payload: bytes) -> int:
    return _number(words[1])


def _any_job(command: Command[Any], words: list[bytes], payload: bytes) -> Job:
    return Job(_number(words[1]), payload)


def _this_job(command: Command[Any], words: list[bytes], payload: bytes) -> Job:
    # A reply about another job means that replies no longer match commands: better no connection than that.
    job = Job(_number(words[1]), payload)
    if job.id != command.subject:
        raise ProtocolError(f"the server answered '{command.line}' with job {job.id}")
    return job


def _using(command: Command[Any], words: list[bytes], payload: bytes) -> str:
    name = words[1].decode("utf-8", "replace")
    if command.subject is not None and name != command.subject:
        raise ProtocolError(f"the server answered '{command.line}' with tube {name[:80]!r}")
    return name


def _buried_put(command: Command[Any], words: list[bytes], payload: bytes) -> ReplyError:
    return Buried(command.line, _number(words[1]))


def _stats(layout: Layout[Any]) -> Reply:
    def build(command: Command[Any], words: list[bytes], payload: bytes) -> Any:
        record = layout.read(payload)
        if command.subject is not None and record[0] != command.subject:
            raise ProtocolError(f"the server answered '{command.line}' about {str(record[0])[:80]!r}")
        return record

    return Reply(1, MAX_STATS, build)


def _error(error: type[ReplyError]) -> Reply:
    return Reply(0, 0, lambda command, words, payload: error(command.line))


def _kind(name: str, *errors: type[ReplyError], **replies: Reply) -> Kind:
    table = {token.encode("ascii"): reply for token, reply in replies.items()}
    for error in (*errors, *COMMON):
        table[error.token.encode("ascii")] = _error(error)
    return Kind(name, table)


_DONE = Reply(0, 0, _nothing)
_COUNTED = Reply(1, 0, _count)
_JOB = Reply(2, MAX_BODY, _any_job)
_THIS_JOB = Reply(2, MAX_BODY, _this_job)
_NAMES = Reply(1, MAX_STATS, lambda command, words, payload: read_names(payload))
_USING = Reply(1, 0, _using)

_PUT = _kind("put", ExpectedCrlf, JobTooBig, Draining, INSERTED=_COUNTED, BURIED=Reply(1, 0, _buried_put))
_USE = _kind("use", USING=_USING)
_RESERVE = _kind("reserve", DeadlineSoon, TimedOut, RESERVED=_JOB)
_RESERVE_WITH_TIMEOUT = _kind("reserve-with-timeout", DeadlineSoon, TimedOut, RESERVED=_JOB)
_RESERVE_JOB = _kind("reserve-job", NotFound, RESERVED=_THIS_JOB)
_DELETE = _kind("delete", NotFound, DELETED=_DONE)
_RELEASE = _kind("release", NotFound, Buried, RELEASED=_DONE)
_BURY = _kind("bury", NotFound, BURIED=_DONE)
_TOUCH = _kind("touch", NotFound, TOUCHED=_DONE)
_WATCH = _kind("watch", WATCHING=_COUNTED)
_IGNORE = _kind("ignore", NotIgnored, WATCHING=_COUNTED)
_PEEK = _kind("peek", NotFound, FOUND=_THIS_JOB)
_PEEK_READY = _kind("peek-ready", NotFound, FOUND=_JOB)
_PEEK_DELAYED = _kind("peek-delayed", NotFound, FOUND=_JOB)
_PEEK_BURIED = _kind("peek-buried", NotFound, FOUND=_JOB)
_KICK = _kind("kick", KICKED=_COUNTED)
_KICK_JOB = _kind("kick-job", NotFound, KICKED=_DONE)
#: How statistics are written: of a server, and of a job.
SERVER_STATS, JOB_STATS = Layout(ServerStats, id=""), Layout(JobStats)
_STATS = _kind("stats", OK=_stats(SERVER_STATS))
_STATS_TUBE = _kind("stats-tube", NotFound, OK=_stats(Layout(TubeStats, pause=0, pause_time_left=0)))
_STATS_JOB = _kind("stats-job", NotFound, OK=_stats(JOB_STATS))
_LIST_TUBES = _kind("list-tubes", OK=_NAMES)
_LIST_TUBE_USED = _kind("list-tube-used", USING=_USING)
_LIST_TUBES_WATCHED = _kind("list-tubes-watched", OK=_NAMES)
_TRUNCATE = _kind("truncate", NotFound, TRUNCATED=_COUNTED)
_PAUSE_TUBE = _kind("pause-tube", NotFound, PAUSED=_DONE)
_QUIT = _kind("quit")
_AUTH = _kind("auth", AUTHENTICATED=_DONE)


def put(
    body: bytes | bytearray | memoryview,
    *,
    priority: SupportsIndex = DEFAULT_PRIORITY,
    delay: SupportsIndex = 0,
    ttr: SupportsIndex = DEFAULT_TTR,
) -> Command[int]:
    """Put a job into the used tube; the result is its id.

    Parameters
    ----------
    body : bytes
        Any bytes, up to the server's max-job-size.
    priority : int
        0 is most urgent, 2**32 - 1 least.
    delay : int
        Seconds until it becomes ready.
    ttr : int
        Seconds that a worker may hold it; the server makes 1 of 0.
    """
    body = check_body(body)
    numbers = (
        check_number("priority", priority, U32_MAX),
        check_number("delay", delay, U32_MAX),
        check_number("ttr", ttr, U32_MAX),
        len(body),
    )
    return Command(_PUT, b"put %d %d %d %d\r\n%b\r\n" % (*numbers, body))


def use(tube: str) -> Command[str]:
    """Use a tube for puts, heads and kicks, creating it; the result is its name."""
    return Command(_USE, b"use %b\r\n" % check_tube(tube).encode("ascii"), tube)


def reserve(timeout: SupportsIndex | None = None) -> Command[Job]:
    """Reserve the next ready job of the watched tubes; the result is the job.

    Parameters
    ----------
    timeout : int or None
        Seconds to wait, then `TimedOut`; None waits without a limit.
    """
    if timeout is None:
        return Command(_RESERVE, b"reserve\r\n", wait=math.inf)
    seconds = check_number("timeout", timeout, MAX_RESERVE_TIMEOUT)
    return Command(_RESERVE_WITH_TIMEOUT, b"reserve-with-timeout %d\r\n" % seconds, wait=seconds)


def reserve_job(id: SupportsIndex) -> Command[Job]:
    """Reserve one ready, buried or delayed job, whatever is watched or paused.

    It needs beanstalkd 1.12 or newer; older ones answer `BadFormat`, some forks `UnknownCommand`.
    """
    number = check_number("id", id, U64_MAX)
    return Command(_RESERVE_JOB, b"reserve-job %d\r\n" % number, number)


def delete(id: SupportsIndex) -> Command[None]:
    """Delete a job that is ready, delayed, buried, or reserved by this connection."""
    number = check_number("id", id, U64_MAX)
    return Command(_DELETE, b"delete %d\r\n" % number, number)


def release(id: SupportsIndex, *, priority: SupportsIndex, delay: SupportsIndex = 0) -> Command[None]:
    """Release a job that this connection reserved; the protocol always sets its priority and delay."""
    number = check_number("id", id, U64_MAX)
    numbers = (number, check_number("priority", priority, U32_MAX), check_number("delay", delay, U32_MAX))
    return Command(_RELEASE, b"release %d %d %d\r\n" % numbers, number)


def bury(id: SupportsIndex, *, priority: SupportsIndex) -> Command[None]:
    """Bury a job that this connection reserved; the protocol always sets its priority."""
    number = check_number("id", id, U64_MAX)
    return Command(_BURY, b"bury %d %d\r\n" % (number, check_number("priority", priority, U32_MAX)), number)


def touch(id: SupportsIndex) -> Command[None]:
    """Restart the TTR of a job that this connection reserved."""
    number = check_number("id", id, U64_MAX)
    return Command(_TOUCH, b"touch %d\r\n" % number, number)


def watch(tube: str) -> Command[int]:
    """Watch a tube, creating it; the result is how many tubes the connection watches."""
    return Command(_WATCH, b"watch %b\r\n" % check_tube(tube).encode("ascii"), tube)


def ignore(tube: str) -> Command[int]:
    """Watch a tube no longer; the result is how many tubes the connection watches."""
    return Command(_IGNORE, b"ignore %b\r\n" % check_tube(tube).encode("ascii"), tube)


def peek(id: SupportsIndex) -> Command[Job]:
    """Look at any job, whichever its tube and state; the result is the job."""
    number = check_number("id", id, U64_MAX)
    return Command(_PEEK, b"peek %d\r\n" % number, number)


def peek_ready() -> Command[Job]:
    """Look at the next ready job of the used tube."""
    return Command(_PEEK_READY, b"peek-ready\r\n")


def peek_delayed() -> Command[Job]:
    """Look at the delayed job of the used tube that is ready soonest."""
    return Command(_PEEK_DELAYED, b"peek-delayed\r\n")


def peek_buried() -> Command[Job]:
    """Look at the job of the used tube that has been buried longest."""
    return Command(_PEEK_BURIED, b"peek-buried\r\n")


def kick(bound: SupportsIndex) -> Command[int]:
    """Kick up to `bound` jobs of the used tube: buried ones if there are any, else delayed; the result is how many."""
    # The server reads an unsigned long and keeps its low 32 bits: 4294967296 would mean none.
    return Command(_KICK, b"kick %d\r\n" % check_number("bound", bound, U32_MAX))


def kick_job(id: SupportsIndex) -> Command[None]:
    """Make one buried or delayed job ready."""
    number = check_number("id", id, U64_MAX)
    return Command(_KICK_JOB, b"kick-job %d\r\n" % number, number)


def pause_tube(tube: str, seconds: SupportsIndex) -> Command[None]:
    """Hold back the ready jobs of a tube from reserves for `seconds`; 0 resumes."""
    name = check_tube(tube).encode("ascii")
    return Command(_PAUSE_TUBE, b"pause-tube %b %d\r\n" % (name, check_number("seconds", seconds, U32_MAX)), tube)


def truncate(tube: str) -> Command[int]:
    """Delete all jobs of a tube that are ready, delayed or buried, at once; the result is how many these were.

    Only forks of beanstalkd have it. Jobs of the tube that are reserved are gone too: what their workers say of them
    later is answered with `NotFound`. The tube's numbers may count the jobs for a while.
    """
    return Command(_TRUNCATE, b"truncate %b\r\n" % check_tube(tube).encode("ascii"), tube)


def stats() -> Command[ServerStats]:
    """Ask for the server's statistics."""
    return Command(_STATS, b"stats\r\n")


def stats_tube(tube: str) -> Command[TubeStats]:
    """Ask for a tube's statistics; this does not create the tube."""
    return Command(_STATS_TUBE, b"stats-tube %b\r\n" % check_tube(tube).encode("ascii"), tube)


def stats_job(id: SupportsIndex) -> Command[JobStats]:
    """Ask for a job's statistics, whichever its tube and state."""
    number = check_number("id", id, U64_MAX)
    return Command(_STATS_JOB, b"stats-job %d\r\n" % number, number)


def list_tubes() -> Command[list[str]]:
    """Ask for the names of all tubes."""
    return Command(_LIST_TUBES, b"list-tubes\r\n")


def list_tube_used() -> Command[str]:
    """Ask for the name of the used tube."""
    return Command(_LIST_TUBE_USED, b"list-tube-used\r\n")


def list_tubes_watched() -> Command[list[str]]:
    """Ask for the names of the watched tubes."""
    return Command(_LIST_TUBES_WATCHED, b"list-tubes-watched\r\n")


def quit() -> Command[None]:
    """Say goodbye; the server's closing of the connection is the answer."""
    return Command(_QUIT, b"quit\r\n")


def auth(token: str) -> Command[None]:
    """Show a token to a server that asks for one, before any other command; beanstalkd itself has none.

    A server that refuses it closes the connection. `Client` and `AsyncClient` send it where `Reach` has a token.
    """
    return Command(_AUTH, b"auth %b\r\n" % check_token(token).encode("ascii"))
