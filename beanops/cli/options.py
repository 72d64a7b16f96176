"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import click

from beanops.cli import complete, spreadsheet
from beanops.cli.commands.servers.reach_options import reaching, take
from beanops.cli.fleets.server_option import OneOrMore, OneServer, patience_too
from beanops.cli.one_of import OneOf
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U32_MAX, U64_MAX
from beanops.session.arguments import seconds_of, time_of, whole_seconds
from beanops.session.connect import connect
from beanops.session.past_runs.journal_reader import age_of
from beanops.session.session import Session
from beanops.ui.defaults import INTERVAL, LONGEST_INTERVAL, SHORTEST_INTERVAL

#: Where a server listens if nothing else is said.
DEFAULT_SERVER = "127.0.0.1:11300"

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.IntRange):
    """A whole number within bounds, with the metavar NUMBER."""

    name = "number"


NUMBER = Number(0, U32_MAX)
ID = Number(0, U64_MAX)


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Make one decorator of several options."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def hand_down(ctx: click.Context, group: click.Group) -> None:
    """Give the commands of a group the options given before the group's name."""
    ctx.default_map = dict.fromkeys(group.commands, ctx.default_map)


def is_given(ctx: click.Context) -> bool:
    """Whether --server is on the command line itself, before or after the command's name."""
    places: list[click.Context | None] = [ctx, ctx.find_root()]
    return any(
        place is not None and place.get_parameter_source("server") is click.core.ParameterSource.COMMANDLINE
        for place in places
    )


class _Rate(click.ParamType[float]):
    """Jobs per second: ``500/s``, or the number alone."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            rate = float(str(value).removesuffix("/s"))
        except ValueError:
            rate = 0.0
        if not 0 < rate < float("inf"):
            self.fail(f"{value!r} is no rate such as 500/s", param, ctx)
        return rate


class _Parsed(click.ParamType[Any]):
    """A value that `beanops.session` parses, so that it is written as in Python.

    Parameters
    ----------
    name : str
        Name of the type, for the metavar.
    parse : callable
        Returns the value of a text, or raises `ArgumentError`.
    """

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._parse(value)
        except ArgumentError as error:
            self.fail(f"{error.given!r} given, allowed is {error.allowed}", param, ctx)


def _age(text: str) -> timedelta:
    if text.strip()[-1:].isdecimal():  # someone who prunes by "90" rarely thinks of seconds
        raise ArgumentError("age", text, "a span of time with its unit, such as '90d'")
    return age_of("age", text)


SECONDS = _Parsed("seconds", partial(whole_seconds, "seconds"))
SPAN = _Parsed("seconds", partial(seconds_of, "seconds"))
TIME = _Parsed("time", lambda text: time_of("time", text, datetime.now(UTC)))
AGE = _Parsed("age", _age)


class _Servers(click.Option):
    """The option for servers, given several times; before the command's name there is one."""

    def consume_value(self, ctx: click.Context, opts: Any) -> tuple[Any, Any]:
        value, source = super().consume_value(ctx, opts)
        return ((value,) if isinstance(value, str) else value), source


# What several commands take, each once. Server, output and read_only have defaults from before the command's name.
server = together(
    click.option(
        "-s", "--server", cls=OneServer, metavar="NAME", shell_complete=complete.servers, callback=take,
        help="Server address or profile [env: BEANOPS_SERVER]",
    ),
    reaching,
)  # fmt: skip
#: Of commands that act on several servers at once, or on one.
fleet = together(
    click.option(
        "-s", "--server", cls=OneOrMore, metavar="NAME", shell_complete=complete.servers, callback=take,
        help="Server, group or glob; repeatable [env: BEANOPS_SERVER]",
    ),
    reaching,
    patience_too,
)  # fmt: skip
servers = together(
    click.option(
        "-s", "--server", cls=_Servers, metavar="NAME", multiple=True, shell_complete=complete.servers, callback=take,
        help="Server address or profile; repeatable [env: BEANOPS_SERVER]",
    ),
    reaching,
)  # fmt: skip
printing = together(
    click.option("-o", "--output", type=OneOf(["table", "json", "csv"]), help=spreadsheet.OUTPUT),
    click.option("--json", "output", flag_value="json", help="Same as -o json"),
    spreadsheet.option,
)
read_only = click.option("--read-only", is_flag=True, help="Read-only: reject all changes")
redact = click.option(
    "--redact",
    metavar="PATTERN",
    multiple=True,
    help="Hide values of matching keys: '*token*', '/^card/'; repeatable",
)
reason = click.option("--reason", metavar="TEXT", help="Reason, for the journal")
yes = click.option("-y", "--yes", is_flag=True, help="Skip confirmation")
dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, with a sample and the cost")
buried_as = click.option(
    "--as", "buried_as", type=OneOf(["parked", "ready"]),
    help="State of buried jobs: parked (delayed for ever) or ready",
)  # fmt: skip
schema = click.option("--schema", metavar="FILE", type=click.Path(), help="JSON Schema that the bodies must fit")
rate = click.option("--rate", type=_Rate(), metavar="N/s", help="Maximum jobs per second")
interval = click.option(
    "--interval",
    type=click.FloatRange(SHORTEST_INTERVAL, LONGEST_INTERVAL),
    default=INTERVAL,
    show_default=True,
    help="Refresh interval in seconds",
)
query_timeout = click.option(
    "--query-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=TIMEOUT,
    show_default=True,
    help="Time limit of SQL for each batch of jobs",
)
tube = click.argument("tube", required=False, shell_complete=complete.tubes)
this_tube = click.argument("tube", shell_complete=complete.tubes)
where = click.option(
    "--where",
    metavar="SQL",
    shell_complete=complete.predicates,
    help='SQL predicate, such as "age > interval 1 hour"',
)
group = click.option(
    "--group",
    metavar="NAME",
    multiple=True,
    shell_complete=complete.groups,
    help="Group by cause, such as g7f31c0a2 or g7f3; repeatable",
)
any_state = click.option("--state", help="States, separated by commas; all by default")
#: Of what searches for jobs and changes nothing.
_searching = together(
    click.option("--probe", is_flag=True, help="Put a job briefly to learn the highest id (with -b only)"),
    click.option("--rate", type=click.FloatRange(0, min_open=True), help="Maximum ids requested per second"),
    query_timeout,
    redact,
)
searching = together(_searching, server, read_only)
#: Of searches on several servers at once, or on one.
searching_all = together(_searching, fleet, read_only)
selection = together(
    click.option("--state", help="States, separated by commas: ready, delayed, buried"),
    where,
    group,
    query_timeout,
    click.option("--limit", type=NUMBER, help="Maximum number of jobs"),
    click.option(
        "--order",
        type=OneOf(["newest", "oldest"]),
        help="Sort order; oldest first by default",
    ),
)
acting = together(reason, server, printing, read_only)
#: The same on several servers at once, or on one.
acting_all = together(reason, fleet, printing, read_only)
#: Of what acts on many jobs, which can be shown before it is done.
planning = together(dry_run, rate, yes, redact, acting)
planning_all = together(dry_run, rate, yes, redact, acting_all)
bulk = together(selection, planning)
bulk_all = together(selection, planning_all)


def opened(asked: dict[str, Any]) -> Session:
    """Open the session that `acting` and `redact` ask for."""
    return connect(
        asked["server"],
        source="cli",
        read_only=asked["read_only"],
        redact=asked.get("redact", ()),
        query_timeout=asked.get("query_timeout", TIMEOUT),
    )
