"""Import: put the jobs of a file that `export` wrote, with tube, priority, ttr, remaining delay and burial.

`jsonl` reads a line. The journal has which lines were imported before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any, BinaryIO, Literal

from beanops.jobs.found import look_at
from beanops.jobs.identity import doubts
from beanops.jobs.read import FoundJob
from beanops.journal.records import Refused, RunRow
from beanops.journal.rivals import Rivals
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import check_choice
from beanops.session.editing.schema import Schema, SchemaLike, SchemaMismatch
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import BATCH, elsewhere, in_batches
from beanops.session.execution.verbs import IMPORT, Order
from beanops.session.files.jsonl import File, LineError, check_file, longest_line, read_line
from beanops.session.options import Options, how_of
from beanops.session.past_runs.remembered import Successors, family, left_behind
from beanops.session.past_runs.undo import undone_jobs
from beanops.session.tube_verbs import guard_of

#: Which lines to put although they may have been imported before.
Repeat = Literal["unknown", "all"]
_TO_DO, _DONE, _UNKNOWN, _GONE = range(4)


def import_(
    executor: Executor,
    file: File,
    repeat: Repeat | None,
    options: Options,
    resumes: RunRow | None = None,
    schema: SchemaLike | None = None,
) -> Run:
    """Put the jobs of a file; see `Session.import_`."""
    executor.context.check_open()
    check_file(file, "seek")
    if repeat is not None:
        check_choice("repeat", repeat, ["unknown", "all"])
    how = how_of(options)
    fits = None if schema is None else Schema.of(schema)
    executor.context.check_allowed("import")  # also a dry run reads the file
    if executor.context.read_only and not how.dry:
        raise Refused(f"import was refused: this session on {executor.context.address} is read-only")
    with ExitStack() as opened:
        name = os.path.abspath(file) if isinstance(file, str | os.PathLike) else "-"
        if isinstance(file, str | os.PathLike):
            try:
                file = opened.enter_context(open(file, "rb"))
            except OSError as error:
                raise UsageError(f"{name} cannot be read: {error.strerror or error}") from None
        maximum = executor.lookups.server().max_job_size
        file.seek(0)
        digest, last = _checked(file, maximum, fits)
        if resumes is not None and resumes.request["digest"] != digest:
            raise UsageError(f"{name} is not what run {resumes.id} imported: it was changed since")
        before = _Before(executor, digest, last, resumes)
        request: dict[str, Any] = {"file": name, "digest": digest}
        request |= {"resumes": resumes.id} if resumes else {}
        request |= {"rate": how.rate} if how.rate is not None else {}
        request |= {"buried_as": how.buried_as} if how.buried_as is not None else {}
        request |= {"schema": fits.plain} if fits is not None else {}
        run = executor.begin("import", request, how)
        file.seek(0)
        orders = _orders(file, maximum, before.left_out(repeat))
        executor.act_on_jobs(
            run, in_batches(orders, how.rate), how, guard_of(executor), unless=lambda: before.disturbed(run)
        )
        before.tell(run, repeat)
        return run


def resume_import(executor: Executor, row: RunRow, options: Options) -> Run:
    """Resume an import if its file has not changed."""
    if options.get("rate") is None and "rate" in row.request:
        options["rate"] = row.request["rate"]
    if options.get("buried_as") is None and "buried_as" in row.request:
        options["buried_as"] = row.request["buried_as"]
    return import_(executor, row.request["file"], None, options, row, row.request.get("schema"))


def _lines(file: BinaryIO, max_body: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, from 1; a line that is too long ends it."""
    longest = longest_line(max_body)
    for number in count(1):
        line = file.readline(longest + 1)
        if len(line) > longest:
            raise LineError(f"line {number}: it is longer than a job of at most {max_body:,} bytes can be")
        if not line:
            return
        yield number, line


def _job(number: int, line: bytes, max_body: int) -> FoundJob:
    try:
        return read_line(line, max_body)
    except LineError as error:
        raise LineError(f"line {number}: {error}") from None


def _checked(file: BinaryIO, max_body: int, schema: Schema | None) -> tuple[str, int]:
    """Check a whole file, and return its digest and the number of its last line."""
    digest = hashlib.sha256()
    number = 0
    try:
        for number, line in _lines(file, max_body):
            digest.update(line)
            if line.strip():
                job = _job(number, line, max_body)
                if schema is not None:
                    schema.check(job.body or b"", f"line {number}")
    except SchemaMismatch as error:
        raise SchemaMismatch(f"{error}; nothing was imported") from None
    except LineError as error:
        raise LineError(f"{error}; nothing was imported") from None
    return digest.hexdigest(), number


