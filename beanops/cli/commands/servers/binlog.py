"""The commands of `beanops binlog`: what is in the log of a server, read without the server."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from beanops.binlog.binlog import DEFAULT_MAX_JOB_SIZE, Binlog
from beanops.binlog.logged_job import AT_START, LoggedJob
from beanops.cli import ids as id_options
from beanops.cli import options, spreadsheet
from beanops.cli.commands.jobs import WRITERS, print_job_table
from beanops.cli.exits import Incomplete
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_csv, print_fields, print_json, print_json_rows, print_jsonl, print_table
from beanops.cli.streams import on_terminal
from beanops.jobs.sql.where import undecoded_words
from beanops.journal.records import Refused
from beanops.protocol.limits import MAX_BODY
from beanops.text import plural, safe_text

#: Damages that are printed below the result.
_MOST_SHOWN = 20
_LIST = ("id", "tube", "state", "logged", "priority", "age", "size", "file", "offset", "at_start")
#: Of these the table has what fits beside each other.
_SHOWN = ("id", "tube", "state", "logged", "age", "size", "file", "offset", "at_start")
_NUMBERS = frozenset({"id", "age", "size", "file", "offset"})
_PINS = ("id", "tube", "state", "age", "size", "file", "offset")

_limit = click.option(
    "-z", "--max-job-size", type=click.IntRange(1, MAX_BODY), metavar="BYTES",
    help="Maximum job size of the server to start, as its -z",
)  # fmt: skip
_selection = options.together(
    _limit,
    click.option("--tube", metavar="TUBE", help="Tube name or glob"),
    options.any_state,
    id_options.ids(),
    options.where,
    options.query_timeout,
    click.option("--at-start", metavar="WORDS", help=f"What a start does to the jobs: {', '.join(AT_START)}"),
    click.option("--limit", type=options.NUMBER, help="Maximum number of jobs"),
)
_many = options.together(
    click.option("-o", "--output", type=OneOf(["table", "json", "jsonl", "csv"]), help=spreadsheet.OUTPUT),
    click.option("--json", "output", flag_value="json", help="Same as -o json"),
    spreadsheet.option,
)


def _order(default: str) -> Callable[[Any], Any]:
    return click.option(
        "--order", type=OneOf(["newest", "oldest"]), default=default, show_default=True, help="Sort order"
    )


@click.group()
@click.argument("directory", metavar="DIR", type=click.Path())
@click.pass_context
def binlog(ctx: click.Context, directory: str) -> None:
    """Read the binlog of a server in DIR, beanstalkd's option -b, without a server and without changing it.

    States and counters are those that a start of beanstalkd would show. at_start says what a start makes of a job:
    restored, damaged (the end of its body becomes zeros), older (as it was before its last change), again (although it
    was deleted) or lost.

    Exit code 1 if the log is damaged.
    """
    ctx.obj = directory
    options.hand_down(ctx, binlog)


@contextmanager
def _opened(max_job_size: int | None, redact: tuple[str, ...] = ()) -> Iterator[Binlog]:
    """Open the log; report below the result what is wrong with it."""
    log = Binlog(click.get_current_context().obj, redact=redact, max_job_size=max_job_size)
    if log.holder is not None:
        click.echo(f"beanops: {log.holder} holds this log, which may change while it is read", err=True)
    reasons = []
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 50, 100)  # with the usual one it looks at the jobs of each batch again and again
    try:
        yield log
    except Incomplete as error:
        reasons.append(str(error))
    finally:
        gc.set_threshold(*usual)
    size, id, file = log.largest
    if max_job_size is None and size > DEFAULT_MAX_JOB_SIZE:
        text = f"job {id} needs a start with -z {size} or more: one with less loses it and the rest of {file}"
        click.echo(f"beanops: {text}", err=True)
    if log.removed:
        reasons.append(f"{plural(log.removed, 'job')} left out: a server removed the file")
    if log.damage_count:
        for damage in log.damage_list[:_MOST_SHOWN]:
            click.echo(safe_text(f"beanops: {damage}"), err=True)
        more = log.damage_count - _MOST_SHOWN
        reasons.append(
            f"{plural(log.damage_count, 'damage')} in {log.path}{f', {more:,} not shown' if more > 0 else ''}"
        )
    if reasons:
        raise Incomplete("; ".join(reasons))


@binlog.command("list")
@_selection
@_order("oldest")
@options.redact
@_many
def list_(max_job_size: int | None, redact: tuple[str, ...], output: str, **asked: Any) -> None:
    """List jobs with their place in the log, without their bodies.

    'logged' is the last state in the log, 'state' the one after a start.
    """
    with _opened(max_job_size, redact) as log:
        search = log.search(**_chosen(asked))
        batches = search.batches(bodies=False)
        if output == "table":
            _print_list(log, batches)
        elif output == "csv":
            heading = True
            for batch in batches:
                print_csv([_row(log, job, _LIST) for job in batch], _LIST, heading=heading)
                heading = False
            if heading:
                print_csv([], _LIST)
        else:
            rows = (_row(log, job, _LIST) for batch in batches for job in batch)
            (print_json_rows if output == "json" else print_jsonl)(rows)
        _tell_undecoded(search.undecoded)


def _print_list(log: Binlog, batches: Iterator[list[LoggedJob]]) -> None:
    """Print a table batch by batch, so that a million rows take no memory; a column is as wide as needed so far."""
    widths = [0] * len(_SHOWN)
    form, length = "", 0
    for batch in batches:
        columns = dict(zip(LoggedJob._fields, zip(*batch, strict=True), strict=True))
        names = {tube: safe_text(tube) for tube in set(columns["tube"])}
        columns["tube"] = tuple([names[tube] for tube in columns["tube"]])
        columns["age"] = tuple([(log.now - created) // 10**9 for created in columns["created"]])
        rows = list(zip(*(columns[name] for name in _SHOWN), strict=True))
        lines = list(map(form.__mod__, rows)) if form else []
        if not form or max(map(len, lines)) > length:
            heading = [] if form else [_SHOWN]
            wide = [max(map(len, map(str, column))) for column in zip(*heading, *rows, strict=True)]
            widths = list(map(max, widths, wide))
            signs = ["" if name in _NUMBERS else "-" for name in _SHOWN]
            form = "  ".join([f"%{sign}{width}s" for sign, width in zip(signs, widths, strict=True)])
            lines = [form % row for row in (*heading, *rows)]
            length = len(lines[0])
        # In colour, because click would search all of it for colours to remove, of which there are none.
        click.echo("\n".join(map(str.rstrip, lines)), color=True)
    if not form:
        click.echo("  ".join(_SHOWN))


def _row(log: Binlog, job: LoggedJob, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: job.age(log.now) if name == "age" else getattr(job, name) for name in names}


def _chosen(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _tell_undecoded(count: int) -> None:
    if count:
        raise Incomplete(undecoded_words(count))


@binlog.command()
@_selection
@_order("newest")
@click.option("--no-bodies", is_flag=True, help="Skip bodies")
@options.redact
@click.option("-o", "--output", type=OneOf(["table", "json", "jsonl", "csv", "parquet"]), help=spreadsheet.OUTPUT)
@spreadsheet.option
@click.option("--json", "output", flag_value="json", help="Same as -o json")
def jobs(max_job_size: int | None, redact: tuple[str, ...], no_bodies: bool, output: str, **asked: Any) -> None:
    """Show jobs with their decoded bodies, as "beanops jobs" does; the columns for --where are the same."""
    if output == "parquet" and on_terminal("stdout"):
        raise Refused("-o parquet is not for a terminal: write it to a file or a pipe")
    with _opened(max_job_size, redact) as log:
        search = log.search(**_chosen(asked))
        printing = partial(print_job_table, order=asked["order"]) if output == "table" else WRITERS[output]
        printing(log.found(search, bodies=not no_bodies), not no_bodies)
        _tell_undecoded(search.undecoded)


@binlog.command()
@_limit
@options.printing
def stats(max_job_size: int | None, output: str) -> None:
    """Show jobs by state and tube after a start, the next id, each file, and what is damaged."""
    with _opened(max_job_size) as log:
        summary = log.stats()._asdict()
        files = [file._asdict() for file in log.file_rows]
        tubes = [tube._asdict() for tube in log.tube_rows]
        damages = [damage._asdict() for damage in log.damage_list]
        if output == "json":
            print_json({**summary, "tubes": tubes, "per_file": files, "damage": damages})
        elif output == "csv":
            print_csv([summary], summary)
        else:
            print_fields(summary)
            for rows in (tubes, files):
                if rows:
                    click.echo()
                    print_table([*rows[0]], [[*row.values()] for row in rows])
        for file in log.file_rows:
            if file.lost and file.at_start == "removed":
                text = (
                    f"a start removes binlog.{file.number} with {plural(file.lost, 'job')} that it does not bring back"
                )
                click.echo(f"beanops: {text}", err=True)


@binlog.command()
@click.option("--limit", type=options.NUMBER, help="Maximum number of jobs")
@_limit
@options.printing
def pins(max_job_size: int | None, limit: int | None, output: str) -> None:
    """Show the jobs that pin the oldest file, the oldest first.

    beanstalkd removes files from the oldest on, each once it holds no job: these jobs keep all files.
    """
    with _opened(max_job_size) as log:
        found = list(log.pinning())
        rows = [_row(log, job, _PINS) for job in found[:limit]]
        if output == "json":
            print_json(rows)
        elif output == "csv":
            print_csv(rows, _PINS)
        else:
            print_table(_PINS, [[*row.values()] for row in rows])
            if found:
                summary = log.stats()
                kept = f"{plural(summary.files, 'file')} of {plural(summary.bytes, 'byte')} stay"
                click.echo(f"\n{plural(len(found), 'job')} pin binlog.{summary.oldest_file}: {kept}")


@binlog.command()
@click.argument("file", type=click.Path(allow_dash=True))
@_selection
@_order("oldest")
@click.option("--damaged", is_flag=True, help="Also write jobs whose body is not whole")
@click.option("--force", is_flag=True, help="Overwrite an existing file")
@options.redact
def export(
    file: str, max_job_size: int | None, damaged: bool, force: bool, redact: tuple[str, ...], **asked: Any
) -> None:
    """Write jobs to FILE as JSON lines for "beanops import"; - is standard output.

    Lost jobs are written too, deleted ones only with --at-start again. --redact applies to the predicate; the file
    contains the original bodies.
    """
    with _opened(max_job_size, redact) as log:
        out = file if file != "-" else sys.stdout.buffer
        done = log.export(out, damaged=damaged, force=force, **_chosen(asked))
        if not done.complete:
            raise Incomplete(done.verdict)
        click.echo(done.verdict, err=file == "-")
