"""Commands that look at several servers at once: tubes, stats, times, problems, jobs, sql, groups, facets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import click

from beanops.cli.ending import interruptible
from beanops.cli.exits import INTERRUPTED, Incomplete
from beanops.cli.fleets.opening import RowFormat, conclude, opened
from beanops.cli.output import as_dict, print_columns, print_csv, print_json, print_table
from beanops.cli.streams import on_terminal
from beanops.fleet.calls import Answers, Call
from beanops.fleet.fleet import Fleet
from beanops.jobs.facets import Facets
from beanops.jobs.read import FoundJob
from beanops.jobs.search.scan import Scan
from beanops.jobs.search.top_n import key_of
from beanops.jobs.tube_names import is_any, no_tube
from beanops.monitor.problems.problem import SEVERITIES
from beanops.monitor.survey import Seen
from beanops.protocol import TubeStats
from beanops.protocol.errors import UsageError
from beanops.session.bars import bar_for
from beanops.session.investigation.facets import FacetSearch, FoundFacets
from beanops.session.investigation.groups import FoundGroups, GroupSearch
from beanops.session.investigation.last_shown import LastGroup, keep_groups
from beanops.session.lookups import Answer
from beanops.session.old_servers.capabilities import KINDS
from beanops.session.session import Session
from beanops.session.watching.problems_now import DatedProblem, problems_now
from beanops.session.watching.timing import classified, measure, timed
from beanops.text import plural, safe_text
from beanops.ui.columns.column import Column
from beanops.ui.columns.groups import group_columns
from beanops.ui.columns.jobs import job_columns, shown_job
from beanops.ui.columns.problems import DATED_COLUMNS
from beanops.ui.columns.times import CLASS_COLUMNS, TIME_COLUMNS, ClassRow
from beanops.ui.columns.tubes import tube_columns
from beanops.ui.columns.with_server import OnServer, with_server

#: Characters of a cell.
_WIDEST = 100


def _rows(found: Mapping[str, Iterable[Any]]) -> list[OnServer]:
    return [OnServer(server, row) for server, rows in found.items() for row in rows]


def _print(rows: list[dict[str, Any]], columns: Iterable[str], output: str) -> None:
    print_json(rows) if output == "json" else print_csv(rows, columns)


def show_tubes(asked: Mapping[str, Any], patterns: tuple[str, ...]) -> None:
    """Print the tubes of all servers, by server and name."""
    with opened(asked) as fleet:
        answers = fleet._dispatch.read(lambda session, call: session._lookups.tube_stats())
    found: dict[str, list[TubeStats]] = answers.values
    names = sorted({tube.name for tubes in found.values() for tube in tubes})
    wanted = [name for name in names if not patterns or any(is_any(pattern, [name]) for pattern in patterns)]
    rows = _rows({server: sorted(tube for tube in tubes if tube.name in wanted) for server, tubes in found.items()})
    if asked["output"] == "table":
        seen = [row._replace(row=Seen(row.row, 0.0)) for row in rows]
        print_columns(with_server(tube_columns("cli")), seen)
    else:
        fields = [field for field in TubeStats._fields if field != "extra"]
        _print([{"server": row.server, **as_dict(row.row)} for row in rows], ["server", *fields], asked["output"])
    conclude(answers, *(no_tube(pattern, names) for pattern in patterns if not is_any(pattern, names)))


def show_stats(asked: Mapping[str, Any], tube: str | None, of_server: Callable[[Session], dict[str, Any]]) -> None:
    """Print the statistics of all servers, or of a tube on each that has it."""

    def fields(session: Session, call: Call) -> dict[str, Any]:
        return of_server(session) if tube is None else as_dict(session._lookups.tube(tube))

    with opened(asked) as fleet:
        answers = fleet._dispatch.read(fields)
    found: dict[str, dict[str, Any]] = answers.values
    names = list(dict.fromkeys(name for known in found.values() for name in known))
    if asked["output"] == "table":
        cells = [name for name in names if name not in KINDS]
        print_table(["", *found], [[name, *(known.get(name) for known in found.values())] for name in cells])
        # Sentences would make the columns wider than any terminal.
        told = [(server, kind, known[kind]) for server, known in found.items() for kind in KINDS if kind in known]
        for row in told:
            click.echo(safe_text(" ".join(row)))
    else:
        _print([{"server": server, **known} for server, known in found.items()], ["server", *names], asked["output"])
    conclude(answers)


def show_times(
    asked: Mapping[str, Any], pattern: str | None, seconds: float, every: float, classes: bool, form: RowFormat
) -> None:
    """Print how long jobs wait and run on all servers, or their classes."""

    def look(session: Session, call: Call) -> list[Any]:
        classify = session._context.reader.job_class if classes else None
        survey = measure(session._lookups, pattern, seconds, every, classify=classify)
        if not classes:
            return list(timed(survey, pattern))
        return [ClassRow(seen.name, one) for seen in classified(survey, pattern) for one in seen.classes]

    with opened(asked) as fleet:
        answers = fleet._dispatch.read(look)
    rows = _rows(answers.values)
    if asked["output"] != "table":
        form.show(rows, asked["output"])
    elif rows:
        columns = with_server(CLASS_COLUMNS if classes else TIME_COLUMNS)
        cells = [[column.text(row, _WIDEST) for column in columns] for row in rows]
        print_table([column.name for column in columns], cells)
    else:
        click.echo("nothing is known: no job was put, or none could be followed")
    conclude(answers)


def show_problems(
    asked: Mapping[str, Any],
    pattern: str | None,
    seconds: float,
    severities: tuple[str, ...],
    on_server: Callable[[DatedProblem, str], DatedProblem],
    form: RowFormat,
) -> bool:
    """Print what is wrong with all servers, the worst first; return whether there is anything."""
    with opened(asked) as fleet:
        answers = fleet._dispatch.read(
            lambda session, call: problems_now(session._lookups, pattern, seconds, session._context.now)
        )
    found: dict[str, list[DatedProblem]] = answers.values
    rows = [
        OnServer(server, on_server(one, server))
        for server, problems in found.items()
        for one in problems
        if one.problem.severity in severities
    ]
    rows.sort(key=lambda row: SEVERITIES.index(row.row.problem.severity))
    if asked["output"] != "table":
        form.show(rows, asked["output"])
    elif rows:
        print_columns(with_server(DATED_COLUMNS), rows)
    else:
        click.echo("no problems")
    conclude(answers)
    return bool(rows)


class _Search:
    """A search for jobs on all servers, which Ctrl-C ends so that what was found is printed."""

    def __init__(self, asked: Mapping[str, Any], tube: str | None) -> None:
        self.scans: dict[str, Scan] = {}
        self.signals: list[int] = []
        self._asked, self._tube = asked, tube

    def run(
        self,
        fleet: Fleet,
        title: str,
        search: Callable[[Session, Call], Any],
        *,
        bar: bool = True,
        progress: Callable[[], None] = lambda: None,
    ) -> Answers:
        """Return what a search answers on each server."""

        def work(session: Session, call: Call) -> Any:
            if self._tube is not None:
                session._lookups.check_tube(self._tube)
            return search(session, call)

        with bar_for(None if bar else False, True, "ids", title) as shown, interruptible(self._cancel) as self.signals:
            return fleet._dispatch.read(work, scan=title, progress=False if shown is None else shown.show_scan)

    def follow(self, call: Call, scan: Scan) -> Scan:
        """Note the scan of a server, so that it can be cancelled."""
        self.scans[call.member.name] = scan
        if self.signals:
            scan.cancel()
        return scan

    def _cancel(self) -> None:
        for scan in list(self.scans.values()):
            scan.cancel()

    def conclude(self, answers: Answers, *notes: str) -> None:
        """End the command as its scans did."""
        known = {name: self.scans[name] for name in answers.calls if name in self.scans}
        if self.signals:
            words = "; ".join(f"{name}: {scan.verdict}" for name, scan in known.items())
            click.echo(safe_text(f"beanops: interrupted, {words}"), err=True)
            click.get_current_context().exit(INTERRUPTED)
        conclude(answers, *notes, *(f"{name}: {scan.conclusion}" for name, scan in known.items() if not scan.sure))


def show_jobs(
    asked: Mapping[str, Any], tube: str | None, bodies: bool, selection: dict[str, Any], form: RowFormat
) -> None:
    """Print the jobs of all servers; a limit and an order are those of all together."""
    output, limit = asked["output"], selection.get("limit")
    if output == "parquet":
        raise UsageError("-o parquet is of one server: Fleet.jobs gives a frame of several, and snapshot a dataset")
    if selection.get("ids") is not None:
        raise UsageError("--ids name jobs of one server: choose one with -s")
    search = _Search(asked, tube)
    apart = output == "table" or not on_terminal("stdout")

    def find(session: Session, call: Call) -> list[FoundJob]:
        scan = search.follow(call, session.scan(tube, **selection, bodies=bodies, progress=call.searched))
        return [job for batch in scan for job in batch]

    with opened(asked) as fleet:
        answers = search.run(fleet, "jobs", find, bar=apart)
    rows = _in_order(answers.values, selection["order"])[:limit]
    if output == "table":
        by = selection["order"].removeprefix("-")
        columns = job_columns("cli", also="" if by in _BY_AGE else by, bodies=bodies)
        shown = [row._replace(row=shown_job(row.row, _summary(row.row))) for row in rows]
        print_columns(with_server(columns), shown)
    else:
        form.show(rows, output)
    search.conclude(answers)


#: Orders by when jobs were put.
_BY_AGE = ("newest", "oldest")


def _summary(job: FoundJob) -> str:
    from beanops.jobs.bodies import decode

    return "" if job.body is None else decode(job.body).summary


def _in_order(found: Mapping[str, list[FoundJob]], order: str) -> list[OnServer]:
    """Return the jobs of several servers in one order; those of one server stay in theirs."""
    rows = _rows(found)
    if len(found) < 2:
        return rows
    if order not in _BY_AGE:
        key = key_of(order.removeprefix("-"))
        return sorted(rows, key=lambda row: key(row.row), reverse=order.startswith("-"))
    oldest = order == "oldest"
    keys: list[float] = []
    for jobs in found.values():
        made = (job.created or 0.0 for job in jobs)
        # Known to the second: the order of ids on one server is more exact.
        keys += accumulate(made, max if oldest else min)
    places = sorted(range(len(rows)), key=lambda place: keys[place], reverse=not oldest)
    return [rows[place] for place in places]


def show_sql(
    asked: Mapping[str, Any],
    query: str,
    tube: str | None,
    selection: dict[str, Any],
    plain_value: Callable[[Any], Any],
) -> None:
    """Print the rows of a query that each server answers by itself."""
    if selection.get("ids") is not None:
        raise UsageError("--ids name jobs of one server: choose one with -s")
    search = _Search(asked, tube)
    with opened(asked) as fleet:
        answers = search.run(
            fleet,
            "sql",
            lambda session, call: session._lookups.sql_rows(query, tube, **selection, progress=call.searched),
        )
    found: dict[str, Answer] = answers.values
    names = ["server", *(name for name in next(iter(found.values())).names if name != "server")]
    rows = [
        {name: plain_value(value) for name, value in zip(answer.names, row, strict=True)} | {"server": server}
        for server, answer in found.items()
        for row in answer.rows
    ]
    if asked["output"] == "table":
        print_table(names, [[row[name] for name in names] for row in rows])
    else:
        _print([{name: row[name] for name in names} for row in rows], names, asked["output"])
    search.conclude(answers, *(f"{name}: {one.verdict}" for name, one in found.items() if not one.complete))


def show_groups(
    asked: Mapping[str, Any],
    tube: str | None,
    by: str | None,
    most: int,
    which: dict[str, Any],
    print_rows: Callable[[Sequence[Column[Any]], Sequence[Any]], None],
    form: RowFormat,
) -> None:
    """Print the groups of jobs of all servers, the largest first; the same cause has one name everywhere."""
    search = _Search(asked, tube)

    def find(session: Session, call: Call) -> FoundGroups:
        groups = GroupSearch(
            session._context, session._lookups, tube, by=by, most=most, **which, progress=call.searched
        )
        search.follow(call, groups.scan)
        groups.run()
        found = groups.found()
        if by is None:
            keep_groups(session.address, [LastGroup(row.name or "", row.cause or "") for row in found.groups])
        return found

    with opened(asked) as fleet:
        answers = search.run(fleet, "groups", find)
    found: dict[str, FoundGroups] = answers.values
    total = sum(one.total for one in found.values())
    rows = _rows({server: one.groups for server, one in found.items()})
    rows = [row._replace(row=row.row._replace(share=row.row.count / total)) for row in rows]
    rows.sort(key=lambda row: -row.row.count)
    rows = rows[:most]
    if asked["output"] == "table":
        print_rows(with_server(group_columns(lambda: datetime.now(UTC), by=by is not None)), rows)
        if others := total - sum(row.row.count for row in rows):
            click.echo(f"and {plural(others, 'other')} in other groups")
        if not total:
            click.echo("no jobs")
    else:
        form.show(rows, asked["output"])
    search.conclude(answers, *(f"{name}: {one.verdict}" for name, one in found.items() if not one.complete))


def show_facets(
    asked: Mapping[str, Any],
    tube: str | None,
    top: int,
    which: dict[str, Any],
    show: Callable[[FoundFacets], None],
    values_of: Callable[[Facets], Iterable[dict[str, Any]]],
    form: RowFormat,
) -> None:
    """Print the facets of the jobs of each server, one after the other."""
    if which.get("ids") is not None:
        raise UsageError("--ids name jobs of one server: choose one with -s")
    search = _Search(asked, tube)

    def find(session: Session, call: Call) -> FoundFacets:
        facets = FacetSearch(session._context, session._lookups, tube, top, {**which, "progress": call.searched})
        search.follow(call, facets.scan)
        return facets.run()

    with opened(asked) as fleet:
        answers = search.run(fleet, "facets", find)
    found: dict[str, FoundFacets] = answers.values
    if asked["output"] == "table":
        for number, (server, one) in enumerate(found.items()):
            click.echo(f"{chr(10) if number else ''}{safe_text(server)}: ", nl=False)
            show(one)
    elif asked["output"] == "json":
        form.show(_rows({server: [one] for server, one in found.items()}), "json")
    else:
        form.show(_rows({server: values_of(one.facets) for server, one in found.items()}), "csv")
    search.conclude(answers)


def save_snapshot(asked: Mapping[str, Any], directory: Path, tube: str | None, selection: dict[str, Any]) -> None:
    """Save the jobs of all servers as one dataset of Parquet files."""
    if selection.get("ids") is not None:
        raise UsageError("--ids name jobs of one server: choose one with -s")
    with opened(asked) as fleet, bar_for(None, True, "ids", "snapshot") as bar:
        if tube is not None:
            fleet._dispatch.read(lambda session, call: session._lookups.check_tube(tube))
        saved = fleet.snapshot(directory, tube, **selection, progress=False if bar is None else bar.show_scan)
    click.echo(f"{plural(saved.jobs, 'job')} of {plural(len(saved.by_server), 'server')} saved in {directory}")
    words = [f"{name}: {why}" for name, why in saved.unanswered.items()]
    words += [] if all(one.complete for one in saved.by_server.values()) else [saved.verdict]
    if words:
        raise Incomplete("; ".join(words))
