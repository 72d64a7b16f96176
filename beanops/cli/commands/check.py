"""The command that monitoring systems run. It imports little: they run it every minute for every tube."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NoReturn

import click

from beanops.cli import complete
from beanops.cli.commands.servers.reach_options import reaching, take
from beanops.cli.fleets.server_option import OneOrMore, Servers
from beanops.cli.one_of import OneOf
from beanops.client.sync import Client
from beanops.monitor import checks
from beanops.monitor.checks import CRITICAL, UNKNOWN, Bounds, Finding, Result, result_of
from beanops.monitor.measures import FLOWS, MEASURES, findings_of, no_tube, of_server, of_tubes
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol.errors import BeanopsError, ConnectionLost, ProtocolError
from beanops.protocol.limits import check_tube, is_glob
from beanops.protocol.states import STATES
from beanops.session.config import problem_limits, profile
from beanops.text import plural, safe_text, seconds_in

#: Tubes whose next jobs are peeked at, for their age.
_PEEKS = 10_000


def _seconds(text: str) -> float:
    seconds = seconds_in(text)
    if seconds is None:
        raise ValueError(text)
    return seconds


class _BoundsType(click.ParamType[Bounds]):
    """Bounds of a value: ``RANGE``, or ``WARNING,CRITICAL``."""

    name = "limits"

    def __init__(self, number: Callable[[str], float] = float) -> None:
        self._number = number

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Bounds:
        try:
            return checks.parse_bounds(value, self._number)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Check(click.Command):
    """A command whose every end is a line and an exit code of a check, also that of a wrong argument."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            _end(Result(UNKNOWN, [Finding(UNKNOWN, error.format_message())], []), "nagios")


def _limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for name, measure in reversed(list(MEASURES.items())):
        kind = _BoundsType(_seconds if measure.unit == "s" else float)
        help = f"Limits for {measure.help}"
        function = click.option(f"--{name}", type=kind, metavar="RANGE", help=help)(function)
    return function


@click.command(cls=_Check)
@click.argument("tube", required=False, shell_complete=complete.tubes)
@_limit_options
@click.option("--all-problems", is_flag=True, help="Include what 'beanops problems' finds")
@click.option(
    "--format", "form", type=OneOf(["nagios", "json", "prometheus", "text"]), default="nagios",
    help="Output format, nagios by default",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(1, 60), default=2.0, help="Seconds between two looks for rates, 2 by default"
)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 600), default=10.0, help="Seconds to wait for an answer, 10 by default"
)
@click.option(
    "-s", "--server", cls=OneOrMore, metavar="NAME", shell_complete=complete.servers, callback=take,
    help="Server, group or glob; repeatable [env: BEANOPS_SERVER]",
)  # fmt: skip
@reaching
def check(
    tube: str | None,
    all_problems: bool,
    form: str,
    seconds: float,
    timeout: float,
    server: Servers,
    **given: Bounds | None,
) -> None:
    """Check the server, or TUBE or all that match it, and exit with 0 ok, 1 warning, 2 critical or 3 unknown.

    Each limit is a range of the Nagios plugin guidelines, beyond which it is critical, or two: WARNING,CRITICAL. 10
    means 0 to 10; 10: at least 10; ~:10 at most 10; 10:20 between; @10:20 not between. Ages take units: --age 5m,1h.

    A server that cannot be reached or does not answer in time is critical. A tube that does not exist has no jobs.
    """
    limits = {name: limit for name, limit in given.items() if limit is not None}
    looks = 2 if all_problems or any(name in limits for name in FLOWS) else 1
    look = partial(_checked, tube, limits, all_problems, timeout, looks, seconds)
    _end(look(server) if isinstance(server, str) else _of_all(server, look), form)


def _checked(
    tube: str | None,
    limits: dict[str, Bounds],
    all_problems: bool,
    timeout: float,
    looks: int,
    seconds: float,
    server: str,
) -> Result:
    """Return the result of one server."""
    try:
        if tube is not None and not is_glob(tube):
            check_tube(tube)
        wanted = partial(_matching, tube) if looks > 1 or "age" in limits else None
        return _result(_look(server, timeout, looks, seconds, wanted), tube, limits, all_problems)
    except (ConnectionLost, ProtocolError, OSError) as error:
        return Result(CRITICAL, [Finding(CRITICAL, safe_text(str(error)))], [])
    except BeanopsError as error:
        return Result(UNKNOWN, [Finding(UNKNOWN, safe_text(str(error)))], [])


