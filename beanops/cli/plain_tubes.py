"""The tubes as plain text, the worst first: what `beanops tui` prints where no dashboard can be shown."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

import click

from beanops.cli.output import print_table
from beanops.cli.streams import on_terminal
from beanops.fleet.calls import Call
from beanops.fleet.connect import connect
from beanops.fleet.fleet import Fleet
from beanops.monitor.survey import Survey, Surveyor
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.ui.columns.why import badness, why
from beanops.ui.poller import Poller

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
    server: str | Sequence[str], reason: str, interval: float | None, *, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Print the tubes once, or every `interval` seconds until Ctrl-C; return 1 if a server did not answer.

    Parameters
    ----------
    server : str or sequence of str
        As in `beanops.connect`.
    reason : str
        Why this is not the dashboard.
    interval : float or None
        Seconds between two tables; None prints one.
    sleep : callable
        Waits for so many seconds.
    """
    with connect(server, source="tui") as opened:
        again = "" if interval is not None else "; --interval 5 prints them every 5 s"
        said = False
        looks = _looks_of(opened)
        while True:
            seen, lost = looks()
            if not said:  # not before: an error of servers that nobody reaches is one line
                said = True
                click.echo(f"beanops: no dashboard: {reason}. These are the tubes{again}.", err=True)
            for error in lost:
                click.echo(safe_text(f"beanops: {error}"), err=True)
            _print(seen, isinstance(opened, Fleet))
            if interval is None:
                return 1 if lost else 0
            sys.stdout.flush()
            sleep(interval)
            click.echo()


def _looks_of(opened: Session | Fleet) -> Callable[[], tuple[dict[str, Survey], list[str]]]:
    """Return what looks at a server, or at several at the same time: the surveys by server, and the errors."""
    if isinstance(opened, Session):
        poller = Poller(lambda: opened)

        def look() -> tuple[dict[str, Survey], list[str]]:
            live = poller.look()
            if live.lost is not None or live.survey is None:
                return {}, [str(live.lost.error) if live.lost is not None else ""]
            return {"": live.survey}, []

        return look
    surveyors = {name: Surveyor(time.monotonic) for name in opened}

    def look_at(name: str) -> Callable[[Session, Call], Survey]:
        return lambda session, call: session._lookups.survey(surveyors[name])

    def look_at_all() -> tuple[dict[str, Survey], list[str]]:
        answers = opened._dispatch.ask({name: look_at(name) for name in opened})
        answers.check()
        return answers.values, [f"{name}: {error}" for name, error in answers.errors.items()]

    return look_at_all


def _print(seen: dict[str, Survey], several: bool) -> None:
    rows = [(server, survey.at, row) for server, survey in seen.items() for row in survey.tubes.values()]
    rows.sort(key=lambda one: (badness(one[2]), one[0], one[2].name))
    print_table(
        ("server", *_HEADINGS) if several else _HEADINGS,
        [
            (
                *((server,) if several else ()),
                row.name,
                why(row, at),
                row.stats.current_jobs_ready,
                row.stats.current_jobs_reserved,
                row.stats.current_jobs_delayed,
                row.stats.current_jobs_buried,
                row.stats.current_watching,
            )
            for server, at, row in rows
        ],
    )
