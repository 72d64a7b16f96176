"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any, TypeVar

import click

from beanops.cli import complete, spreadsheet
from beanops.jobs.sql.engine import TIMEOUT
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U32_MAX, U64_MAX
from beanops.session.arguments import seconds_of, whole_seconds
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.ui.defaults import INTERVAL, LONGEST_INTERVAL, SHORTEST_INTERVAL

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.IntRange):
    """A whole number within bounds, with the metavar NUMBER."""

    name = "number"


#: Seconds of the longest period: the calendar ends two thousand years ago.
_LONGEST = 36_525 * 86_400

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
    """Give the commands of a group the defaults that stand before the group's name."""
    ctx.default_map = dict.fromkeys(group.commands, ctx.default_map)


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


class _Period(click.ParamType[timedelta]):
    """A span of time: ``90d``, ``12h``, ``30m`` or ``45s``."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        text = str(value).strip()
        try:
            seconds = seconds_of("period", text)
        except ArgumentError:
            seconds = inf
        if text[-1:].isdecimal() or seconds > _LONGEST:  # of a number alone nobody knows the unit
            self.fail(f"{value!r} is no period such as 90d, 12h, 30m or 45s, of at most a hundred years", param, ctx)
        return timedelta(seconds=seconds)


PERIOD = _Period()


class _Seconds(click.ParamType[int]):
    """A number of seconds, or a span of time such as ``10m``."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return whole_seconds("seconds", value)
        except ArgumentError:
            self.fail(f"{value!r} is not a valid number of seconds, nor a span of time such as 10m", param, ctx)


SECONDS = _Seconds()


# What several commands take, each once. Server, output and read_only have defaults from before the command's name.
server = click.option(
    "-s", "--server", metavar="NAME", shell_complete=complete.servers,
    help="Server address or profile [env: BEANOPS_SERVER]",
)  # fmt: skip
printing = together(
    click.option("-o", "--output", type=click.Choice(["table", "json", "csv"]), help=spreadsheet.OUTPUT),
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
    "--as", "buried_as", type=click.Choice(["parked", "ready"]),
    help="State of buried jobs: parked (delayed for ever) or ready",
)  # fmt: skip
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
selection = together(
    click.option("--state", help="States, separated by commas: ready, delayed, buried"),
    click.option("--where", metavar="SQL", help='SQL predicate, such as "age > interval 1 hour"'),
    query_timeout,
    click.option("--limit", type=NUMBER, help="Maximum number of jobs"),
    click.option(
        "--order",
        type=click.Choice(["newest", "oldest"]),
        help="Sort order; oldest first by default",
    ),
)
acting = together(reason, server, printing, read_only)
#: Of what acts on many jobs, which can be shown before it is done.
planning = together(dry_run, rate, yes, redact, acting)
bulk = together(selection, planning)


def opened(asked: dict[str, Any]) -> Session:
    """Open the session that `acting` and `redact` ask for."""
    return connect(
        asked["server"],
        source="cli",
        read_only=asked["read_only"],
        redact=asked.get("redact", ()),
        query_timeout=asked.get("query_timeout", TIMEOUT),
    )
