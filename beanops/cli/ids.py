"""``--ids``: the jobs named on the command line or standard input, with the facts given there."""

from __future__ import annotations

import csv
import io
import json
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from beanops.cli.streams import standard_input
from beanops.jobs.identity import JobRef
from beanops.jobs.refs import JobRefs, ref_of_row, refs_of
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U64_MAX

F = TypeVar("F", bound=Callable[..., Any])

#: Most ids that one call takes: a range with a digit too many must not fill the memory.
MAX_IDS = 1_000_000
_HELP = "Job ids such as 5,7-9; - reads ids or exported lines from stdin"


class RefsOfServers(JobRefs):
    """Jobs of rows that name their servers, as those of ``beanops jobs`` on several servers do.

    Attributes
    ----------
    by_server : dict of str to JobRefs
        The jobs of each server.
    """

    def __init__(self, refs: JobRefs, rows: Sequence[JobRef], servers: Sequence[str]) -> None:
        super().__init__(refs.ids, **refs.facts)
        named: dict[str, list[JobRef]] = {}
        for row, server in zip(rows, servers, strict=True):
            named.setdefault(server, []).append(row)
        self.by_server = {server: refs_of(found) for server, found in named.items()}


def ids() -> Callable[[F], F]:
    """Make the option ``--ids`` of a command that looks at jobs: the numbers alone count."""
    return click.option("--ids", metavar="IDS", callback=_numbers, help=_HELP)


def jobs(name: str = "--ids") -> Callable[[F], F]:
    """Make the option ``--ids`` of a command that acts on jobs: facts given with an id must match the job."""
    return click.option(name, metavar="IDS", callback=_read, help=_HELP)


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> list[int] | None:
    refs = _read(ctx, param, value)
    return None if refs is None else list(refs.ids)


def _read(ctx: click.Context, param: click.Parameter, value: str | None) -> JobRefs | None:
    """Return the jobs of ``5,7-9``, or of standard input, each once and in the order given."""
    if value is None or ctx.resilient_parsing:  # a shell that completes has nothing on standard input, and waits
        return None
    numbers = array("Q")
    rows: list[JobRef] = []
    servers: list[str] = []
    for place, found in _pieces(value):
        try:
            if isinstance(found, str):
                numbers.extend(_range(found, MAX_IDS - len(numbers) - len(rows)))
            else:
                rows.append(ref_of_row(found))
                servers.append(str(found.get("server") or ""))
        except (ValueError, ArgumentError) as error:
            raise click.BadParameter(f"{place}{error}", ctx, param) from None
        if len(numbers) + len(rows) > MAX_IDS:
            raise click.BadParameter(f"{place}more than {MAX_IDS:,} ids at once", ctx, param)
    refs = refs_of([*rows, *numbers]) if rows else refs_of(numbers)
    return RefsOfServers(refs, rows, servers) if all(servers) and rows and not numbers else refs


def _range(text: str, most: int) -> range:
    first, dash, last = text.partition("-")
    if not _is_id(first) or (dash and not _is_id(last)):
        raise ValueError(f"{text!r} is neither an id nor a range of ids such as 7-9")
    wanted = range(int(first), int(last if dash else first) + 1)
    if not wanted:
        raise ValueError(f"{text!r} ends before it starts")
    if wanted.stop - wanted.start > most:
        raise ValueError(f"more than {MAX_IDS:,} ids at once")
    return wanted


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20 and int(text) <= U64_MAX


def _pieces(value: str) -> Iterator[tuple[str, Any]]:
    """Yield each id or range as it was written, or each row, with its place if it came from standard input."""
    if value != "-":
        for piece in value.split(","):
            yield "", piece.strip()
        return
    lines = enumerate(standard_input(), 1)
    for number, line in lines:
        place = f"line {number} of standard input: "
        line = line.removeprefix(BOM_UTF8) if number == 1 else line
        start = line.lstrip()[:1]
        if start == b"[":
            yield from _array(place, line + b"".join(rest for _, rest in lines))
        elif start == b"{":
            found = _object(line)
            if isinstance(found, dict) or _is_json(line):
                yield place, found
            else:
                yield from _objects(place, found, line + b"".join(rest for _, rest in lines))
        elif start.isalpha() and number == 1:
            yield from _table(line + b"".join(rest for _, rest in lines))
        else:
            for piece in line.decode("utf-8", "backslashreplace").replace(",", " ").split():
                yield place, piece


def _object(line: bytes) -> Any:
    """Return a JSON object that has an id, or the text found instead of one."""
    try:
        found = json.loads(line)
        if type(found["id"]) is int:
            return found
    except (ValueError, RecursionError, KeyError):
        return line.decode("utf-8", "backslashreplace").strip()[:60]
    return repr(found["id"])


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _objects(place: str, first: str, text: bytes) -> Iterator[tuple[str, Any]]:
    """Yield objects that go over several lines, as jq prints them."""
    rest = text.decode("utf-8", "backslashreplace").strip()
    number = 0
    while rest:
        try:
            found, end = json.JSONDecoder().raw_decode(rest)
        except (ValueError, RecursionError):
            yield (f"job {number + 1} of standard input: ", rest[:60]) if number else (place, first)
            return
        number += 1
        rest = rest[end:].lstrip()
        known = isinstance(found, dict) and type(found.get("id")) is int
        yield f"job {number} of standard input: ", found if known else json.dumps(found)[:60]


def _array(place: str, text: bytes) -> Iterator[tuple[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        yield place, text.decode("utf-8", "backslashreplace").strip()[:60]
        return
    for number, row in enumerate(found, 1):
        known = isinstance(row, dict) and type(row.get("id")) is int
        yield f"job {number} of standard input: ", row if known else json.dumps(row)[:60]


def _table(text: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a table of comma-separated values that has a heading."""
    rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig", "backslashreplace"), newline=""))
    if "id" not in (rows.fieldnames or ()):
        yield "line 1 of standard input: ", ",".join(rows.fieldnames or ())[:60]
        return
    for row in rows:
        place = f"line {rows.line_num} of standard input: "
        # Bodies in such a table are escaped, so they are not compared.
        facts = {name: row[name] for name in ("instance", "tube", "created", "digest", "server") if row.get(name)}
        yield place, {"id": int(row["id"]), **facts} if _is_id(row["id"] or "") else row["id"] or "an empty line"
