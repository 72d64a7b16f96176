"""The command line of the embedded server: beanstalkd's own flags, as far as they make sense here.

It is read without a parser from the library, for a server listens before it loads the rest of itself.
"""

from __future__ import annotations

import sys

from beanops.embedded.dialects import DIALECTS, NEWEST, Dialect
from beanops.protocol.limits import DEFAULT_MAX_JOB_SIZE, DEFAULT_PORT, MAX_BODY, U64_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

_NO_BINLOG = "jobs are kept in memory only, there is no binlog"
_REFUSED = {
    "-F": f"{_NO_BINLOG} to sync",
    "-c": f"{_NO_BINLOG} to compact",
    "-n": f"{_NO_BINLOG} to compact",
    "-f": f"{_NO_BINLOG} to sync",
    "-s": f"{_NO_BINLOG} to size",
    "-u": "this server does not change its user, start it as the user that it is to run as",
}
_TLS = ("--tls-cert", "--tls-key", "--tls-client-ca", "--tls-min-version", "--tls-port")
_WITH_VALUE = (
    *("-l", "-p", "-z", "-b", "-f", "-s", "-u", "--dialect", "--stats-kept", "--nodes", "--max-memory"),
    *("--idle-timeout", "--max-connections"),
    *(*_TLS, "--auth-token-file"),
)
#: The versions of TLS that can be asked for.
TLS_VERSIONS = ("1.2", "1.3")

HELP = f"""\
usage: beanops serve [options]

A beanstalkd-compatible server that keeps its jobs in memory only; production runs beanstalkd.

options:
  -l ADDR            listen on ADDR or unix:PATH (127.0.0.1)
  -p PORT            listen on PORT, 0: any ({DEFAULT_PORT})
  -z BYTES           maximum job size ({DEFAULT_MAX_JOB_SIZE}), at most {MAX_BODY}
  --tls-cert FILE    speak TLS with this certificate; clients connect to beanstalks://
  --tls-key FILE     its private key (in the file of the certificate)
  --tls-client-ca FILE
                     require a client certificate of one of these CAs
  --tls-min-version VERSION
                     {" or ".join(TLS_VERSIONS)} ({TLS_VERSIONS[0]})
  --tls-port PORT    speak TLS on this port, and plain text on -p
  --auth-token-file FILE
                     require "auth TOKEN" with one of the tokens in FILE, one a line
  --dialect NAME     the release or fork to imitate: {", ".join(DIALECTS)} ({NEWEST})
  --stats-kept SECS  answer stats from a cache for so long (0; truncate: 0.5)
  --nodes COUNT      nodes of a cluster, each with its own id, that connections are with in turn (1)
  --max-memory BYTES answer OUT_OF_MEMORY when all bodies take more
  --idle-timeout SECS
                     close connections that are idle for so long
  --max-connections COUNT
                     close further connections at once
  -b DIR             refused, or ignored with --ignore-binlog
  --ignore-binlog    start without a binlog although -b asks for one
  -V                 log connections that come and go
  -v                 show version
  -h, --help         show this help
"""


class ServerOptions:
    """What the command line says.

    Attributes
    ----------
    address : str
        Host, or ``unix:PATH``.
    port : str
        A number or the name of a service, as the system's resolver takes it.
    max_job_size : int
        Bytes that a body may have.
    dialect : str
        The release or fork to be.
    stats_kept : float or None
        Seconds for which ``stats`` is answered from a cache; None leaves it to the dialect.
    nodes : int
        Nodes that connections are with, in turn.
    max_memory : int or None
        Bytes of all bodies from which on a put is refused.
    binlog : str or None
        A directory that is to be ignored.
    idle_timeout : float or None
        Seconds after which an idle connection is closed.
    max_connections : int or None
        Connections from which on others are closed at once.
    tls_cert, tls_key, tls_client_ca : str or None
        Files with the certificate of the server, its key, and the CAs of clients.
    tls_min_version : str
        The oldest version of TLS that is spoken.
    tls_port : str or None
        A port for TLS beside the one for plain text; None for TLS on the only one.
    auth_token_file : str or None
        File with the tokens of which a client must show one.
    verbose : bool
        Log connections.
    """

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self.port = str(DEFAULT_PORT)
        self.max_job_size = DEFAULT_MAX_JOB_SIZE
        self.dialect = NEWEST
        self.stats_kept: float | None = None
        self.nodes = 1
        self.max_memory: int | None = None
        self.idle_timeout: float | None = None
        self.max_connections: int | None = None
        self.binlog: str | None = None
        self.tls_cert: str | None = None
        self.tls_key: str | None = None
        self.tls_client_ca: str | None = None
        self.tls_min_version = TLS_VERSIONS[0]
        self.tls_port: str | None = None
        self.auth_token_file: str | None = None
        self.verbose = False


