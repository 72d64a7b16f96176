"""The file of a recording: its tables, how it is opened to write and to read, and what can be wrong with it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from beanops import private
from beanops.protocol.errors import BeanopsError, UsageError

#: SQLite's mark for the kind of a file ("bops"), and the version of the tables.
_KIND, _VERSION = 0x626F7073, 1
#: Seconds to wait for another process that writes or checkpoints.
_BUSY = 10.0

_TABLES = """
CREATE TABLE servers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL UNIQUE);

-- Time without a gap, on one server process. Times are milliseconds since 1970, by a clock that is not set within an
-- era: what the clock shows twice belongs to the newer one.
CREATE TABLE stretches (
    id INTEGER PRIMARY KEY, server INTEGER NOT NULL, era INTEGER NOT NULL,
    began INTEGER NOT NULL, ended INTEGER NOT NULL,
    texts TEXT NOT NULL,  -- the statistics of the server that are texts, as JSON
    cause TEXT NOT NULL   -- why it did not go on before
);
CREATE INDEX stretches_of ON stretches (server, ended);

-- A tube of a server; NULL is the server itself.
CREATE TABLE series (id INTEGER PRIMARY KEY, server INTEGER NOT NULL, tube TEXT);
CREATE INDEX series_of ON series (server, tube);

-- Rows of a series, compressed; of tier 0 each row is a look.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, series INTEGER NOT NULL, tier INTEGER NOT NULL, era INTEGER NOT NULL,
    began INTEGER NOT NULL, ended INTEGER NOT NULL, rows BLOB NOT NULL
);
CREATE INDEX chunks_of ON chunks (series, tier, ended);
CREATE INDEX chunks_at ON chunks (tier, ended, began, series);

-- The newest rows of several tubes or servers, before they are enough for chunks; each begins with its series.
CREATE TABLE tail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, era INTEGER NOT NULL, began INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,  -- the range of its series
    width INTEGER NOT NULL, rows BLOB NOT NULL
);

CREATE TABLE problems (
    id INTEGER PRIMARY KEY, server INTEGER NOT NULL, name TEXT NOT NULL, tube TEXT,
    began INTEGER NOT NULL, ended INTEGER  -- NULL while it lasts
);
CREATE INDEX problems_of ON problems (server, began);
-- What a problem says, whenever it has changed.
CREATE TABLE reasons (
    problem INTEGER NOT NULL, at INTEGER NOT NULL, severity TEXT NOT NULL, reason TEXT NOT NULL,
    look_at TEXT NOT NULL, job INTEGER
);
CREATE INDEX reasons_of ON reasons (problem, at);
"""


class RecordingError(BeanopsError):
    """A recording cannot be written or read."""


class NotARecording(RecordingError, UsageError):
    """There is no such recording, or the file is something else."""


@contextmanager
def explained(path: Path, what: str) -> Iterator[None]:
    """Raise the errors of SQLite as errors that say which file has what."""
    try:
        yield
    except sqlite3.Error as error:
        raise RecordingError(f"cannot {what} {path}: {_reason(error)}") from None


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    full = "database or disk is full" in text
    return "no space left on the disk" if full else "it is read-only" if "readonly" in text else text


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open a recording to append to it; make one where there is none.

    Raises
    ------
    RecordingError
        It cannot be written.
    NotARecording
        The file is something else.
    """
    try:
        private.make_folder(path.parent)
        private.database(str(path))
        if not os.access(path, os.W_OK):
            raise RecordingError(f"cannot write to {path}: it is read-only")
    except OSError as error:
        raise RecordingError(f"cannot write to {path}: {error.strerror}") from None
    with explained(path, "write to"):
        database = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        try:
            if not _version(database, path):
                database.execute("PRAGMA auto_vacuum = INCREMENTAL")
                database.executescript(
                    f"PRAGMA journal_mode = WAL; BEGIN; {_TABLES}"
                    f"PRAGMA application_id = {_KIND}; PRAGMA user_version = {_VERSION}; COMMIT"
                )
            # A power cut may take the last seconds, and never the file.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a recording to read it, also while it is written.

    Raises
    ------
    NotARecording
        There is no such file, or it is something else.
    RecordingError
        It cannot be read.
    """
    if not path.is_file():
        raise NotARecording(f"there is no recording {path}")
    with explained(path, "read"):
        uri = path.absolute().as_uri()
        # Without the right to write beside it, a file in which nobody writes can be read as it is.
        ways = ["mode=ro", "mode=ro&immutable=1"] if not os.path.exists(f"{path}-wal") else ["mode=ro"]
        for way in ways:
            database = sqlite3.connect(
                f"{uri}?{way}", uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
            try:
                if not _version(database, path):
                    raise NotARecording(f"{path} is empty: beanops record fills it")
                return database
            except sqlite3.OperationalError:
                database.close()
                if way == ways[-1]:
                    raise
            except BaseException:
                database.close()
                raise
    raise AssertionError("one of the ways returns or raises")


def _version(database: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables, 0 for an empty file; raise where it is another kind of file."""
    try:
        (kind,), (version,) = (
            database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise NotARecording(f"{path} is not a recording of beanops") from None
    if kind != _KIND and (tables or version):
        raise NotARecording(f"{path} is not a recording of beanops")
    if version > _VERSION:
        raise NotARecording(f"{path} is from a newer beanops (version {version} of its tables)")
    return int(version)


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other recorders out of a recording while a block runs.

    Raises
    ------
    RecordingError
        Another recorder has it.
    """
    try:
        private.make_folder(path.parent)
        # Not the file itself: to close it would end the locks that SQLite holds on it.
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RecordingError(f"cannot write to {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordingError(
                f"another beanops record writes to {path}; end it first, or name another file"
            ) from None
        yield
    finally:
        os.close(descriptor)
