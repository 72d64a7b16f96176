"""The command line of the embedded server: beanstalkd's own flags, as far as they make sense here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from beanops.embedded.dialects import DIALECTS, NEWEST
from beanops.protocol.limits import DEFAULT_MAX_JOB_SIZE, DEFAULT_PORT, MAX_BODY

_NO_BINLOG = "jobs are kept in memory only, there is no binlog"
_REFUSED_FLAGS = {"-F": f"{_NO_BINLOG} to sync", "-c": f"{_NO_BINLOG} to compact", "-n": f"{_NO_BINLOG} to compact"}
_REFUSED_OPTIONS = {
    "-f": f"{_NO_BINLOG} to sync",
    "-s": f"{_NO_BINLOG} to size",
    "-u": "this server does not change its user, start it as the user that it is to run as",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)


class _Refuse(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        flag = self.option_strings[0]
        parser.error(f"{flag} is refused: {(_REFUSED_FLAGS | _REFUSED_OPTIONS)[flag]}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line: ``address``, ``port``, ``max_job_size``, ``dialect`` and ``verbose``.

    Raises
    ------
    SystemExit
        With 0 after help or the version, with 2 after one line on what is wrong.
    """
    parser = _Parser(
        prog="beanops serve",
        allow_abbrev=False,
        description="A beanstalkd-compatible server that keeps its jobs in memory only; production runs beanstalkd.",
    )
    add = parser.add_argument
    add("-l", dest="address", metavar="ADDR", type=_address, default="127.0.0.1",
        help="listen on ADDR or unix:PATH (%(default)s)")  # fmt: skip
    add(
        "-p", dest="port", metavar="PORT", type=_port, default=DEFAULT_PORT, help="listen on PORT, 0: any (%(default)s)"
    )
    add("-z", dest="max_job_size", metavar="BYTES", type=_size, default=DEFAULT_MAX_JOB_SIZE,
        help=f"maximum job size (%(default)s), at most {MAX_BODY}")  # fmt: skip
    add("--dialect", choices=DIALECTS, default=NEWEST, help="the release to be compatible with (%(default)s)")
    add("-b", dest="binlog", metavar="DIR", help="refused, or ignored with --ignore-binlog")
    add("--ignore-binlog", action="store_true", help="start without a binlog although -b asks for one")
    add("-V", dest="verbose", action="count", default=0, help="say which connections come and go")
    add(
        "-v",
        action="version",
        version=f"beanops embedded server, compatible with beanstalkd {NEWEST}",
        help="show version",
    )
    for flag in _REFUSED_FLAGS:
        add(flag, action=_Refuse, nargs=0, help=argparse.SUPPRESS)
    for flag in _REFUSED_OPTIONS:
        add(flag, action=_Refuse, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.binlog is not None and not options.ignore_binlog:
        parser.error(f"-b is refused: {_NO_BINLOG}; run beanstalkd, or add --ignore-binlog to start without one")
    return options


def _address(text: str) -> str:
    if text == "unix:":
        raise argparse.ArgumentTypeError("the path is missing behind unix:")
    if not text.startswith("unix:"):
        try:
            text.encode("idna")  # as the resolver will, and not as an OSError
        except UnicodeError:
            raise argparse.ArgumentTypeError(f"{text!r} is no host") from None
    return text


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, allowed is 0 to 65535")
    return int(text)


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_BODY:
        raise argparse.ArgumentTypeError(f"{text!r} is no job size, allowed is 0 to {MAX_BODY}")
    return int(text)
