"""Commands that act on jobs and tubes. Each asks the session, prints what came of it, and fails if it was not all."""

from __future__ import annotations

import os
from typing import Any

import click

from beanops.cli import options
from beanops.cli.exits import Incomplete, Unreachable
from beanops.cli.output import print_csv, print_json
from beanops.cli.streams import on_terminal, standard_input
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR
from beanops.session.record import Action, Refused
from beanops.session.run import Run
from beanops.session.session import Session, connect

_ROW = [field for field in Action._fields if field != "run"]


_acting = options.together(options.server, options.printing, options.read_only)


_new_priority = click.option("--priority", type=options.NUMBER, help="New priority; by default each job keeps its own.")


@click.command()
@click.argument("tube")
@click.argument("body", default="-")
@click.option("--priority", type=options.NUMBER, default=DEFAULT_PRIORITY, show_default=True, help="0 is most urgent.")
@click.option("--delay", type=options.NUMBER, default=0, show_default=True, help="Seconds until it becomes ready.")
@click.option(
    "--ttr", type=options.NUMBER, default=DEFAULT_TTR, show_default=True, help="Seconds that a worker may hold it."
)
@_acting
def put(tube: str, body: str, priority: int, delay: int, ttr: int, server: str, output: str, read_only: bool) -> None:
    """Put a job into TUBE and print its id.

    BODY is the text itself, @FILE for the content of a file, or - (or nothing) for standard input.
    """
    if body == "-" and on_terminal("stdin"):
        raise click.UsageError("give a body, @FILE, or standard input")
    with connect(server, source="cli", read_only=read_only) as session:
        run = session.put(tube, _read(body, session.server().max_job_size), priority=priority, delay=delay, ttr=ttr)
        if output == "table" and run.complete:
            click.echo(run.ids[0])
        else:
            _report(run, output)


def _read(body: str, maximum: int) -> bytes:
    """Return the bytes that a BODY argument stands for, of at most `maximum`."""
    if body != "-" and not body.startswith("@"):
        content = os.fsencode(body)
    elif body == "-":
        content = standard_input().read(maximum + 1)
    else:
        try:
            with open(body[1:], "rb") as file:
                content = file.read(maximum + 1)
        except (OSError, ValueError) as error:
            raise click.UsageError(f"cannot read {body[1:]}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > maximum:
        raise click.UsageError(f"the body is longer than the {maximum} bytes that the server takes (max-job-size)")
    return content


@click.command()
@click.argument("tube", required=False)
@click.option("--limit", type=options.NUMBER, help="Most jobs of the tube to kick.")
@options.ids(required=False)
@_acting
def kick(tube: str | None, limit: int | None, ids: list[int] | None, server: str, output: str, read_only: bool) -> None:
    """Make jobs ready: those of --ids that are buried or delayed, or the next --limit of TUBE.

    Of a tube the buried jobs are kicked, oldest burial first; the delayed ones only when none is buried.
    """
    if (tube is None) == (ids is None):
        raise click.UsageError("name a tube, or jobs by --ids: one of the two")
    if tube is not None and limit is None:
        raise click.UsageError("how many jobs of the tube at most? give --limit")
    if ids is not None and limit is not None:
        raise click.UsageError("--limit goes with a tube, not with --ids")
    with connect(server, source="cli", read_only=read_only) as session:
        _report(session.kick(ids) if ids is not None else session.kick(tube or "", limit=limit), output)


@click.command()
@options.ids()
@_new_priority
@_acting
def bury(ids: list[int], priority: int | None, server: str, output: str, read_only: bool) -> None:
    """Bury jobs that are ready or delayed: no worker gets them until they are kicked (server 1.12 on)."""
    with connect(server, source="cli", read_only=read_only) as session:
        _report(session.bury(ids, priority=priority), output)


@click.command()
@options.ids()
@_new_priority
@click.option("--delay", type=options.NUMBER, default=0, show_default=True, help="Seconds until they are ready.")
@_acting
def release(ids: list[int], priority: int | None, delay: int, server: str, output: str, read_only: bool) -> None:
    """Make jobs ready, or delayed with --delay: ready, delayed and buried ones (server 1.12 on)."""
    with connect(server, source="cli", read_only=read_only) as session:
        _report(session.release(ids, priority=priority, delay=delay), output)


@click.command()
@options.ids()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_acting
def delete(ids: list[int], yes: bool, server: str, output: str, read_only: bool) -> None:
    """Delete jobs that are ready, delayed or buried. Asks first; without a terminal it needs --yes."""
    with connect(server, source="cli", read_only=read_only) as session:
        if not (yes or read_only):
            _confirm(ids, session)
        _report(session.delete(ids), output)


def _confirm(ids: list[int], session: Session) -> None:
    which = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids):,} jobs"
    if not on_terminal("stdin", "stderr"):
        raise Refused(f"delete of {which} was refused: there is nobody to ask, and no --yes")
    if not click.confirm(f"Delete {which} on {session.address}?", default=False, err=True):
        raise Refused("nothing was deleted")


@click.command()
@click.argument("tube")
@click.argument("seconds", type=options.NUMBER)
@_acting
def pause(tube: str, seconds: int, server: str, output: str, read_only: bool) -> None:
    """Hold back the ready jobs of TUBE from workers for SECONDS."""
    with connect(server, source="cli", read_only=read_only) as session:
        _report(session.pause(tube, seconds), output)


@click.command()
@click.argument("tube")
@_acting
def resume(tube: str, server: str, output: str, read_only: bool) -> None:
    """End the pause of TUBE."""
    with connect(server, source="cli", read_only=read_only) as session:
        _report(session.resume(tube), output)


def _report(run: Run, output: str) -> None:
    """Print what a run did; raise if that is not all it was asked for.

    Raises
    ------
    Incomplete
        Some of it was not done.
    Unreachable
        The server was lost before anything was done.
    """
    if output == "json":
        print_json(_summary(run))
    elif output == "csv":
        print_csv([row._asdict() for row in run.rows], _ROW)
    elif run.complete:
        click.echo(run.summary)
    if run.stopped and not (run.done or run.unknown):
        raise Unreachable(run.summary)
    if not run.complete:
        raise Incomplete(run.summary)


def _summary(run: Run) -> dict[str, Any]:
    counts = {outcome: getattr(run, outcome) for outcome in ("done", "skipped", "failed", "unknown")}
    rows = [row._asdict() for row in run.rows]
    return {"run": run.id, "action": run.action, **counts, "stopped": run.stopped, "actions": rows}
