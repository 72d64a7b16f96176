"""`Lookups`: read the server, its tubes and jobs, and search for jobs. Nothing here changes a queue.

The exception is the probe of a search, which puts and deletes a job; the journal has both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from beanops.client.sync import Client
from beanops.jobs.groups import GroupChoice, groups_of, is_groups
from beanops.jobs.hiding import hide
from beanops.jobs.identity import JobRef, doubts
from beanops.jobs.read import BodyForm, FoundJob, find_jobs, read_heads, read_jobs
from beanops.jobs.refs import refs_of
from beanops.jobs.rows import Tube, tube_of
from beanops.jobs.select import TUBE_OR_GLOB, Selection, ids_of, looks_like_ids, of_groups, select
from beanops.jobs.tube_names import NoTube, is_any, no_tube
from beanops.journal.filters import Filter
from beanops.journal.records import Action, JournalError, Refused, RunCounts
from beanops.monitor.survey import Survey, Surveyor
from beanops.monitor.sweep import sweep
from beanops.protocol import ServerStats, TubeStats
from beanops.protocol.errors import NotFound
from beanops.protocol.limits import U64_MAX, check_number, is_glob
from beanops.session.context import Context
from beanops.session.old_servers.capabilities import Capabilities, probe
from beanops.session.options import check_connections
from beanops.text import plural

if TYPE_CHECKING:
    import pandas

    from beanops.jobs.search.scan import Scan
    from beanops.jobs.sql.query import Query
    from beanops.journal.journal import Page
    from beanops.session.investigation.tail import Tail


class Snapshot(NamedTuple):
    """The result of a snapshot.

    Attributes
    ----------
    jobs : int
        Number of jobs.
    complete : bool
        Whether these are all jobs that match.
    verdict : str
        The same in words, with what was not read.
    """

    jobs: int
    complete: bool
    verdict: str


class Answer(NamedTuple):
    """The result of a query.

    Attributes
    ----------
    names : list of str
        Unique names of its columns.
    rows : list of tuple
        Its rows, with DuckDB's values.
    complete : bool
        Whether all matching jobs were read, and all bodies that the query reads were decoded.
    verdict : str
        The same in words.
    """

    names: list[str]
    rows: list[tuple[Any, ...]]
    complete: bool
    verdict: str


class Lookups:
    """Lookups on one server for a session and its faces; `Session` has the public methods.

    Parameters
    ----------
    context : Context
        The connections, and known facts on the server.
    probe_id : callable or None
        Returns the newest id of the server, by putting a job for a moment.
    unknown : callable or None
        Called with a message when a search names a tube of which nothing is known.
    """

    def __init__(
        self,
        context: Context,
        probe_id: Callable[[], int] | None = None,
        unknown: Callable[[str], None] | None = None,
    ) -> None:
        self._context = context
        self._unknown = unknown
        self._probe_id = probe_id
        self.looking: Callable[[], Client] = context.looking

    # -- the server and its tubes --------------------------------------------------------------------------------

    def server(self) -> ServerStats:
        """Return the server's statistics."""
        return self.looking().stats()

    @property
    def capabilities(self) -> Capabilities:
        """What the server supports."""
        return self.capabilities_of(self.server())

    def capabilities_of(self, server: ServerStats) -> Capabilities:
        """Return what a server supports, from its statistics; each process is asked once."""
        capable = self._context.capable
        known = capable.get(server.id)
        if known is None:
            known = capable[server.id] = probe(self.looking(), server)
        return known

    def known_capabilities(self, instance: str) -> Capabilities | None:
        """Return what a server process supports, None if it was not asked yet; nothing is sent."""
        return self._context.capable.get(instance)

    def survey(self, surveyor: Surveyor, wanted: Collection[str] = ()) -> Survey:
        """Return a survey of the server by a surveyor that caches tubes; it reads `wanted` tubes every time."""
        light = surveyor.is_first_quick
        survey = surveyor.look(self.looking(), wanted)
        if not light:
            self.capabilities_of(survey.server)  # so that screens have them without a request
        return survey

    def tube_stats(self) -> list[TubeStats]:
        """Return the statistics of all tubes as records, without pandas."""
        return sweep(self.looking())

    def tubes(self, pattern: str | None) -> list[TubeStats]:
        """Return the statistics of the tubes that match a name or a glob, of all for None; see `Session.tubes`."""
        tubes = self.tube_stats()
        if pattern is None:
            return tubes
        wanted = select(tube_of(pattern, "pattern", TUBE_OR_GLOB))
        self.look_for(wanted, (tube.name for tube in tubes))
        return [tube for tube in tubes if wanted.in_tube(tube.name)]

    def tube(self, tube: Tube) -> TubeStats:
        """Return the statistics of one tube; `NotFound` suggests similar names."""
        name = tube_of(tube)
        try:
            return self.looking().stats_tube(name)
        except NotFound:
            raise NoTube(name, self.looking().list_tubes()) from None

    def check_tube(self, which: str, *, or_jobs: bool = False) -> None:
        """Raise `NotFound` if no tube matches a name or a glob; the error suggests similar names.

        beanstalkd removes a tube with its last job if nobody uses or watches it. With `or_jobs` the caller accepts jobs
        too, and the error says how to give ids that came as text.
        """
        if or_jobs and looks_like_ids(which):
            names = self.looking().list_tubes()
            if which not in names:
                ids = ids_of(which)
                hint = f"ids are numbers: {ids[0]}" if len(ids) == 1 else f"ids are numbers: {_listed(ids)}"
                raise NoTube(which, names, hint)
        elif not is_glob(which):
            self.tube(which)
        elif not is_any(which, names := self.looking().list_tubes()):
            raise NoTube(which, names)

    def look_for(self, wanted: Selection, names: Iterable[str]) -> None:
        """Report a selection whose name or glob matches none of these tubes."""
        if wanted.tube is not None and not is_any(wanted.tube, known := list(names)):
            self._report(wanted.tube, no_tube(wanted.tube, known))

    def was_there(self, tube: str) -> bool:
        """Whether something is known of a tube that does not exist: it went with its last job, and nobody used it."""
        if is_glob(tube):
            return False
        if self._context.past.known(tube).begun is not None:
            return True
        here = Filter(str(self._context.address), tubes=[tube])
        with suppress(JournalError):  # lookups must not depend on the journal
            return bool(self._context.journal().find_runs(here, limit=1))
        return False

    def _report(self, tube: str, message: str) -> None:
        """Report a tube that does not exist, unless it has only had its last job deleted."""
        if self._unknown is not None and not self.was_there(tube):
            self._unknown(message)

    # -- jobs at known places ------------------------------------------------------------------------------------

    def job(self, id: SupportsIndex | Any) -> FoundJob:
        """Return a job with its statistics and its body, given its id or a row that describes it."""
        refs = refs_of([id], "id")
        (found,) = read_jobs(self.looking(), refs.ids)
        if found is None or self.reused(refs)[0] is not None:
            raise NotFound(f"stats-job {refs.ids[0]}")
        return self._hide(found)

    def jobs_by_id(self, ids: Iterable[SupportsIndex], *, bodies: bool = True) -> Iterator[FoundJob | None]:
        """Yield each job in turn with its statistics and its body, None for one that does not exist."""
        wanted = (check_number("id", id, U64_MAX) for id in ids)
        if not bodies:
            return find_jobs(self.looking(), wanted)
        found = read_jobs(self.looking(), wanted)
        return (job and self._hide(job) for job in found) if self._context.redact else found

    def next_jobs(self, tube: Tube, *, exists: bool = False) -> dict[str, FoundJob | None]:
        """Return the next job of a tube in each of the states ready, delayed and buried; see `read_heads`."""
        tube = tube_of(tube)
        try:
            heads = read_heads(self.looking(), tube, exists=exists)
        except NotFound:
            raise NoTube(tube, self.looking().list_tubes()) from None
        return {state: job and self._hide(job) for state, job in heads.items()}

    def reused(self, jobs: Sequence[JobRef], client: Client | None = None) -> list[str | None]:
        """Return for each job that was seen before why its id is another job's now, None if it is not."""
        return doubts(client or self.looking(), jobs, self._context.shown)

    def _hide(self, job: FoundJob) -> FoundJob:
        return hide(job, self._context.reader)

    # -- the journal ---------------------------------------------------------------------------------------------

    def own_actions(self, limit: int | None = None) -> list[Action]:
        """Return the newest actions of this session as records, newest first, without pandas."""
        self._context.check_open()
        runs = self._context.runs[::-1]
        if not runs:  # without opening the journal
            return []
        journal = self._context.journal()
        return list(islice((action for run in runs for action in journal.actions(Filter(runs=[run.id]))), limit))

    def own_pages(self) -> Iterator[Page]:
        """Yield the actions of this session in columns, newest first, for a frame."""
        self._context.check_open()
        for run in self._context.runs[::-1]:
            yield from self._context.journal().pages(run)

    def own_runs(self) -> list[RunCounts]:
        """Return the runs of this session with the count of each outcome, newest first, without pandas."""
        self._context.check_open()
        runs = self._context.runs[::-1]
        return self._context.journal().with_counts(runs) if runs else []

    def job_actions(self, id: SupportsIndex) -> list[Action]:
        """Return the actions on one job in the journal, oldest first; only of the current server process."""
        return self._context.journal().of_job(self.server().id, check_number("id", id, U64_MAX))

    # -- searches ------------------------------------------------------------------------------------------------

    def scan(self, tube: Tube | None = None, *, bodies: BodyForm = True, **asked: Any) -> Scan:
        """Find jobs, with redacted bodies; see `Session.scan`."""
        return self.raw_scan(tube, **asked, bodies=bodies, shown=self._hide if self._context.redact else None)

    def raw_scan(
        self,
        tube: Tube | None = None,
        *,
        state: str | Iterable[str] | None = None,
        ids: Any = None,
        where: str | None = None,
        group: Any = None,
        limit: SupportsIndex | None = None,
        order: str = "newest",
        probe: bool = False,
        connections: SupportsIndex = 1,
        **how: Any,
    ) -> Scan:
        """Find jobs, as `scan` but with full bodies: for move, copy, export and undo, which show none."""
        context = self._context
        which = self._which(tube, state, ids, where, group)
        from beanops.jobs.search.scan import Scan

        selection = select(**which, limit=limit, order=order)
        several = check_connections(connections)
        return Scan(
            self.looking if several == 1 else partial(context.looking_over, several),
            selection,
            context.id_maps,
            known=self._known_id,
            probe=self._probe(probe),
            unknown=partial(self._report, selection.tube or ""),
            redact=context.redact,
            query_timeout=context.query_timeout,
            connections=several,
            **how,
        )

    def tail(
        self,
        tube: Tube | None = None,
        *,
        state: str | Iterable[str] | None = None,
        where: str | None = None,
        group: Any = None,
        limit: SupportsIndex | None = None,
        probe: bool = False,
        **how: Any,
    ) -> Tail:
        """Find jobs as they are put, with redacted bodies; see `Session.tail`."""
        selection = select(**self._which(tube, state, None, where, group), limit=limit)
        from beanops.session.investigation.tail import Tail

        return Tail(self._context, selection, known=self._known_id, probe=self._probe(probe), **how)

    def _which(self, tube: Tube | None, state: Any, ids: Any, where: str | None, group: Any) -> dict[str, Any]:
        """Return arguments of `select`, with whole names of groups."""
        if is_groups(tube):
            tube, state, where = of_groups(tube, state, where)
        if group is not None:
            group = self.groups(group, tube, state=state, ids=ids, where=where).whole_rows
        return {"tube": tube, "state": state, "ids": ids, "where": where, "group": group}

    def _probe(self, wanted: bool) -> Callable[[], int] | None:
        """Return what puts a job for a moment to learn the highest id, None where that is not wanted."""
        if wanted and self._context.read_only:
            at = self._context.address
            raise Refused(f"a probe was refused: it puts a job, and this session on {at} is read-only")
        return self._probe_id if wanted else None

    def groups(self, group: Any, tube: Tube | None = None, **which: Any) -> GroupChoice:
        """Return groups with whole names, looked up among the selected jobs where they were given as text."""
        from beanops.session.investigation.group_names import whole

        chosen = groups_of(group)
        if not chosen.names:
            return chosen
        return whole(chosen, self.raw_scan(tube, **which), self._context.reader)

    def _known_id(self, instance: str) -> int:
        """Return the highest id that the journal has of a server process, 0 for none."""
        try:
            return self._context.journal().highest_id(instance)
        except JournalError:  # lookups must not depend on the journal
            return 0

    def query(self, sql: str, tube: Tube | None, selection: dict[str, Any]) -> tuple[Query, Scan | None]:
        """Return a query with the matching jobs in its table, and the scan that found them, None if it needs none."""
        from beanops.jobs.sql.query import Query

        prepared = Query(sql, self._context.redact, self._context.query_timeout, self._tables())
        if not prepared.needs_jobs:
            return prepared, None
        # The table redacts bodies, and has their sizes.
        scan = self.raw_scan(tube, **selection, bodies=prepared.needs_bodies)
        for batch in scan:
            prepared.add(batch)
        return prepared, scan

    def _tables(self) -> dict[str, Callable[[], pandas.DataFrame]]:
        """Return what makes each table of a query, beside that of jobs: all tubes, and the journal of this server."""
        here = Filter(str(self._context.address))

        def tubes() -> pandas.DataFrame:
            from beanops.monitor.frames import tubes_frame

            return tubes_frame(self.tube_stats())

        def actions() -> pandas.DataFrame:
            from beanops.journal.frames import newest_frame

            return newest_frame(self._context.journal(), here)

        def runs() -> pandas.DataFrame:
            from beanops.journal.frames import runs_frame

            journal = self._context.journal()
            return runs_frame(journal.with_counts(journal.find_runs(here)))

        return {"tubes": tubes, "actions": actions, "runs": runs}

    def sql_rows(self, query: str, tube: Tube | None = None, **selection: Any) -> Answer:
        """Query jobs with SQL, without pandas, which would change large integers, decimals and lists."""
        prepared, scan = self.query(query, tube, selection)
        complete = scan is None or ((scan.complete or scan.sure) and not prepared.undecoded)
        return Answer(*prepared.rows(), complete, verdict_of(prepared, scan))

    def snapshot(self, directory: str | PathLike[str], tube: Tube | None, selection: dict[str, Any]) -> Snapshot:
        """Write jobs to Parquet files; see `Session.snapshot`."""
        from beanops.jobs.snapshot import check_new, save

        check_new(Path(directory))
        scan = self.scan(tube, **{"order": "oldest", **selection})
        return Snapshot(save(scan, Path(directory)), scan.complete or scan.sure, scan.conclusion)


def _listed(ids: Sequence[int]) -> str:
    """Return ids as they are written in Python: a range, or a list of the first few."""
    if isinstance(ids, range):
        return repr(ids)
    return f"[{', '.join(map(str, ids[:4]))}{', ...' if len(ids) > 4 else ''}]"


def verdict_of(query: Query, scan: Scan | None) -> str:
    """Return whether a result is complete, in words."""
    if scan is None:
        return "complete"
    if not query.undecoded:
        return scan.conclusion
    undecoded = f"{plural(query.undecoded, 'row')} {'was' if query.undecoded == 1 else 'were'}"
    return f"{scan.conclusion}; {undecoded} not decoded, or not for certain, and the query reads data"
