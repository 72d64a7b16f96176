"""The tubes as plain text, the worst first: what `beanops tui` prints where no dashboard can be shown."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import click

from beanops.cli.output import print_table
from beanops.cli.streams import on_terminal
from beanops.session.connect import connect
from beanops.text import safe_text
from beanops.ui.columns.why import badness, why
from beanops.ui.poller import Live, Poller

_HEADINGS = ("tube", "why", "ready", "reserved", "delayed", "buried", "workers")


def why_plain() -> str:
    """Return why the dashboard cannot be shown here; empty where it can."""
    if not on_terminal("stdin", "stdout"):
        return "standard input or output is not a terminal"
    if sys.platform == "win32":
        return ""  # its terminals have no TERM
    term = os.environ.get("TERM", "")
    if not term:
        return "TERM is not set"
    return "the terminal is dumb (TERM)" if term == "dumb" else ""


def print_tubes(
    server: str, reason: str, interval: float | None, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Print the tubes once, or every `interval` seconds until Ctrl-C.

    Parameters
    ----------
    server : str
        As in `beanops.connect`.
    reason : str
        Why this is not the dashboard.
    interval : float or None
        Seconds between two tables; None prints one.
    sleep : callable
        Waits for so many seconds.
    """
    with connect(server, source="tui") as session:
        again = "" if interval is not None else "; --interval 5 prints them every 5 s"
        click.echo(f"beanops: no dashboard: {reason}. These are the tubes{again}.", err=True)
        poller = Poller(lambda: session)
        while True:
            live = poller.look()
            _print(live)
            if interval is None:
                return
            sys.stdout.flush()
            sleep(interval)
            click.echo()


def _print(live: Live) -> None:
    if live.lost is not None:
        click.echo(safe_text(f"beanops: {live.lost.error}"), err=True)
        return
    survey = live.survey
    assert survey is not None
    rows = sorted(survey.tubes.values(), key=lambda row: (badness(row), row.name))
    print_table(
        _HEADINGS,
        [
            (
                row.name,
                why(row, survey.at),
                row.stats.current_jobs_ready,
                row.stats.current_jobs_reserved,
                row.stats.current_jobs_delayed,
                row.stats.current_jobs_buried,
                row.stats.current_watching,
            )
            for row in rows
        ],
    )