def parse(arguments: Sequence[str]) -> ServerOptions:
    """Read the command line.

    Raises
    ------
    SystemExit
        With 0 after help or the version, with 2 after one line on what is wrong.
    """
    options = ServerOptions()
    ignores = False
    for flag, value in _flags(arguments):
        if flag in ("-h", "--help"):
            _show(HELP)
        elif flag == "-v":
            _show(f"beanops embedded server, compatible with beanstalkd {NEWEST}\n")
        elif flag in _REFUSED:
            fail(f"{flag} is refused: {_REFUSED[flag]}")
        elif flag == "-l":
            options.address = _address(value)
        elif flag == "-p":
            options.port = value
        elif flag == "-z":
            options.max_job_size = _size(value)
        elif flag == "--dialect":
            options.dialect = _dialect(value)
        elif flag == "--stats-kept":
            options.stats_kept = _seconds(flag, value)
        elif flag == "--nodes":
            options.nodes = _number(flag, value, 1)
        elif flag == "--max-memory":
            options.max_memory = _number(flag, value, 0)
        elif flag == "--idle-timeout":
            options.idle_timeout = _seconds(flag, value) or None
        elif flag == "--max-connections":
            options.max_connections = _number(flag, value, 1)
        elif flag == "--tls-min-version":
            options.tls_min_version = _tls_version(value)
        elif flag in _TLS or flag == "--auth-token-file":
            if not value:
                fail(f"{flag}: the value is missing")
            setattr(options, flag[2:].replace("-", "_"), value)
        elif flag == "-b":
            options.binlog = value
        elif flag == "-V":
            options.verbose = True
        elif flag == "--ignore-binlog":
            ignores = True
        else:
            fail(f"unknown flag: {flag}")
    if options.binlog is not None and not ignores:
        fail(f"-b is refused: {_NO_BINLOG}; run beanstalkd, or add --ignore-binlog to start without one")
    _check_tls(options, {flag for flag, _ in _flags(arguments)})
    return options


def _check_tls(options: ServerOptions, given: set[str]) -> None:
    if options.tls_cert is None:
        for flag in _TLS:
            if flag in given:
                fail(f"{flag} needs --tls-cert")
    elif options.address.startswith("unix:"):
        fail("--tls-cert: TLS is spoken on a port, not on a unix socket")


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each flag with its argument, as beanstalkd takes them: ``-VVl ADDR`` and ``-z100`` too."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if len(word) < 2 or word[0] != "-":
            fail(f"unknown argument: {word}")
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            yield name, _value(name, [value] if equals else rest) if name in _WITH_VALUE else ""
            continue
        letters = word[1:]
        while letters:
            flag, letters = f"-{letters[0]}", letters[1:]
            if flag in _WITH_VALUE:
                yield flag, _value(flag, [letters] if letters else rest)
                break
            yield flag, ""


def _value(flag: str, rest: list[str]) -> str:
    if not rest:
        fail(f"flag requires an argument: {flag}")
    return rest.pop(0)


def warn(message: str) -> None:
    """Say something on stderr."""
    print(f"beanops serve: {message}", file=sys.stderr)


def fail(message: str) -> NoReturn:
    """End the process because the command line is wrong."""
    warn(message)
    sys.exit(2)


def _show(text: str) -> NoReturn:
    print(text, end="")
    sys.exit(0)


def _address(text: str) -> str:
    if text == "unix:":
        fail("-l: the path is missing behind unix:")
    return text


def _size(text: str) -> int:
    """Read a size as C's scanf does: white space, a sign that wraps round, and nothing behind the digits."""
    digits = text.lstrip(" \t\n\v\f\r")
    negative = digits.startswith("-")
    digits = digits[1:] if digits.startswith(("-", "+")) else digits
    if not digits.isascii() or not digits.isdigit():
        fail(f"-z: {text!r} is no job size, allowed is 0 to {MAX_BODY}")
    number = int(digits.lstrip("0")[:21] or 0)
    size = U64_MAX if number > U64_MAX else (-number if negative else number) & U64_MAX
    if size > MAX_BODY:
        warn(f"maximum job size was set to {MAX_BODY}")
        return MAX_BODY
    return size


def _dialect(text: str) -> Dialect:
    for dialect in DIALECTS:
        if text == dialect:
            return dialect
    fail(f"--dialect: {text!r} is no release or fork, allowed is one of {', '.join(DIALECTS)}")


def _tls_version(text: str) -> str:
    if text not in TLS_VERSIONS:
        fail(f"--tls-min-version: {text!r} is not known, allowed is {' or '.join(TLS_VERSIONS)}")
    return text


def _number(flag: str, text: str, least: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < least:
        fail(f"{flag}: {text!r} is no whole number from {least} on")
    return int(text)


def _seconds(flag: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 3600:
        fail(f"{flag}: {text!r} is no number of seconds from 0 to 3600")
    return seconds
