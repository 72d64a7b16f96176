"""The command that shows jobs as they are put."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from beanops.cli import options, spreadsheet
from beanops.cli.commands.jobs import WRITERS, selection_in
from beanops.cli.ending import interruptible
from beanops.cli.exits import INTERRUPTED, Incomplete
from beanops.cli.one_of import OneOf
from beanops.cli.streams import is_unread, on_terminal
from beanops.jobs.bodies import decode
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import NotFound
from beanops.session.investigation.tail import Tail
from beanops.text import safe_text, span

#: Cells of a line where its length is not that of a terminal, and those of a tube's name.
_LONGEST, _TUBE = 1000, 20


@click.command()
@options.tube
@click.option("--state", help="States when a job is seen, separated by commas; all by default")
@options.where
@options.group
@click.option("--limit", type=options.NUMBER, help="End after so many jobs")
@click.option("--for", "seconds", type=options.SPAN, help="End after this time, such as 10s")
@click.option("--timeout", type=options.SPAN, help="Fail after this time without a job, such as 30s")
@options.searching
@click.option("-o", "--output", type=OneOf(["table", "json", "jsonl", "csv"]), help=spreadsheet.OUTPUT)
@click.option("--json", "output", flag_value="json", help="Same as -o json")
@spreadsheet.option
def tail(tube: str | None, output: str, **asked: Any) -> None:
    """Show the jobs of TUBE (a name or a glob such as 'mail*') or of all tubes as they are put, without reserving any.

    It ends with Ctrl-C, and says how many jobs were gone before they could be read. The exit code is 1 if there were
    such jobs.
    """
    with options.opened(asked) as session:
        tail = session._lookups.tail(tube, **selection_in(asked), unwanted=partial(is_unread, "stdout"))
        if tube is not None:
            try:
                session._lookups.check_tube(tube)
            except NotFound as error:
                _say(f"{error}; waiting for its first job")
        with interruptible(tail.cancel) as received:
            printing = _print_lines if output == "table" else WRITERS[output]
            printing(_batches(tail), True)
    words = tail.counts.words
    if received:
        _say(f"interrupted after {words}")
        click.get_current_context().exit(INTERRUPTED)
    if tail.timed_out:
        raise Incomplete(f"no job came for {span(asked['timeout'])}: {words}")
    if not tail.full and (tail.counts.missed or tail.counts.undecoded):
        raise Incomplete(words)
    if on_terminal("stderr"):
        _say(words)


def _batches(tail: Tail) -> Iterator[list[FoundJob]]:
    """Yield the jobs as they come; report what happens to the server on stderr."""
    for batch in tail:
        for note in batch.notes:
            _say(note)
        if batch.jobs:
            yield batch.jobs


def _say(text: str) -> None:
    click.echo(safe_text(f"beanops: {text}"), err=True)


def _print_lines(batches: Iterable[list[FoundJob]], _: bool) -> None:
    """Print a line for each job: when it was put, its id, state, tube and body."""
    widest = shutil.get_terminal_size().columns if on_terminal("stdout") else _LONGEST
    for batch in batches:
        for job in batch:
            put = datetime.fromtimestamp(job.created or job.seen, UTC)
            summary = "" if job.body is None else decode(job.body).summary
            line = f"{put:%H:%M:%S} {job.id:>10}  {job.stats.state:<8}  {job.stats.tube:<{_TUBE}}  {summary}"
            click.echo(safe_text(line, limit=widest))
