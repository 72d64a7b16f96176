"""Commands on jobs in files: export, import, and named samples."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from beanops.cli import complete, ids, options
from beanops.cli.commands.act import report_put
from beanops.cli.commands.tubes import body_fields, check_tube_exists, job_by_id, show_one
from beanops.cli.exits import Incomplete
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_csv, print_json, print_table
from beanops.cli.plan import ask, confirmed, planned, preview
from beanops.cli.runs import report, underway
from beanops.cli.selection import choose
from beanops.cli.streams import standard_input
from beanops.jobs.bodies import Reader, decode
from beanops.jobs.hiding import hide
from beanops.session.connect import connect
from beanops.session.files import samples
from beanops.text import plural

_force = click.option("--force", is_flag=True, help="Overwrite an existing file")


@click.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--tube", metavar="TUBE", shell_complete=complete.tubes, help="Tube name or glob")
@click.option("--delete", is_flag=True, help="Delete jobs once they are on disk; asks first")
@_force
@ids.jobs()
@options.bulk
def export(file: str, delete: bool, force: bool, **asked: Any) -> None:
    """Write jobs to FILE as JSON lines for import, oldest first; - is standard output.

    Reserved jobs are skipped unless --state names them. --redact applies to the sample of a dry run; the file contains
    the original bodies.
    """
    chosen = choose(asked, all_tubes=True)
    if file == "-" and delete:
        raise click.UsageError("--delete deletes only what is safely on disk: name a file")
    with options.opened(asked) as session:
        check_tube_exists(session, asked["tube"])
        chosen = chosen.whole(session._lookups)
        # In a dry run the file is only a name.
        plan = partial(session.export, file, chosen.jobs, delete=delete, **chosen.which, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, "export and delete" if delete else "export")
            return
        if delete and not (asked["yes"] or session.read_only):
            chosen = confirmed("export and delete", chosen, plan, session.profile)
        how = {name: asked[name] for name in ("reason", "rate") if asked[name] is not None}
        out = file if file != "-" else sys.stdout.buffer
        with underway("export") as progress:
            run = session.export(out, chosen.jobs, delete=delete, force=force, **how, **chosen.which, progress=progress)
        report(run, asked["output"], err=file == "-", missing=chosen.missing)


@click.command("import")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--repeat", type=OneOf(["unknown", "all"]),
    help="Also put lines with unknown outcome, or all lines",
)  # fmt: skip
@options.buried_as
@options.schema
@options.planning
def import_(file: str, repeat: Any, buried_as: Any, schema: Any, **asked: Any) -> None:
    """Put the jobs of an exported FILE, in its order, with tube, priority, TTR, remaining delay and burial.

    With - as FILE, beanops reads standard input.

    Your own lines need a tube and a body: {"tube": "mail", "body": "..."}, or body_base64 for bytes. priority, ttr and
    delay are optional.

    beanops checks the whole file first. It skips lines that an earlier import of the same file put, so you can repeat
    an import that was cut off.
    """
    with ExitStack() as opened:
        session = opened.enter_context(options.opened(asked))
        source: Any = file
        if file == "-":  # it is read more than once
            source = opened.enter_context(tempfile.TemporaryFile())
            stream = standard_input()
            while part := stream.read(1 << 16):
                source.write(part)
        plan = partial(session.import_, source, repeat=repeat, buried_as=buried_as, schema=schema, dry_run=True)
        if asked["dry_run"]:
            preview(session, plan, asked, "import")
            return
        total = None
        if not (asked["yes"] or session.read_only):
            run = planned(plan)
            total = run.done
            ask("import", plural(total, "job"), run, session.profile, count=total)
        with underway("import", total) as progress:
            run = session.import_(
                source,
                repeat=repeat,
                buried_as=buried_as,
                schema=schema,
                rate=asked["rate"],
                reason=asked["reason"],
                progress=progress,
            )
        report(run, asked["output"])


@click.group()
@click.pass_context
def sample(ctx: click.Context) -> None:
    """Save jobs as named samples, and put them when you need them."""
    options.hand_down(ctx, sample)


_SAMPLE_COLUMNS = ("name", "tube", "size", "body")
_name = click.argument("name", shell_complete=complete.samples)


@sample.command()
@click.argument("name")
@click.argument("body", type=OneOf(["-"]), required=False, metavar="[-]")
@click.option("--id", "id", type=options.ID, metavar="ID", help="Job id")
@click.option("--tube", default="default", show_default=True, help="Tube for a body from standard input")
@_force
@options.server
def save(name: str, body: str | None, id: int | None, tube: str, force: bool, server: str) -> None:
    """Save the job of --id, or with - a body from standard input, as NAME."""
    if (body is None) == (id is None):
        raise click.UsageError("give either --id, or - and a body on standard input")
    if id is None:
        samples.save(name, samples.sample_of(tube, standard_input().read()), force=force)
    else:
        with connect(server, source="cli") as session:
            job = job_by_id(session, id)
            if job.body is None:
                raise Incomplete(f"the body of job {id} is not yet at the server")
            at_rest = job.stats._replace(state="ready", time_left=0)
            origin = {"server": str(session.address), "instance": session.server().id}
            samples.save(name, job._replace(stats=at_rest), **origin, force=force)
    click.echo(name)


@sample.command("list")
@options.redact
@options.printing
def list_(redact: tuple[str, ...], output: str) -> None:
    """List the samples."""
    rows = []
    reader = Reader(redact)
    for name in samples.names():
        job = hide(samples.load(name), reader)
        rows.append({"name": name, "tube": job.stats.tube, "size": job.size, "body": decode(job.body or b"").summary})
    if output == "json":
        print_json(rows)
    elif output == "csv":
        print_csv(rows, _SAMPLE_COLUMNS)
    else:
        print_table(_SAMPLE_COLUMNS, [[*row.values()] for row in rows])


@sample.command()
@_name
@options.redact
@options.printing
def show(name: str, redact: tuple[str, ...], output: str) -> None:
    """Show a sample with its decoded body."""
    job = hide(samples.load(name), Reader(redact))
    body = job.body or b""
    fields = {"name": name, "tube": job.stats.tube, "priority": job.stats.priority, "ttr": job.stats.ttr}
    if output == "json":
        print_json([{**fields, **body_fields(body)}])
    elif output == "csv":
        print_csv([{**fields, "body": body.decode("utf-8", "backslashreplace")}], [*fields, "body"])
    else:
        show_one(fields, job)


@sample.command("put")
@_name
@click.option("--tube", shell_complete=complete.tubes, help="Destination tube; its own by default")
@options.acting
def put_(name: str, tube: str | None, **asked: Any) -> None:
    """Put a sample with its priority and TTR, and print the id of the new job."""
    job = samples.load(name)
    stats = job.stats
    with options.opened(asked) as session:
        run = session.put(
            job.body or b"", tube=tube or stats.tube, priority=stats.priority, ttr=stats.ttr, reason=asked["reason"]
        )
        report_put(run, asked["output"])
