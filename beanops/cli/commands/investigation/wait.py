"""The command that waits for a tube, for scripts and for people who watch it drain."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from beanops.cli import options
from beanops.cli.exits import Incomplete
from beanops.cli.output import print_csv, print_json
from beanops.session.bars import is_watched
from beanops.session.connect import connect
from beanops.session.investigation.wait import DRAINED, NAMES, Waited, wait_with_bar
from beanops.session.investigation.wait import wait as wait_for
from beanops.text import safe_text

#: Seconds between two lines on the progress, where there is no terminal.
_APART = 60.0


@click.command()
@options.this_tube
@click.option("--until", metavar="CONDITION", default=DRAINED, help=f'By default "{DRAINED}"')
@click.option("--timeout", type=options.SPAN, help="Maximum time, such as 10m; any time by default")
@options.interval
@click.option("--missing-ok", is_flag=True, help="Take a tube that nobody has heard of as empty")
@options.server
@options.printing
def wait(
    tube: str,
    until: str,
    timeout: float | None,
    interval: float,
    missing_ok: bool,
    server: str,
    output: str,
) -> None:
    """Wait until a condition on TUBE, or on the sum of all tubes that match, is true; exit with 1 after the timeout.

    By default it waits until workers have nothing left to do; buried jobs may be left. A condition compares ready,
    reserved, delayed, buried, urgent, jobs (in all states), watching, waiting and using (connections).
    """
    with connect(server, source="cli") as session:
        parts: tuple[Any, ...] = (session._lookups, session._context, tube, until, timeout, interval)
        if is_watched():
            found = wait_with_bar(*parts, missing_ok=missing_ok, shown=(None, True))
        else:
            found = wait_for(*parts, missing_ok=missing_ok, report=_lines())
    if output == "json":
        print_json(_fields(found))
    elif output == "csv":
        fields = _fields(found)
        row = {**fields, **fields["counts"], **{name: " ".join(fields[name]) for name in ("tubes", "vanished")}}
        del row["counts"]
        print_csv([row], row)
    elif found:
        click.echo(safe_text(found.summary))
    if not found:
        raise Incomplete(found.summary)


def _fields(found: Waited) -> dict[str, Any]:
    return {
        "tube": found.tube,
        "until": found.until,
        "true": found.is_true,
        "seconds": round(found.seconds, 3),
        "counts": {name: found.counts.get(name) for name in NAMES},
        "tubes": found.tubes,
        "vanished": found.vanished,
        "restarts": found.restarts,
        "error": found.error,
    }


def _lines(clock: Callable[[], float] = time.monotonic) -> Callable[[Waited], None]:
    """Return what prints a line on stderr when the connection is lost or back, and else one a minute."""
    due, lost = clock() + _APART, False

    def report(now: Waited) -> None:
        nonlocal due, lost
        changed = lost != (now.error is not None)
        if changed or (clock() >= due and not now.is_true):
            due, lost = clock() + _APART, now.error is not None
            click.echo(safe_text(f"beanops: {now.tube}: {now.progress}"), err=True)

    return report
