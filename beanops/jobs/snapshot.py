"""Jobs into Parquet files, one folder a tube, in constant memory. Which jobs, the scan says.

A tube's jobs come scattered over the scan: they go into a database on disk first, and from there tube by tube.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beanops import private
from beanops.jobs.identity import digest_shown
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import BeanopsError, UsageError

if TYPE_CHECKING:
    import duckdb

#: Rows and bytes of bodies in one file, whichever is less.
_ROWS, _BYTES = 50_000, 16 * 2**20
_TYPES = {
    "id": "ubigint",
    "tube": "varchar",
    "state": "varchar",
    "priority": "bigint",
    **dict.fromkeys(("age", "delay", "ttr", "time_left"), "bigint"),
    **dict.fromkeys(("reserves", "timeouts", "releases", "buries", "kicks", "file"), "bigint"),
    "created": "timestamptz",
    "instance": "varchar",
    "digest": "varchar",
    "body": "blob",
}
_TEXTS = ("tube", "state", "instance", "digest", "body")
_DTYPES = {"id": "uint64", "created": "float64", **dict.fromkeys(_TEXTS, "object")}
_OFFSET = 2**63  # the integers of SQLite have a sign
#: Characters of a tube's name in that of its folder.
_LONGEST = 200
#: What readers take for a missing value in the name of a folder; pandas then reads nothing of the whole dataset.
_NULL = "__HIVE_DEFAULT_PARTITION__"
Batches = Iterable[Sequence[FoundJob]]


class CannotSave(BeanopsError):
    """The files could not be written; what there was of them is removed."""


def check_new(directory: Path) -> None:
    """Say whether a snapshot can go there: to a path that does not exist, or to an empty directory.

    Raises
    ------
    UsageError
        It cannot.
    """
    if directory.exists() and not (directory.is_dir() and not any(directory.iterdir())):
        raise UsageError(f"{directory} exists and is not an empty directory: name a new one")
    if not directory.absolute().parent.is_dir():
        raise UsageError(f"cannot create {directory}: {directory.absolute().parent} is not a directory")


def save(batches: Batches, directory: Path) -> int:
    """Write jobs to ``directory/folder=NAME/part-N.parquet``, a folder for each tube, and return how many they are.

    The directory appears when everything is in it. Durations are whole seconds, for which Parquet has no type that
    all readers know; ``created`` is a time in UTC, bodies are bytes. Readers guess the type of what a folder's name
    says, so that a tube ``123`` would be a number: ``tube`` is a column of the files. In the name of a folder a
    ``/`` is ``%2F``, and a very long one is cut.

    Parameters
    ----------
    batches : iterable of sequence of FoundJob
        With bodies; only one batch is held at a time.
    directory : Path
        See `check_new`.

    Raises
    ------
    UsageError
        `directory` is not new.
    CannotSave
        The disk is full, or a file cannot be made.
    """
    return save_parts(lambda workshop: (), batches, directory)


def save_parts(parts: Callable[[Path], Iterable[Path]], batches: Batches, directory: Path) -> int:
    """Do so with files that others have written, and return how many jobs these and the batches have.

    Parameters
    ----------
    parts : callable
        Is given a new folder; yields folders of `save_apart` in it.
    batches, directory
        As in `save`; the batches are asked for last.
    """
    check_new(directory)
    with _workshop(directory) as (workshop, writer):
        files = workshop / "files"
        files.mkdir()
        saved = 0
        for part in parts(workshop):
            for file in part.glob("folder=*/*.parquet"):
                (files / file.parent.name).mkdir(exist_ok=True)
                saved += _rows_in(writer, file)
                os.rename(file, files / file.parent.name / file.name)
        saved += _save(batches, writer, workshop, files)
        private.tighten_all(files)
        os.rename(files, directory)
    return saved


def save_apart(batches: Batches, workshop: Path, name: str) -> Path:
    """Write jobs to files in a folder of their own, and return it; for a task that may be executed twice.

    Parameters
    ----------
    batches : iterable of sequence of FoundJob
        As in `save`.
    workshop : Path
        The folder that `save_parts` has made; the folder is made in it.
    name : str
        Begins the names of the files after ``part-``.

    Raises
    ------
    CannotSave
        This machine does not have that folder, or the disk is full.
    """
    if not workshop.is_dir():
        raise CannotSave(f"{workshop.parent} is not a directory that this worker shares: name one on a shared disk")
    with _workshop(workshop / "part") as (own, writer):
        files = workshop / f"written-{secrets.token_hex(8)}"
        files.mkdir()
        _save(batches, writer, own, files, name)
    return files


def _save(batches: Batches, writer: duckdb.DuckDBPyConnection, workshop: Path, files: Path, name: str = "") -> int:
    with closing(_spool(workshop)) as spool:
        saved = sum(_add(spool, batch) for batch in batches)
        spool.execute("create index by_tube on jobs (tube, id)")
        for (tube,) in spool.execute("select distinct tube from jobs"):
            rows = spool.execute("select * from jobs where tube = ? order by id", (tube,))
            folder = files / f"folder={_file_name(tube)}"
            folder.mkdir(exist_ok=True)
            _write(writer, rows, folder, name)
    return saved


def _rows_in(writer: duckdb.DuckDBPyConnection, file: Path) -> int:
    (rows,) = writer.execute(f"select count(*) from read_parquet({_quoted(file)})").fetchall()[0]
    return int(rows)


def save_file(batches: Batches, path: Path, *, bodies: bool = True) -> None:
    """Write jobs to one Parquet file in the order in which they come, with the columns of `save`.

    Without bodies the columns ``digest`` and ``body`` are left out.

    Raises
    ------
    CannotSave
        As in `save`.
    """
    with _workshop(path) as (workshop, writer):
        parts = _write(writer, (row for batch in batches for row in _rows(batch)), workshop)
        nothing = ", ".join(f"null::{kind} as {name}" for name, kind in _TYPES.items())
        source = f"read_parquet([{', '.join(map(_quoted, parts))}])" if parts else f"(select {nothing}) where false"
        # As many rows as the full part with the fewest: no group of them has more bytes than two parts.
        rows = min([*parts.values()][:-1], default=_ROWS)
        columns = "*" if bodies else "* exclude (digest, body)"
        file = f"{_quoted(path)} (format parquet, row_group_size {rows})"
        writer.execute(f"copy (select {columns} from {source}) to {file}")


@contextmanager
def _workshop(target: Path) -> Iterator[tuple[Path, duckdb.DuckDBPyConnection]]:
    """Give a folder beside the target that is gone in the end, and what writes files; faults become one line."""
    import duckdb

    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.absolute().parent))
        try:
            # Files that are read once need not be kept in memory.
            with duckdb.connect(config={"threads": "1", "enable_external_file_cache": "false"}) as writer:
                yield folder, writer
        finally:
            shutil.rmtree(folder)
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        raise CannotSave(f"cannot write {target}: {' '.join(str(error).split())}") from None


def _file_name(tube: str) -> str:
    """Return a name for a tube that any file system and all readers take; no two tubes have the same."""
    if tube == _NULL:
        return f"{tube}~"
    name = tube.replace("/", "%2F")
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}~{sha256(tube.encode()).hexdigest()[:16]}"


def _spool(workshop: Path) -> sqlite3.Connection:
    spool = sqlite3.connect(workshop / "spool.db", isolation_level=None)
    spool.execute("pragma journal_mode = off")
    spool.execute("pragma synchronous = off")
    spool.execute(f"create table jobs ({', '.join(_TYPES)})")
    return spool


def _add(spool: sqlite3.Connection, jobs: Sequence[FoundJob]) -> int:
    spool.execute("begin")
    spool.executemany(f"insert into jobs values ({', '.join('?' * len(_TYPES))})", _rows(jobs))
    spool.execute("commit")
    return len(jobs)


def _rows(jobs: Sequence[FoundJob]) -> Iterator[tuple[Any, ...]]:
    for job in jobs:
        id, tube, state, priority, age, delay, ttr, time_left, file, *counts, _ = job.stats
        memory = job.created, job.instance or None, digest_shown(job)
        yield (id - _OFFSET, tube, state, priority, age, delay, ttr, time_left, *counts, file, *memory, job.body)


def _write(
    writer: duckdb.DuckDBPyConnection, rows: Iterable[tuple[Any, ...]], folder: Path, begins: str = ""
) -> dict[Path, int]:
    """Write rows into files of a folder, and return these with the number of rows in each."""
    import numpy as np

    files = {}
    for number, part in enumerate(_parts(rows)):
        columns = {}
        for name, values in zip(_TYPES, zip(*part, strict=True), strict=True):
            columns[name] = np.empty(len(part), dtype=_DTYPES.get(name, "int64"))
            columns[name][:] = [id + _OFFSET for id in values] if name == "id" else values
        writer.register("part", columns)
        chosen = (
            f"{f'to_timestamp({name})' if name == 'created' else name}::{kind} as {name}"
            for name, kind in _TYPES.items()
        )
        file = folder / f"part-{begins}{number}.parquet"
        writer.execute(f"copy (select {', '.join(chosen)} from part) to {_quoted(file)} (format parquet)")
        files[file] = len(part)
    return files


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _parts(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    part: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(row[-1] or b"")
        if len(part) == _ROWS or size >= _BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
