"""The timeline of one job, for ``beanops job ID --follow``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import click

from beanops.cli.ending import interruptible
from beanops.cli.exits import INTERRUPTED, Incomplete
from beanops.cli.output import print_csv, print_json_rows, print_jsonl
from beanops.cli.streams import is_unread
from beanops.protocol.errors import NotFound
from beanops.session.investigation.follow import Follow
from beanops.session.investigation.job_events import JobEvent
from beanops.session.session import Session
from beanops.text import safe_text


def show_timeline(session: Session, id: int, output: str) -> None:
    """Print what happens to a job, a line for each event, until it is gone.

    Raises
    ------
    Incomplete
        There is no such job, and the journal knows of none.
    """
    follow = Follow(session._context, id, unwanted=partial(is_unread, "stdout"))
    with interruptible(follow.cancel) as received:
        try:
            _PRINT[output](follow)
        except NotFound:
            raise Incomplete(f"job {id} does not exist") from None
    if received:
        click.echo(f"beanops: interrupted, job {id} is still there", err=True)
        click.get_current_context().exit(INTERRUPTED)


def _print_lines(events: Iterable[JobEvent]) -> None:
    for one in events:
        click.echo(safe_text(f"{one.time:%Y-%m-%d %H:%M:%S}  {one.event:<10}  {one.about}".rstrip()))


def _fields(one: JobEvent) -> dict[str, Any]:
    return {**one._asdict(), "time": one.time.isoformat()}


def _print_csv(events: Iterable[JobEvent]) -> None:
    for number, one in enumerate(events):
        print_csv([_fields(one)], JobEvent._fields, heading=not number)


_PRINT: dict[str, Callable[[Iterable[JobEvent]], None]] = {
    "table": _print_lines,
    "jsonl": lambda events: print_jsonl(map(_fields, events)),
    "json": lambda events: print_json_rows(map(_fields, events)),
    "csv": _print_csv,
}
