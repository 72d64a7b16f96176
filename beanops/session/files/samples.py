"""Samples: jobs that an operator saves by name to put them often; each is a file of one line of JSON.

They are in the user's data directory (``BEANOPS_SAMPLES`` names another).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from beanops import private
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, MAX_BODY, U32_MAX, check_tube
from beanops.session.files.jsonl import LineError, read_line, write_line
from beanops.text import did_you_mean

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SUFFIX = ".json"


def _folder() -> Path:
    if named := os.environ.get("BEANOPS_SAMPLES"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("beanops") / "samples"


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise ArgumentError("name", name, "1 to 100 of the characters A-Za-z0-9_.-, starting with a letter or digit")
    return _folder() / f"{name}{_SUFFIX}"


def sample_of(tube: str, body: bytes) -> FoundJob:
    """Return a new job with the default priority and ttr."""
    return FoundJob(JobStats(0, check_tube(tube), "ready", DEFAULT_PRIORITY, 0, 0, DEFAULT_TTR, 0, *(0,) * 6), body)


class PutSettings(NamedTuple):
    """Priority, delay in seconds and ttr in seconds to put a job with."""

    priority: int = DEFAULT_PRIORITY
    delay: int = 0
    ttr: int = DEFAULT_TTR


def settings_of(stats: JobStats) -> PutSettings:
    """Return the settings to put a copy of a job with, as the job was put."""
    delay = stats.delay or (max(0, stats.time_left) if stats.state == "delayed" else 0)
    # beanops puts jobs to bury with the longest delay, so a user did not choose it.
    never_chosen = stats.state == "buried" and delay == U32_MAX
    return PutSettings(stats.priority, 0 if never_chosen else delay, stats.ttr)


def save(name: str, job: FoundJob, *, server: str = "", instance: str = "", force: bool = False) -> Path:
    """Save a job under a name; return the path of its file.

    Raises
    ------
    UsageError
        A sample of that name exists and `force` is False, the name is not valid, or the body is redacted.
    """
    if job.original:
        raise UsageError(f"job {job.id} cannot be saved: its body is redacted; export writes full bodies")
    path = _path(name)
    private.make_folder(path.parent)
    try:
        with private.create(path, force=force) as file:
            file.write(write_line(job, server, instance))
    except FileExistsError:
        raise UsageError(f"there is a sample {name} already (--force, or force=True, overwrites it)") from None
    return path


def load(name: str) -> FoundJob:
    """Return a saved job by name.

    Raises
    ------
    UsageError
        No sample has the name, or its file is not a job.
    """
    path = _path(name)
    private.tighten(path)
    try:
        return read_line(path.read_bytes(), MAX_BODY)
    except FileNotFoundError:
        raise UsageError(_unknown(name)) from None
    except LineError as error:
        raise LineError(f"{path}: {error}") from None


def _unknown(name: str) -> str:
    known = names()
    kept = f"known are {', '.join(known)}" if known else "no samples are saved"
    return f"no sample {name!r}; {kept}{did_you_mean(name, known)}"


def names() -> list[str]:
    """Return the names of all samples, sorted."""
    return sorted(path.stem for path in _folder().glob(f"*{_SUFFIX}") if _NAME.fullmatch(path.stem))
