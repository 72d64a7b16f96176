"""How the arguments of a command line are read: as leniently and as strictly as beanstalkd reads them.

Each reader takes what follows the command's word and one space, and returns None for what is ``BAD_FORMAT``.
"""

from __future__ import annotations

import re

from beanops.protocol.limits import MAX_RESERVE_TIMEOUT, U32_MAX, U64_MAX

_NAME = re.compile(rb"(?!-)[A-Za-z0-9\-+/;.$_()]{1,200}")
_PUT = re.compile(rb" *([0-9]+) +([0-9]+) +([0-9]+) +([0-9]+)")
_RELEASE = re.compile(rb" *([0-9]+) +([0-9]+) +([0-9]+)")
_BURY = re.compile(rb" *([0-9]+) +([0-9]+)")
_PAUSE = re.compile(rb" *([A-Za-z0-9\-+/;.$_()]+) +([0-9]+)")
_TIMEOUT = re.compile(rb" *([0-9]+)")
_PAUSED = re.compile(rb" *([A-Za-z0-9\-+/;.$_()]+)")
#: What C's strtol and strtoul take: white space, a sign, and whatever comes behind the digits.
_C_NUMBER = re.compile(rb"[ \t\n\v\f]*([+-]?)([0-9]+)")
#: A number behind spaces, as 1.11 and older read priorities, delays and ttrs.
_NUMBER = re.compile(rb" *([0-9]+)")


def read_name(rest: bytes) -> bytes | None:
    """Read the name of a tube."""
    return rest if _NAME.fullmatch(rest) else None


def read_id(rest: bytes) -> int | None:
    """Read the id of a job, behind any number of spaces."""
    digits = rest.lstrip(b" ")
    if digits.isdigit() and (number := int(digits)) <= U64_MAX:
        return number
    return None


def read_put(rest: bytes) -> tuple[int, int, int, int, bool] | None:
    """Read priority, delay, ttr and size, and whether the line ends there."""
    match = _PUT.match(rest)
    if match is None:
        return None
    priority, delay, ttr, size = map(int, match.groups())
    if priority > U32_MAX or delay > U32_MAX or ttr > U32_MAX or size > U32_MAX:
        return None
    return priority, delay, ttr, size, match.end() == len(rest)


def read_release(rest: bytes) -> tuple[int, int, int] | None:
    """Read id, priority and delay."""
    match = _RELEASE.fullmatch(rest)
    if match is None:
        return None
    number, priority, delay = map(int, match.groups())
    if number > U64_MAX or priority > U32_MAX or delay > U32_MAX:
        return None
    return number, priority, delay


def read_bury(rest: bytes) -> tuple[int, int] | None:
    """Read id and priority."""
    match = _BURY.fullmatch(rest)
    if match is None:
        return None
    number, priority = map(int, match.groups())
    return (number, priority) if number <= U64_MAX and priority <= U32_MAX else None


def read_pause(rest: bytes) -> tuple[bytes, int] | None:
    """Read what may be a tube's name, and seconds."""
    match = _PAUSE.fullmatch(rest)
    if match is None or int(match[2]) > U32_MAX:
        return None
    return match[1], int(match[2])


def read_bound(rest: bytes) -> int | None:
    """Read the bound of a kick: the low 32 bits of an unsigned long, so that -1 is the highest and 2**32 is none."""
    match = _C_NUMBER.match(rest)
    if match is None or int(match[2]) > U64_MAX:
        return None
    return int(match[1] + match[2]) & U32_MAX


def read_timeout(rest: bytes) -> int | None:
    """Read the seconds of a reserve."""
    match = _TIMEOUT.match(rest)
    if match is None or int(match[1]) > MAX_RESERVE_TIMEOUT:
        return None
    return int(match[1])


def read_timeout_1_12(rest: bytes) -> int | None:
    """Read the seconds of a reserve as 1.12 does: a long cut to an int, 0 without digits, negative for no limit."""
    match = _C_NUMBER.match(rest)
    number = int(match[1] + match[2]) if match else 0
    if not -(2**63) <= number < 2**63:
        return None
    return (number + 2**31) % 2**32 - 2**31


# As 1.11 and older read them: numbers are C's, cut to their low bits, and anything after an id is ignored.


def _read_c(rest: bytes) -> tuple[int, bytes] | None:
    """Read an unsigned long as strtoull does, 0 without digits, and return the rest."""
    match = _C_NUMBER.match(rest)
    if match is None:
        return 0, rest
    number = int(match[2])
    if number > U64_MAX:
        return None
    return (-number if match[1] == b"-" else number) & U64_MAX, rest[match.end() :]


def _read_numbers(rest: bytes, count: int) -> tuple[list[int], bytes] | None:
    """Read numbers of which the low 32 bits count, the highest for one that is too long for C."""
    numbers = []
    for _ in range(count):
        match = _NUMBER.match(rest)
        if match is None:
            return None
        numbers.append(min(int(match[1]), U64_MAX) & U32_MAX)
        rest = rest[match.end() :]
    return numbers, rest


def read_id_1_11(rest: bytes) -> int | None:
    """Read the id of a job."""
    found = _read_c(rest)
    return None if found is None else found[0]


def read_put_1_11(rest: bytes) -> tuple[int, int, int, int, bool] | None:
    """Read priority, delay, ttr and size, and whether the line ends there."""
    found = _read_numbers(rest, 3)
    if found is None:
        return None
    (priority, delay, ttr), rest = found
    size = _read_c(rest)
    return None if size is None else (priority, delay, ttr, size[0] & U32_MAX, size[1] == b"")


def read_release_1_11(rest: bytes) -> tuple[int, int, int] | None:
    """Read id, priority and delay."""
    found = _read_id_and(rest, 2)
    return None if found is None else (found[0], found[1], found[2])


def read_bury_1_11(rest: bytes) -> tuple[int, int] | None:
    """Read id and priority."""
    found = _read_id_and(rest, 1)
    return None if found is None else (found[0], found[1])


def _read_id_and(rest: bytes, count: int) -> list[int] | None:
    id = _read_c(rest)
    found = None if id is None else _read_numbers(id[1], count)
    if id is None or found is None or found[1]:
        return None
    return [id[0], *found[0]]


def read_pause_1_11(rest: bytes) -> tuple[bytes, int]:
    """Read what may be a tube's name, and seconds; no name for what is ``BAD_FORMAT``, which 1.11 counts too."""
    match = _PAUSED.match(rest)
    found = None if match is None else _read_numbers(rest[match.end() :], 1)
    if match is None or found is None or found[1]:
        return b"", 0
    return match[1], found[0][0]
