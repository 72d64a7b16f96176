"""The command that groups jobs by cause."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from shlex import quote
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.commands.jobs import conclude
from beanops.cli.commands.tubes import look_for_tube
from beanops.cli.ending import interruptible
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_csv, print_json, table_lines
from beanops.cli.streams import on_terminal
from beanops.session.bars import bar_for
from beanops.session.investigation.groups import FoundGroups, GroupSearch, JobGroup
from beanops.session.investigation.last_shown import LastGroup, keep_groups
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.columns.column import Column
from beanops.ui.columns.groups import group_columns

#: Groups of a table, and columns of a terminal on which a cause has a line of its own.
_MOST, _NARROW = 20, 120
_JSON = (
    "name", "count", "share", "oldest", "newest", "trend", "cause", "timeouts", "releases", "buries", "hint", "sample",
    "tube", "state", "where",
)  # fmt: skip
_CSV = tuple(name for name in JobGroup._fields if name != "trend")


@click.command()
@options.tube
@click.option("--by", metavar="SQL", shell_complete=complete.expressions, help="SQL expression to group by")
@click.option(
    "--most", type=options.NUMBER, default=_MOST, show_default=True, help="Maximum number of groups, the largest"
)
@options.any_state
@options.where
@options.group
@click.option("--limit", type=options.NUMBER, help="Maximum number of jobs, the newest")
@options.searching_all
@options.printing
def groups(tube: str | None, by: str | None, most: int, output: str, **asked: Any) -> None:
    """Group the jobs of TUBE (a name or a glob), or of all tubes, by the cause in their bodies, the largest first.

    A group is a selection, in this and all other commands: beanops kick TUBE --group g7f31c0a2

    --by groups by an expression instead, on the columns of "beanops jobs --where": --by "data->>'$.customer'". The
    --where of such a group is in JSON and CSV.
    """
    which = {name: asked[name] for name in ("state", "where", "limit", "probe", "rate")}
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets import looking
        from beanops.cli.fleets.opening import RowFormat

        asked["output"], which["group"] = output, asked["group"] or None
        looking.show_groups(asked, tube, by, most, which, _print_rows, RowFormat(_fields, _flat, _CSV))
        return
    with options.opened(asked) as session, bar_for(None, True, "ids", "groups") as bar:
        look_for_tube(session, tube)
        how = {"group": asked["group"] or None, "progress": None if bar is None else bar.show_scan}
        search = GroupSearch(session._context, session._lookups, tube, by=by, most=most, **which, **how)
        with interruptible(search.scan.cancel) as signals:
            search.run()
        if bar is not None:
            bar.close()
        found = search.found()
        if by is None:
            keep_groups(session.address, [LastGroup(row.name or "", row.cause or "") for row in found.groups])
        if output == "json":
            print_json([_fields(row) for row in found.groups])
        elif output == "csv":
            print_csv([_flat(row) for row in found.groups], _CSV)
        else:
            _print_table(found, session._context.now, by is not None)
            _say_what_next(found, asked, by)
    conclude(search.scan, signals)
    if not found.complete:
        raise Incomplete(found.verdict)


def show_groups(session: Session, tube: str, state: str) -> None:
    """Print the causes of the jobs of a tube in a state."""
    search = GroupSearch(session._context, session._lookups, tube, state=state)
    search.run()
    _print_table(search.found(), session._context.now, by=False)


def _print_table(found: FoundGroups, now: Any, by: bool) -> None:
    _print_rows(group_columns(now, by=by), found.groups)
    if found.others:
        among = "other groups" if found.other_groups is None else plural(found.other_groups, "group")
        click.echo(f"and {plural(found.others, 'other')} in {among}")
    if not found.total:
        click.echo("no jobs")


def _print_rows(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> None:
    """Print groups; on a narrow terminal the last column, the cause, has a line of its own."""
    apart = on_terminal("stdout") and shutil.get_terminal_size().columns < _NARROW
    *short, last = columns
    beside = short if apart else columns
    heading, *lines = table_lines(
        [column.name for column in beside], [[_cell(one, row) for one in beside] for row in rows]
    )
    if rows:
        click.echo(heading)
    for row, line in zip(rows, lines, strict=True):
        click.echo(line)
        if apart:
            click.echo(f"  {safe_text(last.text(row, 0))}")


def _cell(column: Column[Any], row: Any) -> Any:
    return column.value(row) if column.name == "count" else column.text(row, column.width)


def _say_what_next(found: FoundGroups, asked: dict[str, Any], by: str | None) -> None:
    """Print, for people alone, the command that shows the jobs of the largest group."""
    if not found.groups or not on_terminal("stdout"):
        return
    row = found.groups[0]
    usual = os.environ.get("BEANOPS_SERVER") or options.DEFAULT_SERVER
    words = ["beanops", *([] if asked["server"] == usual else ["-s", asked["server"]]), "jobs"]
    words += [] if row.tube == "*" else [row.tube]
    words += [] if row.state is None else ["--state", row.state]
    plain = row.where == f"group_name = '{row.name}'" and row.name
    words += ["--group", row.name] if plain and row.name else ["--where", row.where]
    click.echo()
    click.echo(safe_text(f"{' '.join(map(quote, words))} shows the jobs of the first"))


def _fields(row: JobGroup) -> dict[str, Any]:
    """Return a group for programs."""
    fields = row._asdict() | {"sample": {"id": row.sample_id, "body": row.sample}, "trend": list(row.trend)}
    moments = {name: None if fields[name] is None else fields[name].isoformat() for name in ("oldest", "newest")}
    return {name: (fields | moments)[name] for name in _JSON} | {"share": round(row.share, 6)}


def _flat(row: JobGroup) -> dict[str, Any]:
    return row._asdict() | {name: _fields(row)[name] for name in ("oldest", "newest", "share")}
