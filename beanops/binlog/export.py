"""Export of a log: its jobs as the JSON lines that `import` puts."""

from __future__ import annotations

from typing import NamedTuple

from beanops.binlog.logged_job import AT_START
from beanops.binlog.search import LogSearch
from beanops.jobs.sql.where import undecoded_words
from beanops.session.files.export import FileError, created_file
from beanops.session.files.jsonl import File, check_file, write_line
from beanops.text import inflected, plural


class LogExport(NamedTuple):
    """What an export of a log wrote.

    Attributes
    ----------
    jobs : int
        Jobs written.
    broken : list of int
        Jobs left out because their body is not whole, or their damaged record has a tube or times that no server
        takes; the first thousand.
    undecoded : int
        Jobs left out because the predicate reads their data, which could not be decoded.
    """

    jobs: int
    broken: list[int]
    undecoded: int

    @property
    def complete(self) -> bool:
        """Whether all jobs of the selection were written."""
        return not (self.broken or self.undecoded)

    @property
    def verdict(self) -> str:
        """The result in one line."""
        notes = [f"{plural(self.jobs, 'job')} written"]
        if self.broken:
            some = ", ".join(map(str, self.broken[:5])) + (", ..." if len(self.broken) > 5 else "")
            why = "the body is not whole, or no server takes the record"
            notes.append(f"{inflected(len(self.broken), 'job')} {some} left out: {why}")
        if self.undecoded:
            notes.append(undecoded_words(self.undecoded))
        return "; ".join(notes)


#: What a start makes of jobs that are exported: deleted ones are not.
EXPORTED = tuple(name for name in AT_START if name != "again")
_MOST_BROKEN = 1000


def export(search: LogSearch, file: File, source: str, now: int, *, damaged: bool, force: bool) -> LogExport:
    """Write the jobs of a search to a file; see `Binlog.export`.

    Parameters
    ----------
    search : LogSearch
        The jobs.
    file : path or binary file
        Where to.
    source : str
        Names the log in each line.
    now : int
        The time, in nanoseconds since 1970.
    damaged, force : bool
        As for `Binlog.export`.
    """
    check_file(file, "write")
    written = 0
    broken: list[int] = []
    with created_file(file, force) as out:
        for batch in search.batches(bodies=True):
            lines = []
            for job in batch:
                if (job.whole or damaged) and job.can_be_put():
                    lines.append(write_line(job.found(now), source, ""))
                elif len(broken) < _MOST_BROKEN:
                    broken.append(job.id)
            try:
                left = memoryview(b"".join(lines))
                while left:
                    left = left[out.write(left) :]
                out.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                text = f"the file could not be written: {error.strerror or error}; {plural(written, 'job')} in the file"
                raise FileError(text) from None
            written += len(lines)
    return LogExport(written, broken, search.undecoded)
