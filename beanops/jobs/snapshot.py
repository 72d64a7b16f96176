"""Jobs into Parquet files, one folder a tube, in constant memory. Which jobs, the scan says.

A tube's jobs come scattered over the scan: they go into a database on disk first, and from there tube by tube.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beanops.jobs.read import FoundJob
from beanops.protocol.errors import BeanopsError, UsageError

if TYPE_CHECKING:
    import duckdb

#: Rows and bytes of bodies in one file, whichever is less.
_ROWS, _BYTES = 50_000, 16 * 2**20
_TYPES = {
    "id": "ubigint",
    "state": "varchar",
    "priority": "uinteger",
    **dict.fromkeys(("age", "delay", "ttr", "time_left"), "bigint"),
    **dict.fromkeys(("reserves", "timeouts", "releases", "buries", "kicks"), "uinteger"),
    "created": "timestamptz",
    "body": "blob",
}
_DTYPES = {"id": "uint64", "state": "object", "body": "object"}
_OFFSET = 2**63  # the integers of SQLite have a sign


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
        raise UsageError(f"{directory} is there already and not an empty directory: a snapshot needs a new one")
    if not directory.absolute().parent.is_dir():
        raise UsageError(f"{directory} cannot be made: {directory.absolute().parent} is no directory")


def save(
    batches: Iterable[Sequence[FoundJob]], directory: Path, shown: Callable[[bytes], bytes] = lambda body: body
) -> int:
    """Write jobs to ``directory/tube=NAME/part-N.parquet`` and return how many they are.

    The directory appears when everything is in it. Durations are whole seconds, for which Parquet has no type that
    all readers know; ``created`` is a time in UTC, bodies are bytes, and a ``/`` in a tube's name is ``%2F``.

    Parameters
    ----------
    batches : iterable of sequence of FoundJob
        With bodies; only one batch is held at a time.
    directory : Path
        See `check_new`.
    shown : callable
        What to write of a body.

    Raises
    ------
    UsageError
        `directory` is not new.
    CannotSave
        The disk is full, or a file cannot be made.
    """
    import duckdb

    check_new(directory)
    try:
        workshop = Path(tempfile.mkdtemp(prefix=f".{directory.name}.partial-", dir=directory.absolute().parent))
        try:
            files = workshop / "files"
            files.mkdir()
            with closing(_spool(workshop)) as spool, duckdb.connect(config={"threads": "1"}) as writer:
                saved = sum(_add(spool, batch, shown) for batch in batches)
                spool.execute("create index by_tube on jobs (tube, id)")
                for (tube,) in spool.execute("select distinct tube from jobs"):
                    _write(writer, spool, tube, files)
            os.rename(files, directory)
        finally:
            shutil.rmtree(workshop)
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        raise CannotSave(f"cannot write {directory}: {' '.join(str(error).split())}") from None
    return saved


def save_file(
    batches: Iterable[Sequence[FoundJob]], path: Path, shown: Callable[[bytes], bytes] = lambda body: body
) -> None:
    """Write jobs to one Parquet file, with the columns of `save` and ``tube``.

    Raises
    ------
    CannotSave
        As in `save`.
    """
    import duckdb

    folder = path.with_suffix(".parts")
    saved = save(batches, folder, shown)
    columns = ", ".join(["id", "tube", *list(_TYPES)[1:]])
    source, target = (str(name).replace("'", "''") for name in (folder, path))
    hive = "hive_partitioning = true, hive_types = {tube: varchar}"
    read = f"select {columns} from read_parquet('{source}/*/*.parquet', {hive})"
    if not saved:
        nothing = ", ".join(f"null::{kind} as {name}" for name, kind in {**_TYPES, "tube": "varchar"}.items())
        read = f"select {columns} from (select {nothing}) where false"
    with duckdb.connect(config={"threads": "1", "preserve_insertion_order": "false"}) as writer:
        try:
            writer.execute(f"copy ({read}) to '{target}' (format parquet, row_group_size_bytes {_BYTES})")
        except duckdb.Error as error:
            raise CannotSave(f"cannot write {path}: {' '.join(str(error).split())}") from None


def _spool(workshop: Path) -> sqlite3.Connection:
    spool = sqlite3.connect(workshop / "spool.db", isolation_level=None)
    spool.execute("pragma journal_mode = off")
    spool.execute("pragma synchronous = off")
    spool.execute(f"create table jobs (tube, {', '.join(_TYPES)})")
    return spool


def _add(spool: sqlite3.Connection, jobs: Sequence[FoundJob], shown: Callable[[bytes], bytes]) -> int:
    now = int(time.time())

    def row(job: FoundJob) -> tuple[Any, ...]:
        id, tube, state, priority, age, delay, ttr, time_left, _, *counts, _ = job.stats
        body = None if job.body is None else shown(job.body)
        return (tube, id - _OFFSET, state, priority, age, delay, ttr, time_left, *counts, now - age, body)

    spool.execute("begin")
    spool.executemany(f"insert into jobs values ({', '.join('?' * (len(_TYPES) + 1))})", map(row, jobs))
    spool.execute("commit")
    return len(jobs)


def _write(writer: duckdb.DuckDBPyConnection, spool: sqlite3.Connection, tube: str, files: Path) -> None:
    """Write the jobs of a tube, in the order of their ids."""
    import numpy as np

    folder = files / f"tube={tube.replace('/', '%2F')}"
    folder.mkdir()
    rows = spool.execute(f"select {', '.join(_TYPES)} from jobs where tube = ? order by id", (tube,))
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
        target = str(folder / f"part-{number}.parquet").replace("'", "''")
        writer.execute(f"copy (select {', '.join(chosen)} from part) to '{target}' (format parquet)")


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
