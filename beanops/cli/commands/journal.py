"""Commands on the journal: show, runs, verify, prune."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beanops.cli import complete, ids, options, spreadsheet
from beanops.cli.confirm import confirm
from beanops.cli.exits import Incomplete
from beanops.cli.fleets.server_option import Servers
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_columns, print_csv, print_json, print_table
from beanops.cli.streams import on_terminal
from beanops.client.address import Address
from beanops.journal import explanations
from beanops.journal.filters import Filter
from beanops.journal.records import Action, Refused, RunCounts
from beanops.protocol.errors import BeanopsError
from beanops.session.config import default_journal, profile
from beanops.session.connect import connect
from beanops.session.past_runs.journal_reader import filter_of
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.columns.journal import DoneAction, action_columns
from beanops.ui.columns.with_server import OnServer, with_server
from beanops.ui.confirmation import confirmation
from beanops.ui.defaults import MOST_ACTIONS
from beanops.ui.formatting import moment

if TYPE_CHECKING:
    import pandas
    from click.shell_completion import CompletionItem

    from beanops.journal.journal import Journal
    from beanops.session.execution.run import Run

#: Columns of the table of runs.
_RUN_COLUMNS = ("time", "run", "action", "done", "skipped", "failed", "unknown", "actor", "source", "reason", "about")


class _Journal(click.Group):
    """A group that shows the journal, or one run, by default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``show`` before a run or an option, and where there is nothing; a shell may complete to a subcommand."""
        first = args[0] if args else ""
        if first not in ("-h", "--help") and (first[:1] in "-0123456789" if args else not ctx.resilient_parsing):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer what may come first: an option or a run for ``show``, or a subcommand."""
        with show.make_context("show", [], parent=ctx, resilient_parsing=True) as shown:
            runs = show.params[0].shell_complete(shown, incomplete)
            return show.shell_complete(shown, incomplete) or [*super().shell_complete(ctx, incomplete), *runs]


@click.group(cls=_Journal)
@click.pass_context
def journal(ctx: click.Context) -> None:
    """Show the actions on the server, or those of one run: beanops journal [RUN] (see journal show --help)."""
    options.hand_down(ctx, journal)


_filters = options.together(
    click.option("--since", type=options.TIME, help="Start of the period: 2h, 90d, or 2026-01-31"),
    click.option("--until", type=options.TIME, help="End of the period, excluded: 2h, 90d, or 2026-01-31"),
    click.option("--action", metavar="ACTIONS", shell_complete=complete.actions, help="Actions, such as kick,bury"),
    click.option("--tube", metavar="TUBES", shell_complete=complete.tubes, help="Tubes by name or glob: mail,sms-*"),
    ids.jobs("--job"),
    click.option("--actor", metavar="ACTORS", help="Users by name or glob, such as 'alice@*'"),
)
_printing = options.together(
    options.fleet,
    click.option("-o", "--output", type=OneOf(["table", "json", "csv", "parquet"]), help=spreadsheet.OUTPUT),
    spreadsheet.option,
    click.option("--json", "output", flag_value="json", help="Same as -o json"),
)


def _limit(what: str) -> Callable[[Any], Any]:
    return click.option("--limit", type=options.NUMBER, default=MOST_ACTIONS, show_default=True, help=what)


@journal.command()
@click.argument("run", required=False, shell_complete=complete.runs)
@_filters
@_limit("Maximum number of actions, without RUN")
@_printing
def show(run: str | None, limit: int, server: Servers, output: str, **filters: Any) -> None:
    """Show the actions on the server, or those of RUN, newest first. Needs no connection to the server.

    All filters must match. The manual says more: beanops manual journal
    """
    journal, which, names = _opened(server, output, run=run, **filters)
    most = None if run is not None else limit
    if output == "parquet":
        from beanops.journal.frames import newest_frame

        frame = newest_frame(journal, which, most)
        if frame.empty:
            _explain(journal, which)
        _print_parquet(frame.assign(server=frame["server"].replace(names)))
        return
    rows = [row._replace(server=names.get(row.server, row.server)) for row in islice(journal.actions(which), most)]
    if not rows:
        _explain(journal, which)
    if output == "table":
        shown = starmap(DoneAction, enumerate(rows))
        if names:
            print_columns(with_server(action_columns("cli")), [OnServer(row.action.server, row) for row in shown])
        else:
            print_columns(action_columns("cli"), shown)
    else:
        _print(rows, Action, output)


