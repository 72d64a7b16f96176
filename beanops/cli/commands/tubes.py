"""Commands that read tubes and jobs at known places: tubes, stats, peek."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli import ids as id_options
from beanops.cli.exits import Incomplete
from beanops.cli.fleets.server_option import Servers
from beanops.cli.one_of import OneOf
from beanops.cli.output import as_dict, print_columns, print_csv, print_fields, print_json
from beanops.cli.streams import on_terminal
from beanops.jobs.bodies import decode
from beanops.jobs.identity import digest_shown
from beanops.jobs.read import FoundJob
from beanops.jobs.tube_names import is_any, no_tube
from beanops.journal.records import Refused
from beanops.monitor.survey import Seen
from beanops.protocol import JobStats, TubeStats
from beanops.protocol.errors import NotFound
from beanops.protocol.limits import is_glob
from beanops.protocol.states import AT_REST
from beanops.session.connect import connect
from beanops.session.old_servers.capabilities import KINDS
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.columns.jobs import job_columns, shown_job
from beanops.ui.columns.tubes import tube_columns

#: Columns of jobs as CSV.
CSV_COLUMNS = (*(field for field in JobStats._fields if field != "extra"), "instance", "created", "digest", "body")
#: Shown instead of the body of a job whose put is under way.
_NOT_YET = "not yet at the server"
#: Maximum number of jobs held in memory.
_MOST_PEEKED = 10_000


@click.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...", shell_complete=complete.tubes)
@options.fleet
@options.printing
def tubes(patterns: tuple[str, ...], server: Servers, output: str) -> None:
    """Show all tubes, or those that match a PATTERN such as 'mail*', in order of name.

    'pause_left' is the rest of a pause in seconds. JSON and CSV have every field.
    """
    if isinstance(server, tuple):
        from beanops.cli.fleets import looking

        looking.show_tubes({"server": server, "output": output}, patterns)
        return
    with connect(server, source="cli") as session:
        found = session._lookups.tube_stats()
    names = [tube.name for tube in found]
    if patterns:
        found = [tube for tube in found if any(is_any(pattern, [tube.name]) for pattern in patterns)]
    show_tubes(found, output)
    missing = [no_tube(pattern, names) for pattern in patterns if not is_any(pattern, names)]
    if missing:
        raise Incomplete("; ".join(missing))


def show_tubes(tubes: Iterable[TubeStats], output: str = "table") -> None:
    """Print the statistics of tubes, by name."""
    tubes = sorted(tubes)
    if output == "json":
        print_json([as_dict(tube) for tube in tubes])
    elif output == "csv":
        print_csv([as_dict(tube) for tube in tubes], [field for field in TubeStats._fields if field != "extra"])
    else:
        print_columns(tube_columns("cli"), [Seen(tube, 0.0) for tube in tubes])


@click.command()
@options.tube
@options.fleet
@options.printing
def stats(tube: str | None, server: Servers, output: str) -> None:
    """Show the statistics of the server, or of TUBE, under their names in the protocol."""
    if isinstance(server, tuple):
        from beanops.cli.fleets import looking

        looking.show_stats({"server": server, "output": output}, tube, server_fields)
        return
    with connect(server, source="cli") as session:
        fields = server_fields(session) if tube is None else as_dict(session._lookups.tube(tube))
    if output == "json":
        print_json(fields)
    elif output == "csv":
        print_csv([fields], fields)
    else:
        print_fields(fields)


def server_fields(session: Session) -> dict[str, Any]:
    """Return the server's statistics, and in what it is unlike beanstalkd 1.13."""
    server = session.server()
    can = session._lookups.capabilities_of(server)
    return {**as_dict(server), **{kind: words for kind in KINDS if (words := can.in_words(kind))}}


def check_tube_exists(session: Session, tube: str | None) -> None:
    """Raise if no tube has this name or matches this glob; a typing error must not look like an empty tube."""
    if tube is not None:
        session._lookups.check_tube(tube)


def look_for_tube(session: Session, tube: str | None) -> None:
    """Do as `check_tube_exists`, but only warn about a glob that matches no tube."""
    try:
        check_tube_exists(session, tube)
    except NotFound as error:
        if not is_glob(tube or ""):
            raise
        click.echo(safe_text(f"beanops: {error}"), err=True)


def job_by_id(session: Session, id: int) -> FoundJob:
    """Return a job, or raise that there is none."""
    try:
        return session.job(id)
    except NotFound:
        raise Incomplete(f"job {id} does not exist") from None