class _Before:
    """The outcomes of earlier imports of a file from the journal, one byte per line.

    A new import puts lines again whose import was undone. One that resumes a run does not put those of that run again:
    they are done, and it has the rest to do.
    """

    def __init__(self, executor: Executor, digest: str, last: int, resumes: RunRow | None = None) -> None:
        self._fates = bytearray(last + 1)
        self._runs: dict[int, str] = {}
        self._executor = executor
        self._journal = executor.context.journal()
        self._of = str(executor.context.address), executor.lookups.server().id, digest
        self._rivals = Rivals(self._journal, self._imports)
        self._resumed = {row.id for row in family(self._journal, resumes)} if resumes else set()
        for row in self._imports():
            self._read(row)

    def _imports(self) -> list[RunRow]:
        return self._journal.imports(*self._of)

    def _read(self, row: RunRow) -> None:
        undone = set() if row.id in self._resumed else self._undone(row)
        here = None if row.instance == self._of[1] else self._still_here(row)
        for line, outcome in self._journal.imported(row.id):
            if line in undone:
                continue
            if outcome == "done" and (here is None or line in here):
                self._fates[line] = _DONE
            elif outcome == "done" and self._fates[line] != _DONE:
                self._fates[line] = _GONE
                self._runs[line] = row.id
            elif outcome == "unknown" and self._fates[line] == _TO_DO:
                self._fates[line] = _UNKNOWN
                self._runs[line] = row.id

    def _still_here(self, row: RunRow) -> set[int]:
        """Return the lines whose jobs were put before a restart and still exist."""
        found: set[int] = set()
        for start in range(0, self._journal.size(row.id), BATCH):
            page = self._journal.entries(row.id, start=start, stop=start + BATCH)
            entries = [entry for entry in page if entry.fate.new_id is not None]
            refs, client = [left_behind(row, entry) for entry in entries], self._executor.context.looking()
            jobs, reasons = look_at(client, [ref.id for ref in refs], bodies=False), doubts(client, refs)
            for entry, ref, job, reason in zip(entries, refs, jobs, reasons, strict=True):
                if job is not None and not (reason or elsewhere(ref, job)):
                    found.add(int(entry.intent.target or 0))
        return found

    def _undone(self, row: RunRow) -> set[int]:
        """Return the lines of an import whose jobs an undo deleted."""
        if not self._journal.undoing(row.id):
            return set()
        gone = undone_jobs(self._journal, row.id, Successors(self._journal, row)).keys()
        places = range(0, self._journal.size(row.id), BATCH)
        pages = (self._journal.entries(row.id, start=n, stop=n + BATCH) for n in places)
        return {int(entry.intent.target or 0) for page in pages for entry in page if entry.fate.new_id in gone}

    def disturbed(self, own: Run) -> str | None:
        """Return why the import must stop: another import of the same lines is under way."""
        other = self._rivals.active(own.id)
        return other and f"run {other} is importing the same lines: import again when it has ended"

    def left_out(self, repeat: Repeat | None) -> bytearray:
        """Return the lines that are not put as anything but 0."""
        if repeat == "all":
            return bytearray(len(self._fates))
        return self._fates.replace(bytes([_UNKNOWN]), bytes([_TO_DO])) if repeat == "unknown" else self._fates

    def tell(self, run: Run, repeat: Repeat | None) -> None:
        """Count what was left out, and why."""
        left_out = self.left_out(repeat)
        earlier = left_out.count(_DONE)
        if earlier:
            run.count("imported before", jobs=earlier)
        for line, fate in enumerate(left_out):
            about = f"line {line}"
            if fate == _UNKNOWN:
                cut_off = f"run {self._runs[line]} was cut off here"
                error = f"{cut_off}, and may have put it: look, then import with repeat unknown"
                run.count("unknown", error, about=about)
            elif fate == _GONE:
                before = f"run {self._runs[line]} put it into another process of the server, where it is not now"
                run.count("skipped", f"{before}: look, then import with repeat all (--repeat all)", about=about)


def _orders(file: BinaryIO, max_body: int, left_out: bytearray) -> Iterator[Order]:
    for number, line in _lines(file, max_body):
        if number >= len(left_out):
            return  # it grew since it was checked
        if not left_out[number] and line.strip():
            yield Order(IMPORT, 0, _job(number, line, max_body), line=number)