def _of_all(servers: tuple[str, ...], look: Callable[[str], Result]) -> Result:
    """Return the results of several servers as one; each is looked at in a thread of its own."""
    from beanops.fleet.servers import servers_of

    try:
        names = [one.name for one in servers_of(servers)]
    except BeanopsError as error:
        return Result(UNKNOWN, [Finding(UNKNOWN, safe_text(str(error)))], [])
    results: dict[str, Result] = {}

    def check_one(name: str) -> None:
        try:
            results[name] = look(name)
        except Exception as error:  # a fault of beanops must not look like a server without problems
            results[name] = Result(UNKNOWN, [Finding(UNKNOWN, safe_text(f"{type(error).__name__}: {error}"))], [])

    threads = [threading.Thread(target=check_one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return checks.together({safe_text(name): results[name] for name in names})


def _matching(tube: str | None, names: Iterable[str]) -> list[str]:
    """Return the tubes that are checked."""
    return [name for name in names if tube is None or fnmatchcase(name, tube)]


def _look(
    server: str, timeout: float, looks: int, seconds: float, wanted: Callable[[list[str]], list[str]] | None
) -> Survey:
    """Look so many times; `wanted` chooses the tubes whose ages and rates are needed, None for none of them."""
    reach = profile(server).reach
    surveyor = Surveyor(time.monotonic, problem_limits(), patience=seconds, peeks=_PEEKS)
    with Client(reach, connect_timeout=timeout, read_timeout=timeout) as client:
        names = wanted(client.list_tubes()) if wanted is not None else ()
        survey = surveyor.look(client, names)
        for _ in range(looks - 1):
            time.sleep(seconds)
            survey = surveyor.look(client, names)
        return survey


def _result(survey: Survey, tube: str | None, limits: dict[str, Bounds], all_problems: bool) -> Result:
    if tube is None:
        problems = findings_of(survey, None) if all_problems else []
        values = of_server(limits, survey)
        return result_of(values, problems, _fine("server", survey.server))
    names = _matching(tube, survey.tubes)
    if not names and is_glob(tube):
        return Result(UNKNOWN, [Finding(UNKNOWN, f"no tube matches {tube!r}")], [])
    seen = [survey.tubes[name] for name in names] or [no_tube(tube)]
    problems = findings_of(survey, names) if all_problems else []
    what = seen[0].name if len(seen) == 1 else plural(len(seen), "tube")
    return result_of(of_tubes(limits, seen), problems, _fine(what, *(one.stats for one in seen)))


def _fine(what: str, *stats: Any) -> str:
    counts = (f"{sum(getattr(one, f'current_jobs_{state}') for one in stats):,} {state}" for state in STATES)
    return f"{what}: {', '.join(counts)}"


def _text(result: Result) -> str:
    lines = [f"{checks.STATES[finding.state]:9} {finding.text}" for finding in result.findings]
    return "\n".join(lines)


def _json(result: Result) -> str:
    return json.dumps(
        {
            "state": checks.STATES[result.state],
            "findings": [{"state": checks.STATES[state], "text": text} for state, text in result.findings],
            "values": [
                {**({"server": value.server} if value.server else {}),
                 "tube": value.tube or None, "name": value.name, "value": value.value, "unit": value.unit,
                 "state": checks.STATES[value.state]}
                for value in result.values
            ],
        },
        indent=2,
    )  # fmt: skip


_FORMS: dict[str, Callable[[Result], str]] = {
    "nagios": checks.nagios,
    "json": _json,
    "prometheus": checks.prometheus,
    "text": _text,
}


def _end(result: Result, form: str) -> NoReturn:
    try:
        click.echo(_FORMS[form](result))
    except OSError as error:  # such as a full disk; exit code 1 would be a warning about the server
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        click.echo(f"beanops: cannot write the result: {error.strerror}", err=True)
        raise click.exceptions.Exit(UNKNOWN) from None
    raise click.exceptions.Exit(result.state)
