"""Commands on alerts: run the rules, show what fires, silence."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beanops.cli import complete, options
from beanops.cli.exits import INCOMPLETE, USAGE
from beanops.cli.fleets.server_option import Servers
from beanops.cli.output import print_csv, print_json, print_table
from beanops.protocol.errors import UsageError
from beanops.text import plural, safe_text, span

if TYPE_CHECKING:
    from beanops.alerts.fields import RulesError
    from beanops.alerts.rules import Rules
    from beanops.client.reach import Reach
    from beanops.jobs.sql.row_predicates import RowPredicates

_FIRING = ("severity", "rule", "server", "tube", "since", "value", "summary", "silenced")
_SILENCES = ("id", "rule", "tube", "server", "start", "end", "reason", "actor")


class _Alert(click.Group):
    """A group that runs the rules by default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``run`` before an option, and where there is nothing."""
        first = args[0] if args else ""
        if first not in ("-h", "--help") and (first.startswith("-") if args else not ctx.resilient_parsing):
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Alert)
@click.pass_context
def alert(ctx: click.Context) -> None:
    """Notify people and programs of problems, by the rules of alerts.toml; see beanops manual alerts.

    Without a subcommand it runs the rules: beanops alert --check is beanops alert run --check.
    """
    options.hand_down(ctx, alert)


_rules = click.option(
    "--rules", "file", type=click.Path(path_type=Path), metavar="FILE", help="Rules file [default: alerts.toml]"
)
_state = click.option(
    "--state", type=click.Path(path_type=Path), metavar="FILE", help="State file [env: BEANOPS_ALERTS]"
)


@alert.command()
@_rules
@_state
@click.option("--check", "way", flag_value="check", help="Check the rules file and exit")
@click.option("--test", "way", flag_value="test", help="Send a test to each notifier")
@click.option("--once", "way", flag_value="once", help="Look once, notify, and exit 1 if an alert fires")
@options.fleet
@click.pass_context
def run(ctx: click.Context, file: Path | None, state: Path | None, way: str | None, server: Servers) -> int:
    """Run the rules until SIGTERM or Ctrl-C; SIGHUP reads them again."""
    from beanops.alerts.fields import RulesError
    from beanops.alerts.files import rules_path, state_path
    from beanops.alerts.reading import read_rules

    path = file or rules_path()
    named = (server,) if isinstance(server, str) else server
    given = named if options.is_given(ctx) else ()

    def read(predicates: RowPredicates) -> Rules:
        return read_rules(path, predicates)

    def servers_of(rules: Rules) -> dict[str, Reach]:
        from beanops.fleet.servers import names_several
        from beanops.fleet.servers import servers_of as members_of
        from beanops.session.config import profile

        found: dict[str, Reach] = {}
        for name in given or rules.servers or named:
            # One server keeps the name that it is given here, by which its alerts are known.
            found |= (
                {one.name: one.reach for one in members_of(name)}
                if names_several(name)
                else {name: profile(name).reach}
            )
        return found

    try:
        if way is None:
            _run_daemon(read, servers_of, state or state_path())
            return 0
        from beanops.jobs.sql.row_predicates import RowPredicates

        predicates = RowPredicates()
        rules = read(predicates)
        if way == "check":
            counts = ((len(rules.rules), "rule"), (len(rules.channels), "notifier"), (len(rules.silences), "silence"))
            click.echo(f"{path}: {', '.join(plural(*count) for count in counts)}; no errors")
            return 0
        if way == "test":
            return _test(rules, next(iter(servers_of(rules))))
        from beanops.alerts.daemon import run_once

        firing = run_once(rules, predicates, servers_of(rules), state or state_path(), say=click.echo)
        click.echo(f"{plural(firing, 'alert')} firing" if firing else "no alerts firing")
        return INCOMPLETE if firing else 0
    except RulesError as error:
        return _complain(error)


def _complain(error: RulesError) -> int:
    for line in error.lines:
        click.echo(safe_text(line), err=True)
    return USAGE


def _run_daemon(read: Any, servers_of: Any, state: Path) -> None:
    import signal

    from beanops.alerts.daemon import Daemon
    from beanops.session.execution.signals import handling

    daemon = Daemon(read, servers_of, state, say=_say)
    with (
        handling(lambda number: daemon.end(), (signal.SIGINT, signal.SIGTERM), over=True),
        handling(lambda number: daemon.reload(), (signal.SIGHUP,), over=True),
    ):
        daemon.run()


def _say(line: str) -> None:
    with suppress(OSError):  # a terminal that was closed is no reason to watch no longer
        click.echo(f"{datetime.now(UTC).isoformat(timespec='seconds').replace('+00:00', 'Z')} {line}", err=True)


def _test(rules: Rules, server: str) -> int:
    from beanops.alerts.daemon import try_channel

    if not rules.channels:
        raise UsageError(f"{rules.path} has no notifiers")
    failed = 0
    for name, channel in rules.channels.items():
        error = try_channel(channel, server, datetime.now(UTC))
        failed += bool(error)
        click.echo(safe_text(f"{name} ({channel.notifier.kind}): {error or 'sent'}"))
    return INCOMPLETE if failed else 0


@alert.command()
@_state
@options.printing
def status(state: Path | None, output: str) -> int:
    """Show firing alerts and errors of the running daemon; exit 1 if an alert fires that is not silenced."""
    from beanops.alerts.status import alert_status

    found = alert_status(state)
    rows = [{name: getattr(one, name) for name in _FIRING} for one in found.firing]
    _print(rows, _FIRING, output)
    if output == "table":
        for error in found.errors:
            click.echo(safe_text(error), err=True)
        if not found.is_running:
            ago = None if found.at is None else span((datetime.now(UTC) - found.at).total_seconds())
            click.echo(f"beanops alert is not running{'' if ago is None else f'; it ended {ago} ago'}", err=True)
        elif not rows:
            click.echo("no alerts firing")
    return INCOMPLETE if any(not one.silenced for one in found.firing) else 0


@alert.command()
@click.argument("tube", default="*", shell_complete=complete.tubes)
@click.option("--rule", metavar="PATTERN", default="*", help="Rules to silence; all by default")
@click.option("--on", "where", metavar="PATTERN", default="*", help="Servers to silence; all by default")
@click.option("--for", "age", type=options.AGE, required=True, metavar="TIME", help="How long, such as 2h")
@click.option("--reason", metavar="TEXT", default="", help="Reason, for other people")
@_state
def silence(tube: str, rule: str, where: str, age: timedelta, reason: str, state: Path | None) -> None:
    """Silence the alerts of TUBE, a name or a pattern, for a limited time; all tubes by default."""
    from beanops.alerts.files import state_path
    from beanops.alerts.rules import Silence
    from beanops.alerts.state import SetSilence, load_silences, locked, save_silences, silences_path
    from beanops.journal.prune import this_actor

    if not age:
        raise UsageError("--for 0 silences nothing; give a time such as 2h")
    path = state or state_path()
    now = datetime.now(UTC)
    with locked(silences_path(path), wait=True):
        known = load_silences(path, now)
        number = max((one.id for one in known), default=0) + 1
        new = SetSilence(number, Silence(rule, tube, where, now, now + age, reason=reason), this_actor())
        save_silences(path, [*known, new])
    click.echo(f"silence {number} until {(now + age).isoformat(timespec='minutes')}")


@alert.command()
@_state
@options.printing
def silences(state: Path | None, output: str) -> None:
    """Show the silences that were set on the command line."""
    from beanops.alerts.files import state_path
    from beanops.alerts.state import load_silences

    found = load_silences(state or state_path(), datetime.now(UTC))
    rows = [
        {"id": one.id, "actor": one.actor, **{name: getattr(one.silence, name) for name in _SILENCES[1:-1]}}
        for one in found
    ]
    _print(rows, _SILENCES, output)


@alert.command()
@click.argument("number", type=options.NUMBER)
@_state
def unsilence(number: int, state: Path | None) -> None:
    """End the silence NUMBER."""
    from beanops.alerts.files import state_path
    from beanops.alerts.state import load_silences, locked, save_silences, silences_path

    path = state or state_path()
    with locked(silences_path(path), wait=True):
        known = load_silences(path, datetime.now(UTC))
        if number not in [one.id for one in known]:
            raise UsageError(f"there is no silence {number}; beanops alert silences shows them")
        save_silences(path, [one for one in known if one.id != number])
    click.echo(f"silence {number} ended")


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], output: str) -> None:
    shown = [{name: _cell(value) for name, value in row.items()} for row in rows]
    if output == "json":
        print_json(shown)
    elif output == "csv":
        print_csv(shown, columns)
    elif rows:
        print_table(columns, [[row[name] for name in columns] for row in shown])


def _cell(value: Any) -> Any:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
