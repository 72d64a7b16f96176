"""Commands on one tube or run: put, pause, unpause, resume and undo. Those on many jobs are in `bulk`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.confirm import must_ask
from beanops.cli.one_of import OneOf
from beanops.cli.plan import ask, planned, preview
from beanops.cli.runs import report, underway
from beanops.cli.streams import on_terminal, standard_input
from beanops.journal.records import RunRow
from beanops.protocol.errors import UsageError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.text import plural
from beanops.ui.confirmation import confirmation

#: Servers that an error names.
_NAMED = 5


@click.command()
@options.this_tube
@click.argument("body", default="-")
@click.option(
    "--priority",
    type=options.NUMBER,
    default=DEFAULT_PRIORITY,
    show_default=True,
    help="Priority; 0 is most urgent",
)
@click.option(
    "--delay", type=options.SECONDS, default=0, show_default=True, help="Time until the job is ready: 90 or 10m"
)
@click.option(
    "--ttr",
    type=options.SECONDS,
    default=DEFAULT_TTR,
    show_default=True,
    help="Time to run: 90 or 10m",
)
@options.schema
@options.acting
def put(tube: str, body: str, priority: int, delay: int, ttr: int, schema: str | None, **asked: Any) -> None:
    """Put a job into TUBE and print its id.

    BODY is text, @FILE for the content of a file, or - for standard input, which is the default.
    """
    if body == "-" and on_terminal("stdin"):
        raise click.UsageError("give a body, @FILE, or standard input")
    with options.opened(asked) as session:
        content = _read(body, session.server().max_job_size)
        how = {"priority": priority, "delay": delay, "ttr": ttr}
        run = session.put(content, tube=tube, **how, schema=schema, reason=asked["reason"])
        report_put(run, asked["output"])


def report_put(run: Run, output: str) -> None:
    """Print the id of a new job, or the reason for its absence."""
    if output == "table" and run.complete:
        click.echo(run.ids[0])
    else:
        report(run, output)


def _read(body: str, maximum: int) -> bytes:
    """Return the bytes of a BODY argument, at most `maximum`."""
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
        raise click.UsageError(f"the body is longer than the {maximum:,} bytes that the server takes (max-job-size)")
    return content


@click.command()
@options.this_tube
@click.argument("seconds", type=options.SECONDS)
@options.acting_all
def pause(tube: str, seconds: int, **asked: Any) -> None:
    """Pause TUBE for SECONDS: workers get none of its ready jobs."""
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_tube

        act_on_tube("pause", tube, (seconds,), asked)
        return
    with options.opened(asked) as session:
        report(session.pause(tube, seconds, reason=asked["reason"]), asked["output"])


@click.command()
@options.this_tube
@options.acting_all
def unpause(tube: str, **asked: Any) -> None:
    """End the pause of TUBE."""
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_tube

        act_on_tube("unpause", tube, (), asked)
        return
    with options.opened(asked) as session:
        report(session.unpause(tube, reason=asked["reason"]), asked["output"])


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs)
@options.query_timeout
@options.planning_all
def resume(run_id: str, **asked: Any) -> None:
    """Resume a run that was cancelled or cut off: act on the remaining jobs, oldest first.

    Asks for confirmation where the run itself did: if it deletes, or acts on many jobs.
    """
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_past

        act_on_past("resume", run_id, {}, asked)
        return
    with options.opened(asked) as session:
        row = _run_here(session, run_id)
        rest = partial(session.resume, row.id)
        _follow(session, rest, row.action, f"run {row.id}", asked, verb=f"resume {row.action}")


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete.runs)
@click.option("--where", metavar="SQL", help="SQL predicate on the jobs before the run")
@options.query_timeout
@click.option(
    "--repeat", type=OneOf(["unknown"]),
    help="Also put jobs with unknown outcome; may create duplicates",
)  # fmt: skip
@options.buried_as
@options.planning_all
def undo(run_id: str, where: str | None, repeat: Any, buried_as: Any, **asked: Any) -> None:
    """Undo a run where jobs have not changed since. An undo is a run, and can be undone.

    Oldest jobs first. Deleted jobs are put again with new ids. Jobs that the run put, copied or imported are deleted,
    after a confirmation. Actions with unknown outcome are skipped; "beanops journal verify" asks the server about them.
    """
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets.acting import act_on_past

        act_on_past("undo", run_id, {"where": where, "repeat": repeat, "buried_as": buried_as}, asked)
        return
    with options.opened(asked) as session:
        row = _run_here(session, run_id)
        back = partial(session.undo, row.id, where=where, repeat=repeat, buried_as=buried_as)
        _follow(session, back, "undo", f"the {row.action} of run {row.id}", asked, undoes=row.action)


def _run_here(session: Session, id: str) -> RunRow:
    """Return a run, or the run on this server of a call on several servers."""
    from beanops.fleet.past_runs import rows_of

    rows, here = rows_of(session._context.journal(), id), str(session.address)
    if rows[0].id == id:
        return rows[0]
    for row in rows:
        if here in (row.server, row.request.get("server")):
            return row
    options = " ".join(f"-s {row.server}" for row in rows[:_NAMED]) + (" ..." if len(rows) > _NAMED else "")
    raise UsageError(f"run {id} is not on {here} but on {plural(len(rows), 'other server')}: beanops {options}")


def _follow(
    session: Session,
    call: Callable[..., Run],
    action: str,
    which: str,
    asked: dict[str, Any],
    *,
    verb: str = "undo",
    undoes: str = "",
) -> None:
    """Undo or resume a run, or show what that would do."""
    plan = partial(call, dry_run=True)
    if asked["dry_run"]:
        preview(session, plan, asked, action, undoes=undoes)
        return
    total = None
    if not (asked["yes"] or session.read_only):
        if confirmation(action, 0, session.profile, undoes=undoes).kind != "nothing":
            must_ask(verb, which)
        run = planned(plan)
        total = run.done
        if total:
            jobs = f"{which} ({plural(total, 'job')})"
            ask(action, jobs, run, session.profile, count=total, verb=verb, undoes=undoes)
    with underway(verb, total) as progress:
        run = call(reason=asked["reason"], rate=asked["rate"], progress=progress)
    report(run, asked["output"])
