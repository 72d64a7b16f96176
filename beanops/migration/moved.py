"""The check of a migration: each job that it moved is looked at on both servers and compared with the journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from beanops.jobs.found import look_at
from beanops.jobs.identity import digest_of
from beanops.jobs.read import FoundJob
from beanops.journal.records import Entry, RunRow
from beanops.session.execution.executor import Executor
from beanops.session.execution.targets import BATCH, elsewhere
from beanops.session.past_runs.remembered import acted_on
from beanops.session.transfer.passes import at_rest, selected
from beanops.session.transfer.steps import is_mark
from beanops.text import plural

#: An action, what became of its job as a field of `MovedTube`, and why that is not as it should be.
Judged = tuple[Entry, str, str | None]
#: Examples of jobs that differ.
_MOST = 10


class MovedTube(NamedTuple):
    """A tube of a migration after it.

    Attributes
    ----------
    tube : str
        Its name.
    moved : int
        Jobs that were moved.
    same : int
        Those that are on the destination with the same body, priority and TTR.
    taken : int
        Those that workers of the destination have taken since.
    different : int
        Those whose body, priority or TTR is another one, or that workers cannot get yet though they should.
    twice : int
        Those that are still on the source too.
    unknown : int
        Jobs of which neither server shows what became of them, after an interruption; the journal says more.
    left : int
        Jobs that are left on the source, without reserved ones.
    reserved : int
        Jobs that are reserved on the source.
    """

    tube: str
    moved: int = 0
    same: int = 0
    taken: int = 0
    different: int = 0
    twice: int = 0
    unknown: int = 0
    left: int = 0
    reserved: int = 0

    @property
    def complete(self) -> bool:
        """Whether all jobs are on the destination alone, as they were."""
        return not (self.different or self.twice or self.unknown or self.left or self.reserved)


class Check(NamedTuple):
    """What a migration moved, as both servers have it.

    Attributes
    ----------
    rows : list of MovedTube
        The tubes.
    examples : list of str
        The first jobs that are not as they were, and why.
    """

    rows: list[MovedTube]
    examples: list[str]

    @property
    def complete(self) -> bool:
        """Whether all jobs of these tubes are on the destination alone, as they were."""
        return all(row.complete for row in self.rows)

    @property
    def summary(self) -> str:
        """One line with the counts."""
        moved, same, taken = (sum(getattr(row, name) for row in self.rows) for name in ("moved", "same", "taken"))
        others = ("different", "twice", "unknown", "left", "reserved")
        more = [f"{n:,} {name}" for name in others if (n := sum(getattr(row, name) for row in self.rows))]
        of = f"{plural(moved, 'job')} moved: {same:,} there with the same body and settings, {taken:,} taken since"
        return "; ".join([of, *([", ".join(more)] if more else []), *self.examples[:1]])


def check(here: Executor, there: Executor, runs: Iterable[RunRow], tubes: Sequence[str]) -> Check:
    """Compare the jobs that runs have moved with what the journal has of them.

    Parameters
    ----------
    here, there : Executor
        The source and the destination.
    runs : iterable of RunRow
        The migration, and the runs that resumed it.
    tubes : sequence of str
        Names and globs; what is left of these on the source is counted too.
    """
    counts: dict[str, dict[str, int]] = {}
    examples: list[str] = []
    journal = here.context.journal()
    for row in runs:
        for start in range(0, journal.size(row.id), BATCH):
            page = journal.entries(row.id, start=start, stop=start + BATCH)
            for entry, verdict, why in (*_compared(here, there, row, page), *_not_done(page)):
                of = counts.setdefault(entry.intent.tube or "", {})
                of["moved"] = of.get("moved", 0) + (verdict != "unknown")
                of[verdict] = of.get(verdict, 0) + 1
                if why and len(examples) < _MOST:
                    examples.append(f"job {entry.intent.job_id}, {entry.fate.new_id} there: {why}")
    for stats in selected(here, tubes):
        left = at_rest(stats)
        if left or stats.current_jobs_reserved:
            counts.setdefault(stats.name, {}).update(left=left, reserved=stats.current_jobs_reserved)
    return Check([MovedTube(tube, **of) for tube, of in sorted(counts.items())], examples)


def _not_done(page: Iterable[Entry]) -> Iterator[Judged]:
    """Yield actions that left a job, but not as they should."""
    for entry in page:
        if entry.fate.outcome == "unknown":
            yield entry, "unknown", entry.fate.error
        elif entry.fate.outcome == "failed" and entry.fate.new_id is not None:
            yield entry, "different", entry.fate.error


def _compared(here: Executor, there: Executor, row: RunRow, page: Iterable[Entry]) -> Iterator[Judged]:
    """Yield each action that was done with what became of its job."""
    entries = [entry for entry in page if entry.fate.outcome == "done" and entry.fate.new_id is not None]
    old = [acted_on(row, entry) for entry in entries]
    looking = here.lookups.looking()
    reasons = here.lookups.reused(old, looking)
    before = look_at(looking, [ref.id for ref in old], bodies=False)
    new = look_at(there.lookups.looking(), [entry.fate.new_id or 0 for entry in entries], bodies=True)
    for entry, ref, reason, still, copy in zip(entries, old, reasons, before, new, strict=True):
        if still is not None and not (reason or elsewhere(ref, still)):
            yield entry, "twice", f"it is still {still.stats.state} on the source"
        elif copy is None:
            yield entry, "taken", None
        elif why := _difference(entry, copy):
            yield entry, "different", why
        else:
            yield entry, "taken" if copy.stats.state == "reserved" else "same", None


def _difference(entry: Entry, copy: FoundJob) -> str | None:
    """Return how a job differs from the one that was moved; None where it does not."""
    intent, stats = entry.intent, copy.stats
    if stats.tube != intent.put_into:
        return f"it is in tube {stats.tube}"
    if intent.digest is not None and copy.body is not None and digest_of(copy.body) != intent.digest:
        return "its body is another one"
    if (stats.priority, stats.ttr) != (intent.priority, intent.ttr) and not stats.releases:
        return f"its priority is {stats.priority} and its TTR {stats.ttr} s"
    if stats.state == "delayed" and is_mark(stats.delay):
        return "it is still held, and no worker gets it"
    return None
