"""Diagnoses of what beanops has on the disk: configuration, journal and recording. Nothing is created or changed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from beanops.journal.records import JournalError
from beanops.journal.storage.url import DatabaseUrl, without_passwords
from beanops.protocol.errors import BeanopsError
from beanops.session.config import (
    ConfigError,
    config_path,
    default_journal,
    default_recording,
    key_bindings,
    profiles,
)
from beanops.session.doctor.diagnosis import Diagnosis
from beanops.text import plural

#: What a file of the configuration has that nobody else may read.
_SECRET = re.compile(
    rb"^[\s{\"]*[\w-]*(?:pass|pwd|secret|token|routing_key|api_key)[\w-]*\"?\s*=|://[^\s/:@\"]*:[^\s/@\"]+@|//hooks\.",
    re.IGNORECASE | re.MULTILINE,
)
#: Bytes of a file that are searched for it.
_MOST = 1 << 20
#: How far ahead of this clock the newest run may be.
_SLACK = timedelta(seconds=5)


def configuration() -> Iterator[Diagnosis]:
    """Yield whether the configuration can be read, and whether others can read its secrets."""
    path = config_path()
    try:
        known = profiles()
        key_bindings()
    except ConfigError as error:
        yield Diagnosis("configuration", "problem", str(error), "mend the file, or name another in BEANOPS_CONFIG")
    else:
        if path.is_file():
            yield Diagnosis("configuration", "ok", f"{path}: {plural(len(known), 'server')}")
        else:
            yield Diagnosis("configuration", "ok", f"no file {path}, so the defaults apply")
    for file in sorted(path.parent.glob("*.toml")) if path.parent.is_dir() else ():
        if _others_read(file) and _has_secret(file):
            mode = f"mode {stat.S_IMODE(file.stat().st_mode):04o}"
            text = f"{file} may have secrets, and others can read it ({mode})"
            yield Diagnosis("configuration", "warning", text, f"chmod 600 {file}")
    for name, value in _named():
        if not value.strip():
            yield Diagnosis("configuration", "warning", f"{name} is set and blank", f"unset {name}")


def _named() -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in sorted(os.environ.items()) if name.startswith("BEANOPS_"))


def _others_read(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077)


def _has_secret(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _SECRET.search(file.read(_MOST)) is not None
    except OSError:
        return False


def journal_url() -> str:
    """Return the journal of the configuration; that of the environment alone where the file cannot be read."""
    with suppress(ConfigError):
        return default_journal()
    return os.environ.get("BEANOPS_JOURNAL", "")


def journal(url: str, now: datetime) -> Iterator[Diagnosis]:
    """Yield whether the journal can be used, and what in it waits for somebody."""
    if not url:
        yield Diagnosis("journal", "warning", "not examined: the configuration does not say where it is")
        return
    size = ""
    if "://" not in url and DatabaseUrl(url).problem is None:
        path = Path(url).expanduser()
        if not path.exists():
            yield from _no_file(path)
            return
        yield from _file_rights(path)
        size = f", {path.stat().st_size / 1e6:,.1f} MB"
    from beanops.journal.storage.inspection import MOST_RUNS, inspect_journal

    try:
        state = inspect_journal(url, now)
    except JournalError as error:
        yield Diagnosis("journal", "problem", str(error), "mend it, or name another in BEANOPS_JOURNAL")
        return
    text = f"{state.where}: version {state.version}{size}"
    if state.version > state.current:
        advice = "upgrade beanops, or name another in BEANOPS_JOURNAL"
        yield Diagnosis("journal", "problem", f"{text}; this beanops knows versions up to {state.current}", advice)
        return
    if state.version < state.current:
        yield Diagnosis("journal", "ok", f"{text}; the next use migrates it to {state.current}, and keeps a copy")
        return
    yield Diagnosis("journal", "ok", f"{text}, {plural(state.runs, 'run')}")
    if state.interrupted:
        run = state.interrupted[-1]
        text = f"{plural(len(state.interrupted), 'run')} did not end, the last one {run}"
        yield Diagnosis("journal", "warning", text, f"beanops journal {run}, then beanops resume {run}")
    unknown = [run for run in state.recent if run.unknown and run.run not in state.interrupted]
    if unknown:
        among = f" among the last {MOST_RUNS:,}" if state.runs > MOST_RUNS else ""
        text = f"{plural(len(unknown), 'run')}{among} with actions of unknown outcome, the last one {unknown[0].run}"
        yield Diagnosis("journal", "warning", text, f"beanops -s {unknown[0].server} journal verify")
    if state.recent and state.recent[0].time > now + _SLACK:
        text = f"the last run began at {state.recent[0].time:%Y-%m-%d %H:%M:%S} UTC, which is in the future"
        yield Diagnosis("journal", "warning", text, "check the clocks of the machines that use it")


def _no_file(path: Path) -> Iterator[Diagnosis]:
    """Yield whether a journal can be made where there is none."""
    folder = next((folder for folder in path.parents if folder.exists()), path.parent)
    if os.access(folder, os.W_OK | os.X_OK) and folder.is_dir():
        yield Diagnosis("journal", "ok", f"no file {path} yet; the first action makes it")
    else:
        text = f"{path} cannot be made: {folder} cannot be written"
        yield Diagnosis("journal", "problem", text, "make it writable, or name another in BEANOPS_JOURNAL")


def _file_rights(path: Path) -> Iterator[Diagnosis]:
    if _others_read(path):
        mode = f"mode {stat.S_IMODE(path.stat().st_mode):04o}"
        yield Diagnosis("journal", "warning", f"others can read {path} ({mode})", f"chmod 600 {path}")
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        text = f"{path} or its folder cannot be written, so nothing can be recorded"
        yield Diagnosis("journal", "problem", text, "make both writable, or name another in BEANOPS_JOURNAL")


def recording() -> Iterator[Diagnosis]:
    """Yield what the default recording has, if there is one."""
    try:
        path = default_recording()
    except ConfigError:
        return
    if not path.is_file():
        yield Diagnosis("recording", "ok", f"none at {path}")
        return
    from beanops.recording.reader import Recording

    try:
        with Recording(path) as known:
            servers, size = known.servers(), known.size()
    except (BeanopsError, OSError) as error:
        yield Diagnosis("recording", "warning", without_passwords(str(error)), f"move {path} away")
        return
    ended = max((server.ended for server in servers), default=None)
    last = "" if ended is None else f", last look {datetime.fromtimestamp(ended, UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield Diagnosis("recording", "ok", f"{path}: {size / 1e6:,.1f} MB, {plural(len(servers), 'server')}{last}")
