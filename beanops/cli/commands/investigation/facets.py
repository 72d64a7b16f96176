"""The command that shows what the bodies of jobs have in common."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import click

from beanops.cli import ids as id_options
from beanops.cli import options
from beanops.cli.commands.jobs import conclude
from beanops.cli.commands.tubes import look_for_tube
from beanops.cli.ending import interruptible
from beanops.cli.output import print_csv, print_json, shortened, text_width
from beanops.cli.streams import on_terminal
from beanops.jobs.facets import Bin, Facets, Histogram, PathFacet
from beanops.session.bars import bar_for
from beanops.session.investigation.facets import MOST, TOP, FacetSearch, FoundFacets, undecoded_words
from beanops.session.investigation.last_shown import keep_facets
from beanops.text import percentage, plural, safe_text, span

#: Columns of a table that is not on a terminal.
_WIDTH = 80
#: Characters of an extreme, and of a bar.
_EXTREME, _BAR = 20, 20
#: Values that are shown of a path where each job has its own.
_EXAMPLES = 3
_CSV = (
    "path", "types", "path_jobs", "missing", "nulls", "distinct", "distinct_approximate", "min", "max",
    "value", "start", "end", "jobs", "share", "approximate", "where",
)  # fmt: skip


@click.command()
@options.tube
@options.any_state
@id_options.ids()
@options.where
@options.group
@click.option(
    "--top", type=click.IntRange(0, MOST), default=TOP, show_default=True, help="Maximum number of values of each path"
)
@click.option("--limit", type=options.NUMBER, help="Maximum number of jobs")
@options.searching_all
@options.printing
def facets(tube: str | None, top: int, output: str, **asked: Any) -> None:
    """Show the paths in the bodies of the jobs of TUBE (a name or a glob), or of all tubes, with their values.

    It shows how often each path occurs and with which values, and histograms of age, size, priority and of other
    numbers that differ. A number with ~ is an estimate. JSON and CSV have the --where that selects the jobs of each
    value. Tab completes the paths and values that were shown last in --where.
    """
    which = {name: asked[name] for name in ("state", "ids", "where", "limit", "probe", "rate")}
    if isinstance(asked["server"], tuple):
        from beanops.cli.fleets import looking
        from beanops.cli.fleets.opening import RowFormat

        asked["output"], which["group"] = output, asked["group"] or None
        form = RowFormat(_fields, dict, _CSV)
        looking.show_facets(asked, tube, top, which, _print_facets, _csv_rows, form)
        return
    with options.opened(asked) as session, bar_for(None, True, "ids", "facets") as bar:
        look_for_tube(session, tube)
        which |= {"group": asked["group"] or None, "progress": None if bar is None else bar.show_scan}
        search = FacetSearch(session._context, session._lookups, tube, top, which)
        with interruptible(search.scan.cancel) as signals:
            found = search.run()
        if bar is not None:
            bar.close()
        keep_facets(session.address, tube, found.facets, session._context.redact)
    if output == "json":
        print_json(_fields(found))
    elif output == "csv":
        print_csv([*_csv_rows(found.facets)], _CSV)
    else:
        _print_facets(found)
    conclude(search.scan, signals)


def _print_facets(found: FoundFacets) -> None:
    """Print facets for people."""
    width = shutil.get_terminal_size().columns if on_terminal("stdout") else _WIDTH
    click.echo("\n".join(_lines(found.facets, max(width, _WIDTH // 2))))


def _lines(facets: Facets, width: int) -> Iterator[str]:
    """Yield a table for people."""
    left_out = undecoded_words(facets)
    yield f"{plural(facets.jobs, 'job')}{f', {left_out}' if left_out else ''}"
    for facet, below in zip_longest(facets.paths, facets.paths[1:]):
        if not _is_shown_below(facet, below):
            yield from _path_lines(facet, facets.decoded, width)
    if facets.other_paths:
        yield f"\nand {plural(facets.other_paths, 'value')} at other paths, which are too many to be counted"
    for histogram in facets.histograms:
        yield from _histogram_lines(histogram, facets.jobs, width)


def _is_shown_below(facet: PathFacet, below: PathFacet | None) -> bool:
    """Whether the next path says all that is to be said of an object or a list."""
    container = len(facet.types) == 1 and not {"object", "array"}.isdisjoint(facet.types)
    return container and below is not None and below.path.startswith(facet.path) and below.jobs == facet.jobs


def _path_lines(facet: PathFacet, decoded: int, width: int) -> Iterator[str]:
    yield ""
    about = [", ".join(facet.types), percentage(facet.jobs, decoded)]
    if facet.nulls and len(facet.types) > 1:
        about.append(f"{facet.nulls:,} null")
    if facet.distinct:
        about.append(f"{'~' if facet.approximate else ''}{plural(facet.distinct, 'value')}")
    if facet.distinct > 1 and facet.min is not None:
        about.append(f"{_extreme(facet.min)} to {_extreme(facet.max)}")
    yield from _row(safe_text(facet.path), " · ".join(about), width)
    once = facet.distinct > _EXAMPLES and facet.top and facet.top[0].jobs == 1
    for one in facet.top[: _EXAMPLES if once else None]:
        count = f"{'≥' if one.approximate else ''}{one.jobs:,}"
        yield from _row(f"  {safe_text(one.value)}", f"{count}  {percentage(one.jobs, decoded):>4}", width)
    others = facet.distinct - (_EXAMPLES if once else len(facet.top))
    if others > 0:
        many = f"{'~' if facet.approximate else ''}{others:,}"
        yield f"  and {many} more" if facet.top else "  no frequent value"


def _extreme(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else safe_text(str(value))
    return text if len(text) <= _EXTREME else f"{text[: _EXTREME - 1]}…"


def _histogram_lines(histogram: Histogram, jobs: int, width: int) -> Iterator[str]:
    low, high = (_number(histogram.column, value) for value in (histogram.min, histogram.max))
    yield f"\n{histogram.column}{f' · {low} to {high}' if low != high else ''}"
    most = max(one.jobs for one in histogram.bins)
    for one in histogram.bins:
        bar = "█" * -(-one.jobs * _BAR // most)
        yield from _row(
            f"  {_range(histogram.column, one)}",
            f"{bar:<{_BAR}}  {one.jobs:>9,}  {percentage(one.jobs, jobs):>4}",
            width,
        )


def _range(column: str, one: Bin) -> str:
    first, last = _number(column, one.start), _number(column, one.end if column == "age" else one.end - 1)
    return first if one.end == one.start + 1 else f"{first} to {last}"


def _number(column: str, value: int) -> str:
    return span(value) if column == "age" else f"{value:,}"


def _row(left: str, right: str, width: int) -> Iterator[str]:
    """Yield a line with a text at each end; a path that leaves no room has a line of its own."""
    right = shortened(right, width - 4)
    room = width - text_width(right) - 2
    if text_width(left) > room and not left.startswith(" "):
        yield shortened(left, width) if on_terminal("stdout") else left
        left = ""
    text = shortened(left, room)
    yield f"{text}{' ' * (width - text_width(text) - text_width(right))}{right}"


def _fields(found: FoundFacets) -> dict[str, Any]:
    """Return all of it for programs."""
    facets = found.facets
    decoded, jobs = facets.decoded or 1, facets.jobs or 1
    return {
        "jobs": facets.jobs,
        "decoded": facets.decoded,
        "complete": found.complete,
        "verdict": found.verdict,
        "paths": [
            {
                **facet._asdict(),
                "share": round(facet.jobs / decoded, 6),
                "top": [{**one._asdict(), "share": round(one.jobs / decoded, 6)} for one in facet.top],
            }
            for facet in facets.paths
        ],
        "other_paths": facets.other_paths,
        "histograms": [
            {
                **histogram._asdict(),
                "bins": [{**one._asdict(), "share": round(one.jobs / jobs, 6)} for one in histogram.bins],
            }
            for histogram in facets.histograms
        ],
        "undecoded": [one._asdict() for one in facets.undecoded],
    }


def _csv_rows(facets: Facets) -> Iterator[dict[str, Any]]:
    """Yield a row for each value; a path without values has one, and each bin of a histogram has one."""
    decoded, jobs = facets.decoded or 1, facets.jobs or 1
    for facet in facets.paths:
        about = {
            "path": facet.path, "types": " ".join(facet.types), "path_jobs": facet.jobs, "missing": facet.missing,
            "nulls": facet.nulls, "distinct": facet.distinct, "distinct_approximate": facet.approximate,
            "min": facet.min, "max": facet.max,
        }  # fmt: skip
        for one in facet.top:
            yield about | one._asdict() | {"share": round(one.jobs / decoded, 6)}
        if not facet.top:
            yield about
    for histogram in facets.histograms:
        about = {"path": histogram.column, "path_jobs": facets.jobs, "min": histogram.min, "max": histogram.max}
        for bin in histogram.bins:
            yield about | bin._asdict() | {"share": round(bin.jobs / jobs, 6)}