@click.command()
@options.tube
@click.option("--state", type=OneOf(AT_REST), help="State of the next job to show")
@id_options.ids()
@options.redact
@click.option("--raw", is_flag=True, help="Write the bytes of the body")
@options.server
@options.printing
def peek(
    tube: str | None,
    state: str | None,
    ids: list[int] | None,
    redact: tuple[str, ...],
    raw: bool,
    server: str,
    output: str,
) -> None:
    """Show the next job of TUBE in each state, or the jobs of --ids, without reserving them.

    One job is shown whole with its decoded body, several as a table.
    """
    if (tube is None) == (ids is None):
        raise click.UsageError("give either TUBE or --ids")
    if ids is not None and state is not None:
        raise click.UsageError("--state goes with a tube, not with --ids")
    if ids is not None and len(ids) > _MOST_PEEKED:
        raise click.UsageError(
            f"these are {len(ids):,} ids, and peek takes {_MOST_PEEKED:,}: beanops jobs --ids ... -o jsonl takes more"
        )
    with connect(server, source="cli", redact=redact) as session:
        if ids is not None:
            jobs = list(session._lookups.jobs_by_id(ids))
            missing = [f"job {id} does not exist" for id, job in zip(ids, jobs, strict=True) if job is None]
        else:
            assert tube is not None
            jobs, missing = _heads(session, tube, [state] if state else list(AT_REST))
    found = [job for job in jobs if job is not None]
    if raw:
        _write_raw(found, missing)
    else:
        show_jobs(found, output)
    if missing and (ids is not None or not found):
        more = f" ({len(missing) - 1:,} more like it)" if len(missing) > 1 and ids is not None else ""
        raise Incomplete(f"{missing[0]}{more}")


def _heads(session: Session, tube: str, states: list[str]) -> tuple[list[FoundJob | None], list[str]]:
    """Return the next job in each state, and a reason for when there is none."""
    heads = session.next_jobs(tube)
    return [heads[state] for state in states], [f"no job of tube {tube} is {' or '.join(states)}"]


def _write_raw(jobs: list[FoundJob], missing: list[str]) -> None:
    if len(jobs) > 1:
        raise click.UsageError(f"--raw writes one body, and these are {len(jobs):,} jobs")
    if on_terminal("stdout"):
        raise Refused("--raw is not for a terminal, which a body may control: write it to a file or a pipe")
    for job in jobs:
        if job.body is None:
            raise Incomplete(f"the body of job {job.id} is {_NOT_YET}")
        click.echo(job.body, nl=False)


def show_jobs(jobs: Sequence[FoundJob], output: str) -> None:
    """Print jobs: one whole, its body decoded; several in a table."""
    if output == "json":
        print_json([{**row_of(job), **body_fields(job.body)} for job in jobs])
    elif output == "csv":
        print_csv([csv_row(job) for job in jobs], CSV_COLUMNS)
    elif len(jobs) == 1:
        (job,) = jobs
        show_one(as_dict(job.stats), job)
    elif jobs:
        print_columns(
            job_columns("cli"),
            [shown_job(job, _NOT_YET if job.body is None else decode(job.body).summary) for job in jobs],
        )


def show_one(fields: dict[str, Any], job: FoundJob) -> None:
    """Print a job that is known by some fields, with its body decoded."""
    if job.body is None:
        print_fields({**fields, "body": _NOT_YET})
        return
    decoded = decode(job.body)
    print_fields({**fields, "body": f"{plural(job.size, 'byte')}, {', '.join(decoded.chain) or 'unread'}"})
    click.echo(f"\n{decoded.text}")


def row_of(job: FoundJob) -> dict[str, Any]:
    """Return what is known of a job but its body, with facts that identify it should its id be reused."""
    # In whole seconds, as ages are: two looks at a job print the same.
    created = None if job.created is None else datetime.fromtimestamp(int(job.created), UTC).isoformat()
    memory = {"instance": job.instance or None, "created": created, "digest": digest_shown(job)}
    return {**as_dict(job.stats), **memory}


def csv_row(job: FoundJob) -> dict[str, Any]:
    """Return a job as a row of CSV."""
    return {**row_of(job), "body": None if job.body is None else job.body.decode("utf-8", "backslashreplace")}


def body_fields(body: bytes | None) -> dict[str, Any]:
    """Return a body for JSON: exact and decoded; null while its put is under way."""
    if body is None:
        return {"body": None}
    decoded = decode(body)
    try:
        exact = {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        exact = {"body_base64": base64.b64encode(body).decode("ascii")}
    return {**exact, "format": list(decoded.chain), "data": decoded.data}
