"""Options and arguments that several commands share, and how they are read. No command lives here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from beanops.cli.streams import standard_input
from beanops.protocol.limits import U32_MAX, U64_MAX

F = TypeVar("F", bound=Callable[..., Any])

#: Most ids that one call takes: a range with a digit too many must not fill the memory.
MAX_IDS = 1_000_000

NUMBER = click.IntRange(0, U32_MAX)


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Make one decorator of several options."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


# Defaults come from the options of the same name before the command.
server = click.option("-s", "--server", metavar="ADDRESS", help="The server, or set BEANOPS_SERVER.")
printing = together(
    click.option("-o", "--output", type=click.Choice(["table", "json", "csv"]), help="How to print."),
    click.option("--json", "output", flag_value="json", help="The same as -o json."),
)
redact = click.option(
    "--redact",
    metavar="PATTERN",
    multiple=True,
    help="Hide values whose key matches, such as '*token*' or '/^card/'. May be given several times.",
)
read_only = click.option("--read-only", is_flag=True, help="Refuse everything that would change a queue.")


def _read_ids(ctx: click.Context, param: click.Parameter, value: str | None) -> list[int] | None:
    """Return the ids of ``5,7-9``, in the order given."""
    if value is None:
        return None
    ids: list[int] = []
    for place, text in _pieces(value):
        first, dash, last = text.partition("-")
        if not _is_id(first) or (dash and not _is_id(last)):
            raise click.BadParameter(f"{place}{text!r} is neither an id nor a range of ids such as 7-9", ctx, param)
        wanted = range(int(first), int(last if dash else first) + 1)
        if not wanted:
            raise click.BadParameter(f"{place}{text!r} ends before it starts", ctx, param)
        if len(ids) + wanted.stop - wanted.start > MAX_IDS:
            raise click.BadParameter(f"{place}more than {MAX_IDS:,} ids at once", ctx, param)
        ids += wanted
    return ids


def _pieces(value: str) -> Iterator[tuple[str, str]]:
    """Yield each id or range as it was written, and where if it came on standard input."""
    if value != "-":
        for piece in value.split(","):
            yield "", piece.strip()
        return
    for number, line in enumerate(standard_input(), 1):
        for piece in line.decode("utf-8", "backslashreplace").replace(",", " ").split():
            yield f"line {number} of standard input: ", piece


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= U64_MAX


def ids(required: bool = True) -> Callable[[F], F]:
    """Make the option ``--ids``: job ids as ``5,7-9``, or ``-`` for standard input with one (or such a list) a line."""
    told = "Job ids such as 5,7-9; '-' reads standard input, one a line."
    return click.option("--ids", metavar="IDS", required=required, callback=_read_ids, help=told)
