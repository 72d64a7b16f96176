"""How a run is shown: a progress bar, Ctrl-C to end it, and its results."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from beanops.cli.ending import gently
from beanops.cli.exits import Incomplete, Unreachable
from beanops.cli.output import print_csv, print_json
from beanops.cli.streams import on_terminal
from beanops.journal.records import Action, JournalError
from beanops.protocol.errors import BeanopsError, ConnectionLost, ProtocolError, UsageError
from beanops.session.bars import bar_for
from beanops.session.execution.run import Run
from beanops.text import safe_text
from beanops.ui.runner import Progress, Runner

#: Actions that JSON shows beside the counts, at most; ``beanops journal RUN`` has them all.
_MOST_ROWS = 1000


@contextmanager
def underway(verb: str, total: int | None = None) -> Iterator[Progress]:
    """Show the progress of a run, and let Ctrl-C end it: once after the batch under way, twice at once.

    SIGTERM and SIGHUP end it as the first Ctrl-C does.

    Parameters
    ----------
    verb : str
        The action in words.
    total : int or None
        Number of jobs, if known.
    """
    with bar_for(None, True, "jobs", verb, total) as bar:
        runner = Runner(None if bar is None else bar.show_run)
        with ended_by_signals(verb, runner):
            yield runner.progress


@contextmanager
def ended_by_signals(verb: str, runner: Runner) -> Iterator[None]:
    """Let the first Ctrl-C, SIGTERM or SIGHUP end a run after its batch, and a second Ctrl-C at once."""

    def interrupt(number: int) -> None:
        if not runner.runs or (runner.cancelled and number == signal.SIGINT):
            raise KeyboardInterrupt
        if not runner.cancelled:
            runner.cancel()
            once_more = " again" if number == signal.SIGINT else ""
            with suppress(OSError):  # the terminal may be gone
                click.echo(f"\nbeanops: {verb} ends after this batch; Ctrl-C{once_more} ends it at once", err=True)

    try:
        with gently(interrupt):
            yield
    except KeyboardInterrupt:
        for run in runner.runs.values():
            if run.id:
                click.echo(f"\nbeanops: run {run.id} was cut off{_how_to_continue(run)}", err=True)
        raise


def report(run: Run, output: str, *, err: bool = False, missing: BeanopsError | None = None) -> None:
    """Print the results of a run; raise if they are not complete.

    Parameters
    ----------
    run : Run
        What was done.
    output : str
        ``"table"``, ``"json"`` or ``"csv"``.
    err : bool
        Print them on stderr, because standard output has the jobs.
    missing : BeanopsError or None
        Why some of the selected jobs may not have been found.

    Raises
    ------
    Incomplete
        Some of it was not done.
    Unreachable
        The server was lost before anything was done.
    UsageError
        An argument proved wrong before anything was done.
    """
    note_missing(run, missing)
    if output == "json" and not err:
        print_json(summary(run))
    elif output == "csv" and not err:
        print_csv([row._asdict() for row in run_rows(run) or ()], Action._fields)
    elif run.complete:
        click.echo(safe_text(run.summary), err=err)
    conclude(run, output)


def note_missing(run: Run, missing: BeanopsError | None) -> None:
    """Note that some of the selected jobs may not have been found, as what stopped a run that nothing else did."""
    if missing is not None and run.stopped is None:
        run.stop(missing)
        run.resumable = False  # it has done all the jobs that were found


def conclude(run: Run, output: str) -> None:
    """Say on a terminal how to undo a run; raise as `report` if its results are not complete."""
    if output == "table" and run.done and run.id and not run.dry and on_terminal("stderr"):
        click.echo(f"recorded as run {run.id}{_how_to_undo(run)}", err=True)
    text = run.summary + (_how_to_continue(run) if run.stopped else "")
    if not (run.done or run.unknown or run.skipped):
        match run.cause:
            case ConnectionLost() | ProtocolError():
                raise Unreachable(text)
            case UsageError():
                raise UsageError(text)
    if not run.complete:
        raise Incomplete(text)


def summary(run: Run) -> dict[str, Any]:
    """Return the results of a run for JSON."""
    counts = {outcome: getattr(run, outcome) for outcome in ("done", "skipped", "failed", "unknown")}
    rows = [] if run.dry else run_rows(run) if sum(counts.values()) <= _MOST_ROWS else None
    return {
        "run": None if run.dry else run.id or None,
        "action": run.action,
        **counts,
        **({"unchanged": run.unchanged} if run.action == "edit" else {}),
        "besides": run.besides,
        "stopped": run.stopped,
        "actions": None if rows is None else [row._asdict() for row in rows],
    }


def _how_to_undo(run: Run) -> str:
    if run.lasting is not None:
        return f"; this cannot be undone: {run.lasting}"
    there = f" -s {run.about['server']}" if "server" in run.about else ""
    caution = f" ({run.caution})" if run.caution else ""
    return f"; beanops{there} undo {run.id} undoes what can be undone{caution}"


def run_rows(run: Run) -> list[Action] | None:
    """Return a run's rows of the journal, None if the journal is unreachable, which the summary says."""
    try:
        return run.rows
    except JournalError:
        if run.stopped is None:
            raise
        return None


def _how_to_continue(run: Run) -> str:
    if not run.id or run.dry:
        return ""
    if run.resumable:
        return f"; to continue: beanops resume {run.id}"
    return f"; beanops journal {run.id} shows it"