@journal.command()
@_filters
@_limit("Maximum number of runs")
@_printing
def runs(limit: int, server: Servers, output: str, **filters: Any) -> None:
    """Show the runs on the server with the number of jobs in each outcome, newest first.

    Filters by job and tube show the runs that acted on them. Needs no connection to the server.
    """
    journal, which, names = _opened(server, output, **filters)
    found = journal.with_counts(journal.find_runs(which, limit=limit))
    rows = [row._replace(server=names.get(row.server, row.server)) for row in found]
    if not rows:
        _explain(journal, which)
    if output == "table":
        columns = (*_RUN_COLUMNS[:2], *(("server", "fleet") if names else ()), *_RUN_COLUMNS[2:])
        shown = [[moment(row.time), *(getattr(row, name) for name in columns[1:])] for row in rows]
        print_table(columns, shown)
    elif output == "parquet":
        from beanops.journal.frames import runs_frame

        _print_parquet(runs_frame(rows))
    else:
        _print(rows, RunCounts, output)


def _opened(server: Servers, output: str, **filters: Any) -> tuple[Journal, Filter, dict[str, str]]:
    """Return the journal, the filters of a command, and the names of several servers by their addresses."""
    from beanops.journal.journal import Journal

    if output == "parquet" and on_terminal("stdout"):
        raise Refused("parquet is not for a terminal: write it to a file or a pipe")
    journal, now = Journal(default_journal()), datetime.now(UTC)
    if isinstance(server, str):
        return journal, filter_of(journal, str(Address.parse(profile(server).address)), now, **filters), {}
    from beanops.fleet.servers import servers_of

    names = {str(Address.parse(one.address)): one.name for one in servers_of(server)}
    return journal, filter_of(journal, list(names), now, **filters), names


def _explain(journal: Journal, which: Filter) -> None:
    """Say which servers have runs if this one has none."""
    if which.server is not None and (said := explanations.no_runs_on(journal, which.server)):
        click.echo(safe_text(f"beanops: {said}"), err=True)


def _print(rows: Sequence[Any], record: type[Action] | type[RunCounts], output: str) -> None:
    if output == "json":
        print_json([row._asdict() for row in rows])
    else:
        print_csv([row._asdict() for row in rows], record._fields)


def _print_parquet(frame: pandas.DataFrame) -> None:
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        connection = duckdb.connect()
        connection.register("rows_", frame)
        connection.execute(f"copy (select * from rows_) to '{path}' (format parquet)")
        connection.close()
        click.echo(path.read_bytes(), nl=False)


@journal.command()
@click.argument("run", required=False, shell_complete=complete.runs)
@options.fleet
@options.printing
def verify(run: str | None, server: Servers, output: str) -> None:
    """Ask the server about actions with unknown outcome, of RUN or of all runs on the server, oldest first."""
    if isinstance(server, str):
        with connect(server, source="cli") as session:
            verified, problems = _verified(session, [run] if run is not None else _unknown(session))
    else:
        from beanops.cli.fleets.journal import verified_on_all

        verified, problems = verified_on_all({"server": server}, run, _verified, _unknown)
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
            click.echo("no actions with unknown outcome")
    left = sum(one.unknown for one in verified)
    doubt = [f"the server does not know the outcome of {plural(left, 'action')}"] if left else []
    if doubt or problems:
        raise Incomplete("; ".join([*doubt, *map(str, problems)]))


def _verified(session: Session, runs: Iterable[str]) -> tuple[list[Run], list[BeanopsError]]:
    """Return the runs that a server was asked about, and why it could not be asked about others."""
    verified, problems = [], []
    for id in runs:
        try:
            verified.append(session.journal.verify(id))
        except BeanopsError as error:
            problems.append(error)
    return verified, problems


def _unknown(session: Session) -> list[str]:
    """Return the runs on the session's server that have actions with unknown outcome, oldest first."""
    journal, here = session._context.journal(), str(session.address)
    # What was copied to another server can be asked there, whichever server the run was on.
    runs = [row for row in reversed(journal.runs()) if row.request.get("server", row.server) == here]
    counts = journal.counts(row.id for row in runs)
    return [row.id for row in runs if counts[row.id]["unknown"]]


@journal.command()
@click.option("--older-than", type=options.AGE, required=True, help="Age of the runs, such as 90d")
@options.reason
@options.yes
def prune(older_than: timedelta, reason: str | None, yes: bool) -> None:
    """Delete runs older than a period, of all servers, with their bodies. The journal records the pruning.

    Asks for confirmation; pass --yes where there is no terminal.
    """
    from beanops.journal.journal import Journal
    from beanops.journal.prune import prune, this_actor

    journal = Journal(default_journal())
    which = f"runs older than {_in_words(older_than)}"
    if not yes:
        confirm(confirmation("prune"), "prune", which)
    pruned = prune(journal, older_than, now=datetime.now(UTC), actor=this_actor(), source="cli", reason=reason)
    click.echo(f"prune: {plural(pruned.runs, 'run')} deleted (recorded as run {pruned.run})")


def _in_words(period: timedelta) -> str:
    """Return a period in words, such as ``90 days``."""
    units = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
    unit, length = next((one for one in units.items() if not period % one[1]), ("second", timedelta(seconds=1)))
    return plural(period // length, unit)
