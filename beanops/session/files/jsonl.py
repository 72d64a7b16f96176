"""Write a job as one line of JSON, and read it. `export` and `import_` handle the files."""

from __future__ import annotations

import base64
import binascii
import json
import os
from datetime import UTC, datetime
from typing import Any, BinaryIO

from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, U32_MAX, check_body, check_number, check_tube
from beanops.protocol.states import STATES

#: A file of lines: a path, or an open binary file.
File = str | os.PathLike[str] | BinaryIO
_NUMBERS = ("priority", "ttr", "time_left")
#: Maximum bytes of a line without its body: names, numbers, and keys that somebody added.
_BESIDE_BODY = 65536


class LineError(UsageError):
    """A line of a file is not a job; nothing was put."""


def check_file(file: File, method: str) -> None:
    """Raise `ArgumentError` unless it is a path, or has the method of an open file."""
    if not isinstance(file, str | os.PathLike) and not hasattr(file, method):
        raise ArgumentError("file", file, "a path, or an open binary file")


def write_line(job: FoundJob, server: str, instance: str) -> bytes:
    """Return a job as a line of ASCII, with its body as text if it is UTF-8, otherwise as base64."""
    body = job.body or b""
    stats = job.stats
    facts: dict[str, Any] = {name: getattr(stats, name) for name in ("id", "tube", "state", *_NUMBERS)}
    facts["delay"] = stats.delay
    facts["time_left"] = stats.time_left if stats.state == "delayed" else 0
    try:
        facts["body"] = body.decode("utf-8")
    except UnicodeDecodeError:
        facts["body_base64"] = base64.b64encode(body).decode("ascii")
    created = None if job.created is None else datetime.fromtimestamp(int(job.created), UTC).isoformat()
    facts |= {"server": server, "instance": job.instance or instance, "created": created}
    # DEL is the one control character that JSON does not escape.
    return json.dumps(facts).replace("\x7f", "\\u007f").encode("ascii") + b"\n"


def longest_line(max_body: int) -> int:
    r"""Return the maximum bytes of a line with a body of `max_body` bytes, each perhaps written as ``\u00XX``."""
    return 6 * max_body + _BESIDE_BODY


def read_line(line: bytes, max_body: int) -> FoundJob:
    """Return the job of a line; unknown keys are ignored.

    Parameters
    ----------
    line : bytes
        JSON with ``tube``, and ``body`` or ``body_base64``; maybe with ``state``, ``priority``, ``ttr``, ``delay`` and
        ``time_left``. Without a state the job is ready, or delayed where a delay is given.
    max_body : int
        Bytes that the body may have.

    Raises
    ------
    LineError
        It describes no job, and why.
    """
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError(f"it is not JSON: {error}") from None
    if not isinstance(facts, dict):
        raise LineError("it is JSON, but not an object")
    if "tube" not in facts:
        raise LineError("it has no tube")
    facts = _with_defaults(facts)
    try:
        tube = check_tube(facts["tube"])
        delay = check_number("delay", facts.get("delay", 0), U32_MAX)
        priority, ttr, time_left = (check_number(name, facts[name], U32_MAX) for name in _NUMBERS)
        state = facts["state"]
        # A job that was reserved is put as ready: its worker is not in the file.
        if state not in STATES:
            raise ArgumentError("state", state, f"one of {', '.join(STATES)}")
        body = check_body(_body(facts), max_body)
    except ArgumentError as error:
        raise LineError(str(error)) from None
    return FoundJob(JobStats(0, tube, state, priority, 0, delay, ttr, time_left, *(0,) * 6), body)


def _with_defaults(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a line with what it leaves out, as `put` has it."""
    # With its state a line is of a job that was: there a delay is what was set last, not what is left of it.
    waits = facts.get("delay", 0) if facts.get("state", "delayed") == "delayed" else 0
    time_left = facts.get("time_left", waits)
    state = "delayed" if time_left else "ready"
    return {"state": state, "priority": DEFAULT_PRIORITY, "ttr": DEFAULT_TTR, **facts, "time_left": time_left}


def _body(facts: dict[str, Any]) -> bytes:
    if ("body" in facts) == ("body_base64" in facts):
        raise LineError("it needs either body or body_base64")
    name = "body" if "body" in facts else "body_base64"
    text = facts[name]
    if not isinstance(text, str):
        raise ArgumentError(name, text, "text")
    try:
        return text.encode("utf-8") if name == "body" else base64.b64decode(text, validate=True)
    except UnicodeEncodeError:
        raise LineError("body: it has half of a surrogate pair, which no text has") from None
    except (binascii.Error, ValueError) as error:
        raise LineError(f"body_base64: {error}") from None
