"""Commands that put a job, pause a tube, and end a pause or go on with a run. Those on many jobs are in `bulk`."""

from __future__ import annotations

import os
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.confirm import confirm
from beanops.cli.runs import gently, is_run_id, report
from beanops.cli.streams import on_terminal, standard_input
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR
from beanops.session.record import JournalError, RunRow
from beanops.session.run import Run
from beanops.session.session import Session, connect

#: Actions that are taken back by deleting what they put; an undo may be one of these, of a delete.
_UNDONE_BY_DELETE = ("put", "copy", "import", "undo")


@click.command()
@options.this_tube
@click.argument("body", default="-")
@click.option("--priority", type=options.NUMBER, default=DEFAULT_PRIORITY, show_default=True, help="0 is most urgent.")
@click.option("--delay", type=options.NUMBER, default=0, show_default=True, help="Seconds until it becomes ready.")
@click.option(
    "--ttr", type=options.NUMBER, default=DEFAULT_TTR, show_default=True, help="Seconds that a worker may hold it."
)
@options.acting
def put(tube: str, body: str, priority: int, delay: int, ttr: int, **asked: Any) -> None:
    """Put a job into TUBE and print its id.

    BODY is the text itself, @FILE for the content of a file, or - (or nothing) for standard input.
    """
    if body == "-" and on_terminal("stdin"):
        raise click.UsageError("give a body, @FILE, or standard input")
    with _opened(asked) as session:
        content = _read(body, session.server().max_job_size)
        report_put(
            session.put(tube, content, priority=priority, delay=delay, ttr=ttr, reason=asked["reason"]), asked["output"]
        )


def report_put(run: Run, output: str) -> None:
    """Print the id of a job that was put, or why there is none."""
    if output == "table" and run.complete:
        click.echo(run.ids[0])
    else:
        report(run, output)


def _opened(asked: dict[str, Any]) -> Session:
    return connect(asked["server"], source="cli", read_only=asked["read_only"])


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
@options.this_tube
@click.argument("seconds", type=options.NUMBER)
@options.acting
def pause(tube: str, seconds: int, **asked: Any) -> None:
    """Hold back the ready jobs of TUBE from workers for SECONDS."""
    with _opened(asked) as session:
        report(session.pause(tube, seconds, reason=asked["reason"]), asked["output"])


@click.command()
@click.argument("which", metavar="TUBE-or-RUN", shell_complete=complete.tubes_and_runs)
@options.yes
@options.acting
def resume(which: str, yes: bool, **asked: Any) -> None:
    """End the pause of a tube, or go on with a run that was cancelled or cut off: do the rest of it.

    A run that deletes asks first; without a terminal it needs --yes.
    """
    with _opened(asked) as session:
        row = find_run(session, which) if is_run_id(which) else None
        if row is None:
            run = session.resume(which, reason=asked["reason"])
        else:
            if not (yes or session.read_only):
                confirm(
                    f"go on with {row.action}", f"run {row.id}", asked["server"],
                    count=None if row.action == "delete" else 0, destroys=row.action == "delete",
                )  # fmt: skip
            with gently():
                run = session.resume_run(row.id, reason=asked["reason"])
        report(run, asked["output"])


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs)
@click.option("--where", metavar="SQL", help="Only jobs that were so before, such as \"tube = 'mail'\".")
@options.yes
@options.acting
def undo(run_id: str, where: str | None, yes: bool, **asked: Any) -> None:
    """Take back what a run did, as far as the world has not moved on. An undo is a run, and can be undone.

    Jobs that were deleted are put again with new ids; what was put, copied or imported is deleted, which asks first.
    """
    with _opened(asked) as session:
        journal = session.journal()
        row = journal.run(run_id)
        if not (yes or session.read_only):
            count = journal.counts([run_id])[run_id]["done"]
            told = f"the {row.action} of {count:,} jobs in run {run_id}"
            confirm("undo", told, asked["server"], count=count, destroys=row.action in _UNDONE_BY_DELETE)
        with gently():
            run = session.undo(run_id, where=where, reason=asked["reason"])
        report(run, asked["output"])


def find_run(session: Session, id: str) -> RunRow | None:
    """Return a run that is on record, None when there is none of that id."""
    try:
        return session.journal().run(id)
    except JournalError:
        return None
