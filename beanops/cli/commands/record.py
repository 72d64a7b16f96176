"""The command that records servers to a file, and tells what is in one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beanops.cli import options
from beanops.cli.output import print_csv, print_json, print_table
from beanops.protocol.errors import ArgumentError, UsageError
from beanops.session.arguments import seconds_of
from beanops.text import plural, safe_text, span
from beanops.ui.defaults import INTERVAL, LONGEST_INTERVAL, SHORTEST_INTERVAL

if TYPE_CHECKING:
    from beanops.recording.reader import RecordedServer, Recording

_COLUMNS = ("server", "address", "from", "to", "tubes", "problems", "gaps", "unknown")
_GAPS = ("server", "from", "to", "seconds", "cause")
#: Gaps that are printed at most.
_MOST = 20


class _Keep(click.ParamType[tuple[float, ...]]):
    """One to three spans of time, each at least as long as the one before."""

    name = "spans"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        from beanops.recording.writer import KEEP

        if isinstance(value, tuple):
            return value
        try:
            given = [seconds_of("keep", part) for part in value.split(",")]
        except ArgumentError as error:
            self.fail(f"{error.given!r} given, allowed is up to three of {error.allowed}", param, ctx)
        spans = [*given, *(max(given[-1], usual) for usual in KEEP[len(given) :])]
        if len(spans) > len(KEEP) or spans != sorted(spans) or not spans[0]:
            self.fail(f"{value!r} given, allowed are up to three spans, none shorter than the one before", param, ctx)
        return tuple(spans)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--interval",
    type=click.FloatRange(SHORTEST_INTERVAL, LONGEST_INTERVAL),
    default=INTERVAL,
    show_default=True,
    help="Seconds between two looks at each server",
)
@click.option(
    "--keep",
    type=_Keep(),
    metavar="SPANS",
    default="2d,30d,365d",
    show_default=True,
    help="How long to keep each look, minutes, 10 minutes",
)
@click.option("--info", is_flag=True, help="Show what is in the file, and exit")
@options.servers
@options.printing
def record(
    file: Path | None, interval: float, keep: tuple[float, ...], info: bool, server: tuple[str, ...], output: str
) -> None:
    """Record tubes, server statistics and problems to FILE until SIGTERM or Ctrl-C; beanops tui --replay shows them.

    Without FILE it is the recording of config.toml, else a file of yours, where the dashboards find their past.
    """
    from beanops.session.config import default_recording, problem_limits

    path = file or default_recording()
    if info:
        from beanops.recording.reader import Recording

        with Recording(path) as recording:
            _show(recording, output)
        return
    from beanops.fleet.servers import servers_of
    from beanops.recording.daemon import Recorder
    from beanops.session.execution.signals import ENDING, handling

    known = servers_of(server)
    if twice := {one for one in server if server.count(one) > 1}:
        raise UsageError(f"server {', '.join(sorted(twice))} is named twice")
    recorder = Recorder(
        path,
        {one.name: one.address for one in known},
        reaches={one.name: one.reach for one in known},
        interval=interval,
        keep=keep,
        limits=problem_limits(),
        say=lambda line: click.echo(f"beanops record: {line}", err=True),
    )
    with handling(lambda number: recorder.end(), ENDING, over=True):
        recorder.run()


def _show(recording: Recording, output: str) -> None:
    servers = recording.servers()
    rows, gaps = [], []
    for server in servers:
        found = _gaps(recording, server)
        gaps += found
        rows.append(
            {
                "server": server.name,
                "address": server.address,
                "from": _time(server.began),
                "to": _time(server.ended),
                "tubes": len(recording.tubes(server.id)),
                "problems": len(recording.problems(server.id)),
                "gaps": len(found),
                "unknown": round(sum(gap["seconds"] for gap in found)),
            }
        )
    if output == "json":
        print_json({"file": str(recording.path), "bytes": recording.size(), "servers": rows, "gaps": gaps})
    elif output == "csv":
        print_csv(rows, _COLUMNS)
    else:
        click.echo(f"{safe_text(str(recording.path))}: {recording.size() / 1e6:,.1f} MB, {plural(len(rows), 'server')}")
        shown = [{**row, "unknown": span(row["unknown"]) if row["unknown"] else ""} for row in rows]
        print_table(_COLUMNS, [[row[name] for name in _COLUMNS] for row in shown])
        if gaps:
            more = f", the last {_MOST}" if len(gaps) > _MOST else ""
            click.echo(f"\n{plural(len(gaps), 'gap')}{more}:")
            print_table(_GAPS, [[gap[name] for name in _GAPS] for gap in gaps[-_MOST:]])


def _gaps(recording: Recording, server: RecordedServer) -> list[dict[str, Any]]:
    stretches = recording.stretches(server.id)
    return [
        {
            "server": server.name,
            "from": _time(before.ended),
            "to": _time(after.began),
            "seconds": round(after.began - before.ended, 1),
            "cause": after.cause,
        }
        for before, after in pairwise(stretches)
    ]


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
