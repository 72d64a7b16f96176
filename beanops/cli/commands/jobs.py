"""Commands that find jobs: jobs, job, sql, snapshot. Only --probe changes anything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from decimal import Decimal
from functools import partial
from itertools import starmap
from math import isfinite
from pathlib import Path
from typing import Any

import click

from beanops.cli import complete, options, spreadsheet
from beanops.cli import ids as id_options
from beanops.cli.commands.tubes import CSV_COLUMNS, body_fields, csv_row, look_for_tube, row_of, show_jobs
from beanops.cli.ending import interruptible
from beanops.cli.exits import INTERRUPTED, Incomplete
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_columns, print_csv, print_json, print_json_rows, print_jsonl, print_table
from beanops.cli.streams import on_terminal
from beanops.jobs.read import FoundJob
from beanops.jobs.search.scan import Scan
from beanops.journal.records import Action, JournalError, Refused
from beanops.protocol.errors import NotFound
from beanops.session.bars import bar_for, is_watched
from beanops.session.connect import connect
from beanops.text import plural
from beanops.ui.columns.column import named
from beanops.ui.columns.jobs import job_columns, shown_job
from beanops.ui.columns.journal import ACTION_COLUMNS, OF_ONE_JOB, DoneAction

#: What a scan finds, as it comes.
Batches = Iterator[list[FoundJob]]

_which = options.together(
    options.any_state,
    id_options.ids(),
    options.where,
    options.group,
)


@click.command()
@options.tube
@_which
@click.option("--limit", type=options.NUMBER, help="Maximum number of jobs")
@click.option(
    "--order", default="newest", show_default=True, help="Sort order: newest, oldest, or a column such as -age"
)
@click.option("--no-bodies", is_flag=True, help="Skip bodies, which is twice as fast")
@options.searching_all
@click.option("-o", "--output", type=OneOf(["table", "json", "jsonl", "csv", "parquet"]), help=spreadsheet.OUTPUT)
@spreadsheet.option
@click.option("--json", "output", flag_value="json", help="Same as -o json")
def jobs(
    tube: str | None,
    no_bodies: bool,
    output: str,
    **asked: Any,
) -> None:
    """Show the jobs of TUBE (a name or a glob such as 'mail*') or of all tubes, newest first, without reserving any.

    Columns for --where: id, tube, state, priority, age, delay, ttr, time_left, created, reserves, timeouts, releases,
    buries, kicks, file (of the binlog), instance (of the server), size, body, data, the decoded body:
    "data->>'$.user' = '42'", and group_name and cause, as "beanops groups" has them.
    """
    if output == "parquet" and on_terminal("stdout"):
        raise Refused("-o parquet is not for a terminal: write it to a file or a pipe")
    # A bar would mix with lines that are printed as they are found.
    apart = output in ("table", "parquet") or not on_terminal("stdout")
    selection = selection_in(asked)
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets import looking
        from beanops.cli.fleets.opening import RowFormat

        fields = partial(_fields, bodies=not no_bodies)
        form = RowFormat(fields, partial(fields, output="csv"), _names(not no_bodies))
        looking.show_jobs(asked | {"output": output}, tube, not no_bodies, selection, form)
        return
    with options.opened(asked) as session, ExitStack() as shown:
        look_for_tube(session, tube)
        bar = shown.enter_context(bar_for(None if apart else False, True, "ids", "jobs"))
        scan = session.scan(tube, **selection, bodies=not no_bodies, progress=None if bar is None else bar.show_scan)
        with interruptible(scan.cancel) as signals:
            printing = partial(print_job_table, order=asked["order"]) if output == "table" else WRITERS[output]
            printing(_until_over(scan, shown), not no_bodies)
        conclude(scan, signals)


def _until_over(scan: Scan, shown: ExitStack) -> Batches:
    """Yield a scan's batches, and remove its bar before a table is printed."""
    yield from scan
    shown.close()


@click.command()
@click.argument("id", type=options.ID)
@click.option("--follow", is_flag=True, help="Show what happens to it until it is gone")
@options.redact
@options.server
@click.option("-o", "--output", type=OneOf(["table", "json", "jsonl", "csv"]), help=spreadsheet.OUTPUT)
@click.option("--json", "output", flag_value="json", help="Same as -o json")
@spreadsheet.option
def job(id: int, follow: bool, redact: tuple[str, ...], server: str, output: str) -> None:
    """Show the job ID: its statistics, its decoded body, and its actions in the journal, oldest first.

    --follow shows its timeline instead: past actions, how it is, and every change, until it is gone or Ctrl-C.
    """
    with connect(server, source="cli", redact=redact) as session:
        if follow:
            from beanops.cli.commands.investigation.timeline import show_timeline

            show_timeline(session, id, output)
            return
        found = []
        with suppress(NotFound):
            found = [session.job(id)]
        actions: list[Action] = []
        with suppress(JournalError):  # a broken journal must not keep a job from being shown
            actions = session._lookups.job_actions(id)
    if output in ("json", "jsonl") and (found or actions):
        about = [{**row_of(one), **body_fields(one.body)} for one in found] or [{"id": id}]
        row = {**about[0], "actions": [action._asdict() for action in actions]}
        print_json([row]) if output == "json" else print_jsonl([row])
    elif found:
        show_jobs(found, output)
    if output == "table" and actions:
        click.echo()
        print_columns(named(ACTION_COLUMNS, OF_ONE_JOB), starmap(DoneAction, enumerate(actions)))
    if not found:
        raise Incomplete(f"job {id} does not exist")


