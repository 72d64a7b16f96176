"""What arguments may be: ranges, names, sizes, and one check for each.

A malformed line is not harmless: the body of a refused ``put`` would run as commands. So every
argument passes one of these checks before a byte is made.
"""

from __future__ import annotations

import operator

from beanops.protocol.errors import ArgumentError

TYPE_CHECKING = False  # a server that only wants to listen reads this, and loads neither typing nor re
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsIndex

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
MAX_RESERVE_TIMEOUT = 2**31 - 1
#: The largest max-job-size that a server can be given (``-z``), in bytes.
MAX_BODY = 2**30
DEFAULT_MAX_JOB_SIZE = 65535
DEFAULT_PRIORITY = 65536
DEFAULT_TTR = 60
#: A job is urgent when its priority is below this.
URGENT_PRIORITY = 1024
DEFAULT_PORT = 11300
#: Characters of a token; a server may take fewer.
MAX_TOKEN = 4096

_IN_NAMES = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()")


def check_number(argument: str, value: SupportsIndex, maximum: int) -> int:
    """Return `value` as an int between 0 and `maximum`; numpy integers pass, floats and bools do not.

    Raises
    ------
    ArgumentError
        `value` is not a whole number or is out of range.
    """
    if type(value) is int and 0 <= value <= maximum:
        return value
    allowed = f"a whole number from 0 to {maximum}"
    if isinstance(value, bool):
        raise ArgumentError(argument, value, allowed)
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(argument, value, allowed) from None
    if not 0 <= number <= maximum:
        raise ArgumentError(argument, value, allowed)
    return number


def check_rate(rate: float, noun: str) -> float:
    """Return `rate` if it is a number above 0.

    Raises
    ------
    ArgumentError
        `rate` is no such number; the text says of what per second.
    """
    try:
        if 0 < rate < float("inf"):
            return rate
    except (TypeError, ValueError):
        pass
    raise ArgumentError("rate", rate, f"a number of {noun} per second above 0, or None")


def check_choice(argument: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of some names.

    Raises
    ------
    ArgumentError
        It is not; the text names the choices, and those that are like it.

    Examples
    --------
    >>> check_choice("state", "buried", ["ready", "buried"])
    'buried'
    """
    names = list(choices)
    if value in names:
        return value
    from beanops.text import did_you_mean

    raise ArgumentError(argument, value, f"one of {', '.join(names)}{did_you_mean(value, names)}")


def is_tube(name: str) -> bool:
    """Return whether a tube can have this name: 1 to 200 of ``A-Za-z0-9-+/;.$_()``, no leading ``-``."""
    return 0 < len(name) <= 200 and name[0] != "-" and _IN_NAMES.issuperset(name)


def is_glob(tube: str) -> bool:
    """Return whether a text is a glob, which may match several tubes; no tube's name has its characters."""
    return not set(tube).isdisjoint("*?[")


def check_tube(name: str, argument: str = "tube") -> str:
    """Return `name` if a tube can have it.

    Raises
    ------
    ArgumentError
        `name` is no tube name.
    """
    if isinstance(name, str) and is_glob(name):
        raise ArgumentError(argument, name, "the name of one tube, not a glob")
    if not isinstance(name, str) or not is_tube(name):
        raise ArgumentError(argument, name, "1 to 200 of the characters A-Za-z0-9-+/;.$_(), not starting with '-'")
    return name


def check_body(body: bytes | bytearray | memoryview, maximum: int = MAX_BODY) -> bytes:
    """Return `body` as bytes of at most `maximum`, by default the protocol's own 1 GiB.

    Raises
    ------
    ArgumentError
        `body` is not bytes-like or is too long.
    """
    if isinstance(body, bytearray | memoryview):
        body = bytes(body)
    elif not isinstance(body, bytes):
        raise ArgumentError("body", body, "bytes (encode text first)")
    if len(body) > maximum:
        raise ArgumentError("body", f"{len(body):,} bytes", f"at most {maximum:,} bytes (the server's max-job-size)")
    return body


def check_token(token: str) -> str:
    """Return a token that fits in the line of an ``auth``.

    Raises
    ------
    ArgumentError
        It has a blank or a control character, is empty or too long; the error does not show it.
    """
    # printable ASCII without blanks: anything else would end the line or the word
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN or not all("!" <= one <= "~" for one in token):
        raise ArgumentError("token", "...", f"1 to {MAX_TOKEN:,} ASCII characters without blanks")
    return token
