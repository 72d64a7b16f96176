"""The differences of bodies before and after an edit, in colour on a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from beanops.journal.records import Intent
from beanops.text import plural, safe_text
from beanops.ui.edits import difference, what_changes

#: Jobs whose differences are shown, and lines of each.
_JOBS, _LINES = 5, 40
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def print_diff(lines: Sequence[str], *, err: bool = False) -> None:
    """Print the lines of a unified diff."""
    colours = {} if os.environ.get("NO_COLOR") else _COLOURS
    for line in lines[:_LINES]:
        click.secho(safe_text(line), fg=colours.get(line[:1]), err=err)
    if len(lines) > _LINES:
        click.echo(f"... {plural(len(lines) - _LINES, 'line')} more", err=err)


def print_edits(sample: Sequence[Intent], count: int) -> None:
    """Print what becomes of the first of a number of jobs that are edited."""
    shown = sample[:_JOBS]
    for intent in shown:
        click.echo(f"\n{safe_text(_heading(intent))}")
        print_diff(difference(intent))
    if count > len(shown):
        click.echo(f"\nand {plural(count - len(shown), 'job')} more")


def _heading(intent: Intent) -> str:
    return ", ".join([f"job {intent.job_id}, {intent.state_before} in tube {intent.tube}", *what_changes(intent)])
