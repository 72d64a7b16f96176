"""The command that estimates how long jobs wait and run, and of which classes they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from beanops.cli import complete, options
from beanops.cli.fleets.server_option import Servers
from beanops.cli.output import print_csv, print_json, print_table
from beanops.monitor.survey import Survey
from beanops.session.connect import connect
from beanops.session.watching.timing import APART, LENGTH, Timed, classified, measure, timed
from beanops.ui.columns.column import Column
from beanops.ui.columns.times import CLASS_COLUMNS, TIME_COLUMNS, ClassRow

#: Characters of a cell.
_WIDEST = 100


@click.command()
@click.argument("pattern", required=False, metavar="[TUBE]", shell_complete=complete.tubes)
@click.option("--seconds", type=options.SPAN, default=str(LENGTH), help="Length of the measurement, 10 by default")
@click.option("--every", type=options.SPAN, default=str(APART), help="Interval between two looks, 1 by default")
@click.option("--classes", is_flag=True, help="Classes of the jobs, read from bodies of a sample")
@options.redact
@options.fleet
@options.printing
def times(
    pattern: str | None,
    seconds: float,
    every: float,
    classes: bool,
    redact: tuple[str, ...],
    server: Servers,
    output: str,
) -> None:
    """Estimate how long the jobs of all tubes, of TUBE or of all that match it wait for a worker and run.

    It follows a sample of the jobs that are put from now on. Times are seconds in JSON and CSV. Ctrl-C ends the
    measurement early.
    """
    if isinstance(server, tuple):
        from beanops.cli.fleets import looking
        from beanops.cli.fleets.opening import RowFormat

        names = [column.name for column in (CLASS_COLUMNS if classes else TIME_COLUMNS)]
        asked = {"server": server, "output": output, "redact": redact}
        looking.show_times(asked, pattern, seconds, every, classes, RowFormat(_fields, _fields, names))
        return
    with connect(server, source="cli", redact=redact) as session:
        classify = session._context.reader.job_class if classes else None
        survey = measure(session._lookups, pattern, seconds, every, classify=classify)
    columns: Sequence[Column[Any]] = CLASS_COLUMNS if classes else TIME_COLUMNS
    rows: Sequence[Any] = _classes(survey, pattern) if classes else timed(survey, pattern)
    if output == "json":
        print_json([_fields(row) for row in rows])
    elif output == "csv":
        print_csv([_fields(row) for row in rows], [column.name for column in columns])
    elif rows:
        # As people read estimates: what is too short to tell is "<1s".
        cells = [[column.text(row, _WIDEST) for column in columns] for row in rows]
        print_table([column.name for column in columns], cells)
    else:
        click.echo("nothing is known: no job was put, or none could be followed")


def _classes(survey: Survey, pattern: str | None) -> list[ClassRow]:
    return [ClassRow(seen.name, one) for seen in classified(survey, pattern) for one in seen.classes]


def _fields(row: Timed | ClassRow) -> dict[str, Any]:
    """Return a row for programs: times are seconds."""
    if isinstance(row, ClassRow):
        rate = row.of.puts_per_s
        return {
            "tube": row.tube,
            "job_class": row.of.name,
            "puts_per_s": None if rate is None else round(rate, 3),
            "jobs": row.of.jobs,
        }
    fields = {column.name: column.value(row) for column in TIME_COLUMNS}
    resolution = max(row.times.wait.resolution, row.times.run.resolution)
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in {**fields, "resolution": resolution}.items()
    }
