"""Commands on the journal: show, verify, prune."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from itertools import islice, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beanops.cli import complete, options, spreadsheet
from beanops.cli.confirm import confirm
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_columns, print_csv, print_json
from beanops.cli.streams import on_terminal
from beanops.journal import explanations
from beanops.journal.filters import Filter
from beanops.journal.records import Action, Refused
from beanops.protocol.errors import BeanopsError
from beanops.session.config import default_journal, profile
from beanops.session.connect import connect
from beanops.session.execution.verbs import ACTIONS
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.columns.journal import DoneAction, action_columns
from beanops.ui.confirmation import confirmation
from beanops.ui.defaults import MOST_ACTIONS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Journal(click.Group):
    """A group that shows the journal, or one run, by default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``show`` before what is neither a subcommand nor a cry for help; a shell may still complete to one."""
        if args[0] not in (*self.commands, "-h", "--help") if args else not ctx.resilient_parsing:
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer what may stand first: an option or a run for ``show``, or a subcommand."""
        with show.make_context("show", [], parent=ctx, resilient_parsing=True) as shown:
            runs = show.params[0].shell_complete(shown, incomplete)
            return show.shell_complete(shown, incomplete) or [*super().shell_complete(ctx, incomplete), *runs]


@click.group(cls=_Journal)
@click.pass_context
def journal(ctx: click.Context) -> None:
    """Show the actions on the server, or those of one run: beanops journal [RUN] (see journal show --help)."""
    options.hand_down(ctx, journal)


class _Since(click.ParamType[datetime]):
    """A time: ``2026-01-31``, with hours and minutes if wanted (UTC), or a period before now such as ``2h``."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            try:
                return datetime.now(UTC) - options.PERIOD.convert(value, param, ctx)
            except click.BadParameter as error:
                self.fail(f"{error.message}, and no date such as 2026-01-31", param, ctx)
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


@journal.command()
@click.argument("run", required=False, shell_complete=complete.runs)
@click.option("--since", type=_Since(), metavar="TIME", help="Start of the period: 2h, 90d, or 2026-01-31")
@click.option("--action", type=click.Choice(ACTIONS), metavar="ACTION", help="Action, such as kick")
@click.option(
    "--limit",
    type=options.NUMBER,
    default=MOST_ACTIONS,
    show_default=True,
    help="Maximum number of actions, without RUN",
)
@options.server
@click.option("-o", "--output", type=click.Choice(["table", "json", "csv", "parquet"]), help=spreadsheet.OUTPUT)
@spreadsheet.option
@click.option("--json", "output", flag_value="json", help="Same as -o json")
def show(run: str | None, since: datetime | None, action: str | None, limit: int, server: str, output: str) -> None:
    """Show the actions on the server, or those of RUN, newest first. Needs no connection to the server."""
    from beanops.journal.journal import Journal

    if output == "parquet" and on_terminal("stdout"):
        raise Refused("parquet is not for a terminal: write it to a file or a pipe")
    journal = Journal(default_journal())
    server = str(profile(server).address)
    runs = None if run is None else [journal.run(run).id]
    actions = [action] if action else None
    found = journal.actions(Filter(None if run else server, since=since, actions=actions, runs=runs))
    rows = list(found if run is not None else islice(found, limit))
    if not rows and run is None and (said := explanations.no_runs_on(journal, server)):
        click.echo(safe_text(f"beanops: {said}"), err=True)
    if output == "json":
        print_json([row._asdict() for row in rows])
    elif output == "csv":
        print_csv([row._asdict() for row in rows], Action._fields)
    elif output == "parquet":
        click.echo(_parquet(rows), nl=False)
    else:
        print_columns(action_columns("cli"), starmap(DoneAction, enumerate(rows)))


def _parquet(rows: list[Action]) -> bytes:
    import duckdb

    from beanops.journal.frames import actions_frame

    frame = actions_frame(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "actions.parquet")
        connection = duckdb.connect()
        connection.register("actions", frame)
        connection.execute(f"copy (select * from actions) to '{path}' (format parquet)")
        connection.close()
        return path.read_bytes()


@journal.command()
@click.argument("run", required=False, shell_complete=complete.runs)
@options.server
@options.printing
def verify(run: str | None, server: str, output: str) -> None:
    """Ask the server about actions with unknown outcome, of RUN or of all runs on the server, oldest first."""
    with connect(server, source="cli") as session:
        verified, problems = [], []
        for id in [run] if run is not None else _unknown(session):
            try:
                verified.append(session.journal.verify(id))
            except BeanopsError as error:
                problems.append(error)
    if problems and not verified:
        raise problems[0]
    if output == "json":
        print_json(
            [{"run": one.id, "done": one.done, "failed": one.failed, "unknown": one.unknown} for one in verified]
        )
    elif output == "csv":
        counts = ("done", "failed", "unknown")
        rows = [{"run": one.id, **{name: getattr(one, name) for name in counts}} for one in verified]
        print_csv(rows, ["run", *counts])
    else:
        for one in verified:
            click.echo(safe_text(f"{one.id} {one.summary}"))
        if not verified:
            click.echo("nothing is unknown")
    left = sum(one.unknown for one in verified)
    told = [f"the server cannot tell what became of {plural(left, 'action')}"] if left else []
    if told or problems:
        raise Incomplete("; ".join([*told, *map(str, problems)]))


def _unknown(session: Session) -> list[str]:
    """Return the runs whose jobs are on the session's server and of which something is unknown, the oldest first."""
    journal, here = session._context.journal(), str(session.address)
    # What was copied to another server can be asked there, whichever server the run was on.
    runs = [row for row in reversed(journal.runs()) if row.request.get("server", row.server) == here]
    counts = journal.counts(row.id for row in runs)
    return [row.id for row in runs if counts[row.id]["unknown"]]


@journal.command()
@click.option("--older-than", type=options.PERIOD, required=True, metavar="PERIOD", help="Age of the runs, such as 90d")
@options.reason
@options.yes
def prune(older_than: timedelta, reason: str | None, yes: bool) -> None:
    """Delete runs of all servers that ended before a period, with their bodies. The journal records the pruning.

    Asks for confirmation; pass --yes where there is no terminal.
    """
    from beanops.journal.journal import Journal
    from beanops.journal.prune import prune, this_actor

    journal = Journal(default_journal())
    which = f"runs older than {_told(older_than)}"
    if not yes:
        confirm(confirmation("prune"), "prune", which)
    pruned = prune(journal, older_than, now=datetime.now(UTC), actor=this_actor(), source="cli", reason=reason)
    click.echo(f"prune: {plural(pruned.runs, 'run')} deleted (on the record as {pruned.run})")


def _told(period: timedelta) -> str:
    """Return a period in words, such as ``90 days``."""
    units = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
    unit, length = next((one for one in units.items() if not period % one[1]), ("second", timedelta(seconds=1)))
    return plural(period // length, unit)
