"""Export: write jobs to a file of JSON lines. `jsonl` writes a line, `import_` puts the jobs again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from beanops import private
from beanops.journal.records import Fate
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.protocol.states import STATES
from beanops.session.execution.conversation import Steps
from beanops.session.execution.ending import ending_gently
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import NotAllFound, orders_of, request_of
from beanops.session.execution.verbs import KEEP, VERBS, Order
from beanops.session.files.jsonl import File, check_file, write_line
from beanops.session.job_verbs import grouped, selected
from beanops.session.options import How, Options, how_of
from beanops.session.tube_verbs import guard_of
from beanops.text import plural


class FileError(BeanopsError):
    """A file could not be written."""


def _nothing(order: Order, held: set[int]) -> Steps:
    yield from ()
    return Fate("done")


_DELETE = VERBS["delete"]
#: Exports a job without a change.
_EXPORT = _DELETE._replace(name="export", done="exported", states=frozenset(STATES), commands=0, steps=_nothing)


def export(executor: Executor, file: File, jobs: Any, delete: bool, force: bool, options: Options) -> Run:
    """Write jobs to a file; see `Session.export`."""
    check_file(file, "write")
    if isinstance(file, str | os.PathLike):
        executor.context.check_allowed("export")
    if delete and not isinstance(file, str | os.PathLike):
        raise UsageError("export deletes only jobs that are safely on disk: pass a path")
    how = how_of(options)
    executor.context.check_open()
    jobs, options = selected(jobs, options)
    if isinstance(jobs, str):
        executor.lookups.check_tube(jobs, or_jobs=True)
    jobs = "*" if jobs is None else list(jobs) if isinstance(jobs, Iterator) else jobs
    verb = _DELETE if delete else _EXPORT
    options = grouped(executor.lookups, _DELETE, jobs, options)
    usual = Options(state=sorted(_DELETE.states))
    asked: Options = usual | options
    batches, cancel = orders_of(executor.lookups, verb, jobs, KEEP, asked, keep_bodies=True)
    if how.dry or not delete:
        run = Run("", "export", list, dry=how.dry)
        if how.progress is not None:
            how.progress(run)
    else:
        request = request_of(jobs, KEEP, options, None)
        run = executor.begin("export", request | {"file": os.path.abspath(file)}, how)  # type: ignore[arg-type]
    run.when_cancelled(cancel)
    if how.dry:
        return executor.act_on_jobs(run, batches, how, guard_of(executor))
    with created_file(file, force) as out:
        where = str(executor.context.address), executor.lookups.server().id
        lines = _Lines(out, *where, durable=delete, own=out is not file)
        written = lines.written(batches)
        if delete:
            executor.act_on_jobs(run, written, how, guard_of(executor))
        else:
            with ending_gently(run):
                try:
                    _count(run, written, how)
                except BeanopsError as error:
                    if not (lines.jobs or run.cancelled or isinstance(error, NotAllFound)):
                        raise
                    run.stop(error)
    if lines.problem is not None and not lines.jobs:
        raise FileError(f"{lines.problem}; nothing was exported")
    if lines.problem is not None:
        run.stopped = f"{lines.problem}; {plural(lines.jobs, 'job')} in the file"
    return run


def _count(run: Run, written: Iterator[Sequence[Order]], how: How) -> None:
    """Count the jobs written; the journal does not record an export that changes nothing."""
    while (part := None if run.cancelled else next(written, None)) is not None:
        for order in part:
            left_out = _left_out(order)
            run.count("skipped" if left_out else "done", left_out, about=f"job {order.id}")
        if how.progress is not None:
            how.progress(run)
    if run.cancelled:
        raise BeanopsError("cancelled")


def _left_out(order: Order) -> str | None:
    return order.refusal or (None if order.job else "it does not exist")


class _Lines:
    """Writes jobs to a file; orders that it yields are in the file, and safely on disk if `durable`.

    After an error it cuts its `own` file to whole lines, but not a file of the caller, which may have had content.

    Attributes
    ----------
    jobs : int
        Number of jobs written.
    problem : str or None
        Why it stopped writing.
    """

    def __init__(self, out: BinaryIO, server: str, instance: str, *, durable: bool, own: bool) -> None:
        self.jobs = 0
        self.problem: str | None = None
        self._out = out
        self._from = server, instance
        self._durable = durable
        self._own = own
        self._size = 0

    def written(self, parts: Iterable[Sequence[Order]]) -> Iterator[Sequence[Order]]:
        """Yield the orders of each part after their jobs are written; stop if they cannot be."""
        for part in parts:
            jobs = [order.job for order in part if order.job and not _left_out(order)]
            try:
                self._write(b"".join(write_line(job, *self._from) for job in jobs))
            except BrokenPipeError:
                raise
            except OSError as error:
                self.problem = f"the file could not be written: {error.strerror or error}"
                self._cut()
                return
            self.jobs += len(jobs)
            yield part

    def _write(self, lines: bytes) -> None:
        left = memoryview(lines)
        while left:
            left = left[self._out.write(left) :]
        self._out.flush()
        if self._durable:
            os.fsync(self._out.fileno())
        self._size += len(lines)

    def _cut(self) -> None:
        """Remove the incomplete last line."""
        if self._own:
            with suppress(OSError):  # not possible on a device
                os.ftruncate(self._out.fileno(), self._size)


@contextmanager
def created_file(file: File, force: bool) -> Iterator[BinaryIO]:
    """Open a new file and sync its name to disk; remove it if it is empty after an error."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    path = Path(file)
    try:
        out = private.create(path, force=force, buffering=0)
    except FileExistsError:
        how = "--force, or force=True, overwrites it"
        raise UsageError(f"{path} exists already, and nothing was exported ({how})") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    with out:
        try:
            if path.is_file():
                _sync_name(path)
            yield out
        except BaseException:
            if path.is_file() and not path.stat().st_size:
                path.unlink()
            raise


def _sync_name(path: Path) -> None:
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