@click.command()
@click.argument("query")
@options.tube
@_which
@options.searching_all
@options.printing
def sql(
    query: str,
    tube: str | None,
    output: str,
    **asked: Any,
) -> None:
    """Run QUERY, SQL for DuckDB, on the table 'jobs': the jobs of TUBE, or all; also on tubes, actions and runs.

    For example: beanops sql "select tube, data->>'$.displayName' as job, count(*) from jobs group by all"
    """
    selection = selection_in(asked)
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets import looking

        looking.show_sql(asked | {"output": output}, query, tube, selection, _plain)
        return
    with options.opened(asked) as session, bar_for(None, True, "ids", "sql") as bar:
        look_for_tube(session, tube)
        answer = session._lookups.sql_rows(query, tube, **selection, progress=None if bar is None else bar.show_scan)
    rows = [[_plain(value) for value in row] for row in answer.rows]
    if output == "table":
        print_table(answer.names, rows)
    else:
        named = [dict(zip(answer.names, row, strict=True)) for row in rows]
        print_json(named) if output == "json" else print_csv(named, answer.names)
    if not answer.complete:
        raise Incomplete(answer.verdict)


def _plain(value: Any) -> Any:
    """Return an SQL value for JSON: a decimal as a number, NaN as null."""
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not isfinite(value) else value


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--tube", shell_complete=complete.tubes, help="Tube name or glob")
@_which
@options.searching_all
def snapshot(directory: Path, tube: str | None, **asked: Any) -> None:
    """Save jobs as Parquet files in DIRECTORY, one folder per tube, oldest first, with bodies as bytes.

    DIRECTORY must be new or empty; it appears when it is complete. pandas, DuckDB, Spark and Dask can read it. Of
    several servers it has a folder for each.
    """
    selection = selection_in(asked)
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets import looking

        looking.save_snapshot(asked, directory, tube, selection)
        return
    with options.opened(asked) as session:
        look_for_tube(session, tube)
        saved = session.snapshot(directory, tube, **selection, progress=is_watched())
    click.echo(f"{plural(saved.jobs, 'job')} saved in {directory}")
    if not saved.complete:
        raise Incomplete(saved.verdict)


def selection_in(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the selection without those of the session."""
    apart = ("redact", "server", "read_only", "query_timeout")
    return {name: value or None if name == "group" else value for name, value in asked.items() if name not in apart}


def conclude(scan: Scan, interrupted: list[int]) -> None:
    """End a command as its scan did: exit where it was interrupted, raise where its result is not for certain."""
    if interrupted:
        click.echo(f"beanops: interrupted, {scan.verdict}", err=True)
        click.get_current_context().exit(INTERRUPTED)
    if not scan.sure:
        hint = " (--probe finds out)" if scan.enough and scan.doubt else ""
        raise Incomplete(f"{scan.conclusion}{hint}")


def _found(batches: Batches) -> Iterator[FoundJob]:
    return (job for batch in batches for job in batch)


def print_job_table(batches: Batches, bodies: bool, order: str) -> None:
    """Print the usual columns, and the one that the jobs are ordered by."""
    from beanops.jobs.bodies import decode

    by = order.removeprefix("-")
    columns = job_columns("cli", also="" if by in ("newest", "oldest") else by, bodies=bodies)
    print_columns(
        columns, [shown_job(job, "" if job.body is None else decode(job.body).summary) for job in _found(batches)]
    )


def _names(bodies: bool) -> list[str]:
    return [name for name in CSV_COLUMNS if bodies or name not in ("digest", "body")]


def _fields(job: FoundJob, bodies: bool, output: str = "json") -> dict[str, Any]:
    """Return a job for programs: for ``"csv"``, or else for JSON."""
    if output == "csv":
        return csv_row(job)
    row = row_of(job)
    if bodies:
        return row | body_fields(job.body)
    del row["digest"]
    return row


def _rows(batches: Batches, bodies: bool) -> Iterator[dict[str, Any]]:
    return (_fields(job, bodies) for job in _found(batches))


def _print_csv(batches: Batches, bodies: bool) -> None:
    columns = _names(bodies)
    heading = True
    for batch in batches:
        print_csv([csv_row(job) for job in batch], columns, heading=heading)
        heading = False
    if heading:
        print_csv([], columns)


def _print_parquet(batches: Batches, bodies: bool) -> None:
    from beanops.jobs.snapshot import save_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.parquet"
        save_file(batches, path, bodies=bodies)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                click.echo(piece, nl=False)


#: How jobs are printed in each format but the table, as they are found.
WRITERS: dict[str, Callable[[Batches, bool], None]] = {
    "json": lambda batches, bodies: print_json_rows(_rows(batches, bodies)),
    "jsonl": lambda batches, bodies: print_jsonl(_rows(batches, bodies)),
    "csv": _print_csv,
    "parquet": _print_parquet,
}
