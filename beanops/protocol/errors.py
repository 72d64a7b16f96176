"""The one error hierarchy of beanops.

Four questions, four branches: did you misuse it (`UsageError`), did the server say no (`ReplyError`,
one class for each reply token), did the server misbehave (`ProtocolError`), or is the connection gone
(`ConnectionLost`)?
"""

from __future__ import annotations


class BeanopsError(Exception):
    """Anything that beanops raises on purpose; its text is one line, fit to show to a user."""


class UsageError(BeanopsError, ValueError):
    """The caller misused beanops; nothing was sent."""


class ArgumentError(UsageError):
    """An argument is outside what the protocol allows.

    Attributes
    ----------
    argument : str
        Name of the argument, such as ``"priority"``.
    given : object
        What was given.
    allowed : str
        What is allowed, in words.
    """

    def __init__(self, argument: str, given: object, allowed: str) -> None:
        shown = repr(given).replace("\n", " ")
        if len(shown) > 60:
            shown = f"{shown[:57]}..."
        super().__init__(f"{argument}: {shown} given, allowed is {allowed}")
        self.argument = argument
        self.given = given
        self.allowed = allowed


class ProtocolError(BeanopsError):
    """The server sent what the protocol does not allow; the connection must not be used again."""


class ConnectionLost(BeanopsError):
    """The connection could not be made, broke or was closed; what was in flight may have been executed."""


class ConnectFailed(ConnectionLost):
    """No connection could be made; nothing was sent."""


class ConnectionClosed(ConnectionLost):
    """The connection ended, by the server, by the network or by ``close``."""


class Unauthorized(ConnectionLost):
    """``UNAUTHORIZED``: the server requires a token, or refused this one; it closes the connection."""


class ReadTimeout(ConnectionLost):
    """The server did not answer in time; the connection was closed, for a late reply would answer the next command."""


class ReplyError(BeanopsError):
    """The server answered a command with an error token; the connection stays usable.

    Attributes
    ----------
    token : str
        The reply as the protocol spells it, such as ``"NOT_FOUND"``.
    command : str
        The command line that was answered, such as ``"delete 5"``.
    """

    token = ""
    meaning = ""

    def __init__(self, command: str) -> None:
        # A scan of a million gaps makes a million of these: the text waits until somebody reads it.
        super().__init__(command)
        self.command = command

    def __str__(self) -> str:
        return f"{self.token} to '{self.command}': {self.meaning}"


class NotFound(ReplyError):
    """``NOT_FOUND``: no such job or tube, or the job is not in a state that the command takes."""

    token = "NOT_FOUND"
    meaning = "it does not exist, or is not in a state that this command takes"

    def __str__(self) -> str:
        missing = {"stats-tube": "tube", "pause-tube": "tube", "stats-job": "job", "peek": "job"}
        what = missing.get(self.command.partition(" ")[0])
        return f"{self.token} to '{self.command}': {f'there is no such {what}' if what else self.meaning}"


class TimedOut(ReplyError):
    """``TIMED_OUT``: no job became ready within the time-out of a reserve."""

    token = "TIMED_OUT"
    meaning = "no job became ready in that time"


class DeadlineSoon(ReplyError):
    """``DEADLINE_SOON``: a job that this connection holds has less than a second of its ttr left."""

    token = "DEADLINE_SOON"
    meaning = "a job that this connection holds is about to time out; finish or touch it"


class NotIgnored(ReplyError):
    """``NOT_IGNORED``: a connection must watch at least one tube."""

    token = "NOT_IGNORED"
    meaning = "it is the only tube that this connection watches"


class Draining(ReplyError):
    """``DRAINING``: the server takes no new jobs (it got SIGUSR1, which is irreversible)."""

    token = "DRAINING"
    meaning = "the server takes no new jobs until it is restarted"


class JobTooBig(ReplyError):
    """``JOB_TOO_BIG``: the body is larger than the server's max-job-size."""

    token = "JOB_TOO_BIG"
    meaning = "the body is larger than the server's max-job-size"


class Buried(ReplyError):
    """``BURIED`` to a put or release: the server was out of memory, or its disk full (``-b``), and buried the job.

    Attributes
    ----------
    job_id : int or None
        Id of the new job that was buried, for a put.
    """

    token = "BURIED"
    meaning = "the server is out of memory, or its disk is full (with -b), and buried the job"

    def __init__(self, command: str, job_id: int | None = None) -> None:
        super().__init__(command)
        self.job_id = job_id


class ExpectedCrlf(ReplyError):
    """``EXPECTED_CRLF``: a body was not followed by CR LF."""

    token = "EXPECTED_CRLF"
    meaning = "the body was not followed by CR LF"


class OutOfMemory(ReplyError):
    """``OUT_OF_MEMORY``: the server has no memory for the command, or with ``-b`` no room on its disk."""

    token = "OUT_OF_MEMORY"
    meaning = "the server is out of memory, or its disk is full (with -b)"


class InternalError(ReplyError):
    """``INTERNAL_ERROR``: a bug in the server, or its binlog could not be written."""

    token = "INTERNAL_ERROR"
    meaning = "a fault inside the server"


class Unsupported(ReplyError):
    """The server does not take the command, often because it is older than the command."""

    def __str__(self) -> str:
        name = self.command.partition(" ")[0]
        since = SINCE.get(name)
        why = f"it needs beanstalkd {since} or newer" if since else FORKS if name == "truncate" else self.meaning
        return f"{self.token} to '{self.command}': {why}"


class BadFormat(Unsupported):
    """``BAD_FORMAT``: the server did not accept the command line; 1.11 and older say so to ``reserve-job``."""

    token = "BAD_FORMAT"
    meaning = "this server does not accept the command in this form"


class UnknownCommand(Unsupported):
    """``UNKNOWN_COMMAND``: the server does not know the command."""

    token = "UNKNOWN_COMMAND"
    meaning = "this server does not know the command"


#: Commands that came after the oldest server that is supported, with the release that brought them.
SINCE = {"reserve-job": "1.12", "kick-job": "1.8", "pause-tube": "1.4.3"}
#: Where the command ``truncate`` is to be had.
FORKS = "it needs a fork of beanstalkd that has it"
#: Replies that any command may get (protocol.txt, "there are a few error responses").
COMMON: tuple[type[ReplyError], ...] = (OutOfMemory, InternalError, BadFormat, UnknownCommand)
