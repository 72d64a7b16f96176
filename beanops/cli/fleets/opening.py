"""Open the fleet of a command, and end it: servers that did not answer are named last, with exit code 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from beanops.cli.exits import Incomplete
from beanops.cli.fleets.server_option import patience_of
from beanops.cli.output import print_csv, print_json, print_jsonl
from beanops.fleet.calls import Answers
from beanops.fleet.connect import PATIENCE, connect
from beanops.fleet.fleet import Fleet
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.ui.columns.with_server import OnServer


class RowFormat(NamedTuple):
    """How a command prints its rows for programs.

    Attributes
    ----------
    fields, flat : callable
        Return a row for JSON, and for CSV.
    names : sequence of str
        The columns of CSV.
    """

    fields: Callable[[Any], dict[str, Any]]
    flat: Callable[[Any], dict[str, Any]]
    names: Sequence[str]

    def show(self, rows: Iterable[OnServer], output: str) -> None:
        """Print rows with their servers, as ``"json"``, ``"jsonl"`` or ``"csv"``."""
        if output == "csv":
            print_csv([{"server": row.server, **self.flat(row.row)} for row in rows], ["server", *self.names])
            return
        fields = [{"server": row.server, **self.fields(row.row)} for row in rows]
        print_jsonl(fields) if output == "jsonl" else print_json(fields)


def opened(asked: Mapping[str, Any]) -> Fleet:
    """Open the fleet of the servers that the options of a command name."""
    servers: tuple[str, ...] = asked["server"]
    return connect(
        servers,
        source="cli",
        read_only=asked.get("read_only", False),
        redact=asked.get("redact", ()),
        query_timeout=asked.get("query_timeout", TIMEOUT),
        patience=patience_of(click.get_current_context()) or PATIENCE,
    )


def conclude(answers: Answers, *notes: str) -> None:
    """End a command that has printed what it knows.

    Parameters
    ----------
    answers : Answers
        What the servers answered.
    *notes : str
        What else is incomplete; empty texts are none.

    Raises
    ------
    Incomplete
        A server did not answer, or there are notes.
    """
    words = [*filter(None, notes), *(f"{name}: {error}" for name, error in answers.failed.items())]
    if words:
        raise Incomplete("; ".join(words))
