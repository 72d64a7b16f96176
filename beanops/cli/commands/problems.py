"""The command that shows what is wrong with a server and its tubes."""

from __future__ import annotations

import os
from shlex import quote
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.exits import INCOMPLETE
from beanops.cli.fleets.server_option import Servers
from beanops.cli.one_of import OneOf
from beanops.cli.output import print_columns, print_csv, print_json
from beanops.monitor.problems.problem import SEVERITIES
from beanops.session.connect import connect
from beanops.session.watching.problems_now import APART, DatedProblem, problems_now
from beanops.ui.columns.problems import DATED_COLUMNS


@click.command()
@click.argument("pattern", required=False, metavar="[TUBE]", shell_complete=complete.tubes)
@click.option("--severity", type=OneOf(SEVERITIES), help="Only problems at least as bad: warning, critical")
@click.option(
    "--seconds",
    type=options.SPAN,
    default=str(APART),
    help="Time between two looks, 1 by default; 0 for one look",
)
@options.fleet
@options.printing
@click.pass_context
def problems(
    ctx: click.Context, pattern: str | None, severity: str | None, seconds: float, server: Servers, output: str
) -> None:
    """Show what is wrong with the server and its tubes, or with TUBE or all that match it, such as 'mail-*'.

    The exit code is 0 without problems and 1 with some. Rates need two looks, --seconds apart. The thresholds are in
    config.toml, under [problems].
    """
    worst = SEVERITIES if severity is None else SEVERITIES[: SEVERITIES.index(severity) + 1]
    if isinstance(server, tuple):
        from beanops.cli.fleets import looking
        from beanops.cli.fleets.opening import RowFormat

        form = RowFormat(_fields, _fields, [column.name for column in DATED_COLUMNS])
        if looking.show_problems({"server": server, "output": output}, pattern, seconds, worst, _on, form):
            ctx.exit(INCOMPLETE)
        return
    with connect(server, source="cli") as session:
        found = problems_now(session._lookups, pattern, seconds, session._context.now)
    found = [one for one in found if one.problem.severity in worst]
    usual = os.environ.get("BEANOPS_SERVER") or options.DEFAULT_SERVER
    rows = [_on(one, server) for one in found] if server != usual else found
    if output == "json":
        print_json([_fields(one) for one in rows])
    elif output == "csv":
        print_csv([_fields(one) for one in rows], [column.name for column in DATED_COLUMNS])
    elif rows:
        print_columns(DATED_COLUMNS, rows)
    else:
        click.echo("no problems")
    if rows:
        ctx.exit(INCOMPLETE)


def _on(one: DatedProblem, server: str) -> DatedProblem:
    """Return a problem whose command names the server."""
    look_at = one.problem.look_at.replace("beanops ", f"beanops -s {quote(server)} ", 1)
    return one._replace(problem=one.problem._replace(look_at=look_at))


def _fields(one: DatedProblem) -> dict[str, Any]:
    problem = one.problem
    return {
        "severity": problem.severity,
        "problem": problem.name,
        "tube": problem.tube,
        "tubes": list(problem.tubes),
        "job": problem.job,
        "reason": problem.reason,
        "since": one.since.isoformat(timespec="seconds"),
        "look_at": problem.look_at,
    }
