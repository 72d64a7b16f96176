"""The command that moves the jobs of a server to another one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.confirm import confirm, must_ask
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_csv, print_json, print_table
from beanops.cli.runs import conclude, summary, underway
from beanops.migration.migrate import Migration
from beanops.migration.migrate import migrate as move
from beanops.migration.moved import MovedTube
from beanops.migration.report import MigrationReport, TubeToMove
from beanops.session.bars import scan_bar
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.confirmation import confirmation

_BEFORE = ("tube", "ready", "delayed", "buried", "reserved", "bytes", "largest", "too_large", "there")


@click.command()
@click.argument("source", metavar="FROM", shell_complete=complete.servers)
@click.argument("destination", metavar="TO", shell_complete=complete.servers)
@click.option("--tubes", metavar="NAMES", help="Tubes and globs, separated by commas; all by default")
@click.option(
    "--follow", type=options.SPAN, metavar="TIME",
    help="Go on until the tubes were empty for so long: 30 or 5m",
)  # fmt: skip
@options.buried_as
@options.dry_run
@options.rate
@options.yes
@options.reason
@options.printing
@options.read_only
def migrate(source: str, destination: str, **asked: Any) -> None:
    """Move the jobs of the server FROM to the server TO.

    It reports what there is and what cannot be kept, asks, moves the jobs in batches, and compares both servers at the
    end. Jobs keep tube, body, priority, TTR, the remaining delay and burial. Producers and workers may be switched over
    while it runs. "beanops resume RUN" on FROM continues after an interruption, "beanops undo RUN" on TO undoes it.
    """
    with ExitStack() as opened:
        here, there = (
            opened.enter_context(connect(name, source="cli", read_only=asked["read_only"]))
            for name in (source, destination)
        )
        how = {name: asked[name] for name in ("tubes", "buried_as") if asked[name] is not None}
        total = None
        if asked["dry_run"] or not asked["yes"]:
            if not asked["dry_run"]:
                _must_ask(here, there)
            with scan_bar(None, True) as bar:
                before = move(here, there, **how, dry_run=True, looking=bar).report
            assert before is not None
            if asked["dry_run"]:
                _print_report(before, asked["output"])
                if before.conclusion:
                    raise Incomplete(before.conclusion)
                return
            _print_report(before, "table", err=True)
            _ask(here, there, before)
            total = before.jobs
        with underway("migrate", total) as progress:
            done = move(
                here,
                there,
                **how,
                follow=asked["follow"],
                reason=asked["reason"],
                rate=asked["rate"],
                progress=progress,
            )
        _print_done(done, asked["output"])


def _must_ask(here: Session, there: Session) -> None:
    if not (here.read_only or there.read_only):
        must_ask("migrate", f"{here.address} to {there.address}")


def _ask(here: Session, there: Session, before: MigrationReport) -> None:
    """Ask by the stricter of the two profiles."""
    if here.read_only or there.read_only:
        return  # which is refused
    needed = {
        session: confirmation("migrate", before.jobs, session.profile, at_least="yes") for session in (here, there)
    }
    strict = next((session for session in (here, there) if needed[session].typed), here)
    known = strict.profile
    words = f"{plural(before.jobs, 'job')} of {here.address} to {there.address}"
    label = f"[{known.label}] " if known.label else ""
    confirm(needed[strict], "migrate", f"{label}{words}")


def _print_report(before: MigrationReport, output: str, *, err: bool = False) -> None:
    if output == "json":
        print_json(_plain(before))
    elif output == "csv":
        print_csv([row._asdict() for row in before.rows], TubeToMove._fields)
    else:
        click.echo(safe_text(before.summary), err=err)
        lines = [f"  {side}: beanstalkd {facts.version}, -z {facts.max_job_size:,}" for side, facts in _sides(before)]
        click.echo("\n".join(map(safe_text, lines)), err=err)
        if before.rows:
            print_table(_BEFORE, [[getattr(row, name) for name in _BEFORE] for row in before.rows], err=err)
        for title, notes in (("not kept:", before.lost), ("note:", before.notes)):
            for note in notes:
                click.echo(safe_text(f"{title} {note}"), err=err)


def _sides(before: MigrationReport) -> list[tuple[str, Any]]:
    return [("from", before.source), ("to", before.destination)]


def _plain(before: MigrationReport) -> dict[str, Any]:
    return {
        "from": before.source._asdict(),
        "to": before.destination._asdict(),
        "jobs": before.jobs,
        "tubes": [row._asdict() for row in before.rows],
        "not_kept": list(before.lost),
        "notes": before.notes,
        "missing": before.conclusion or None,
    }


def _print_done(done: Migration, output: str) -> None:
    assert done.run is not None
    rows = done.check.rows if done.check is not None else []
    if output == "json":
        print_json({**summary(done.run), "tubes": [row._asdict() for row in rows], "complete": done.complete})
    elif output == "csv":
        print_csv([row._asdict() for row in rows], MovedTube._fields)
    elif rows:
        print_table(MovedTube._fields, rows)
    if output == "table" and done.complete:
        click.echo(safe_text(done.summary))
    if done.run.stopped:
        done.run.resumable = False  # its advice names no server
        done.run.stopped += "; to continue, run the same command again"
    conclude(done.run, output)
    if not done.complete:
        raise Incomplete(done.summary)
