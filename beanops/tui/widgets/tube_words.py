"""What the preview of a tube says, in lines of parts: its problems, why its jobs failed, its next job, its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from beanops.monitor.survey import Seen
from beanops.text import plural, safe_text, span
from beanops.tui.tubes.causes import TubeCauses, state_read
from beanops.tui.widgets.columns import shortened
from beanops.tui.widgets.line import Part
from beanops.ui.columns.why import IDLE, MARKS, PAUSED, is_idle, lasted
from beanops.ui.formatting import count, rate

#: A line of text in parts.
PartLine = list[Part]
#: Tubes of a group that the preview lists.
LISTED = 20


def problem_lines(row: Seen, now: float) -> list[PartLine]:
    """Return the problems of a tube with their reasons, the worst first."""
    lines: list[PartLine] = []
    for problem in row.problems:
        style = "$buried" if problem.severity == "critical" else "$delayed"
        mark = MARKS[problem.severity]
        if problem.name == "paused":
            mark, style = PAUSED, "$paused"
        elif is_idle(row):
            mark, style = IDLE, "$muted"
        lines.append([(f"{mark} {problem.title}: ", f"bold {style}"), (safe_text(problem.reason), "")])
    return lines


def about(row: Seen, width: int) -> PartLine:
    """Return a tube in one line: its name, its problems, the worst first, and what is known of it."""
    parts: PartLine = [(shortened(safe_text(row.name), max(20, width // 3)), "bold $primary"), ("  ", "")]
    for problem in row.problems:
        parts += [(f"{problem.title}: ", "bold $buried"), (safe_text(problem.reason), ""), ("  ", "")]
    for name, value in _facts(row).items():
        parts += [(f"{name} ", "$muted"), (value, ""), ("  ", "")]
    return parts


def fact_lines(row: Seen) -> list[PartLine]:
    """Return what is known of a tube beside the columns of the table."""
    stats, rates = row.stats, row.rates
    workers = f"{plural(stats.current_watching, 'worker')}, {stats.current_waiting:,} waiting"
    lines: list[PartLine] = [
        [("puts/s ", "$muted"), (rate(rates.puts), ""), ("  deletes/s ", "$muted"), (rate(rates.deletes), "")],
        [(workers, "" if stats.current_watching else "$muted")],
    ]
    for name, value in _facts(row).items():
        lines.append([(f"{name} ", "$muted"), (value, "")])
    return lines


def _facts(row: Seen) -> dict[str, str]:
    stats = row.stats
    facts = {
        "paused for": span(stats.pause_time_left) if stats.pause_time_left else "",
        "next job waits": "" if row.age is None else span(row.age),
        "drains in": "" if row.drain is None else span(row.drain),
        "using": f"{stats.current_using:,}",
        "jobs so far": f"{stats.total_jobs:,}",
    }
    return {name: value for name, value in facts.items() if value}


def cause_lines(row: Seen, causes: TubeCauses | None, width: int, at: float) -> list[PartLine]:
    """Return the most frequent causes with their numbers, each in one line, below a line on how many jobs were read."""
    state = state_read(row.stats)
    if causes is None or causes.state != state or (not causes.groups and not causes.error):
        return []
    if causes.error:
        return [[(f"causes could not be read: {causes.error}", "$muted")]]
    # Some more may have been buried between the look and the search.
    total = max(causes.read, getattr(causes.stats, f"current_jobs_{state}"))
    read = (
        f"{causes.read:,} of {plural(total, f'{state} job')}" if causes.read < total else plural(total, f"{state} job")
    )
    old = f", {lasted(at - causes.at)} ago" if causes.stats != row.stats and at - causes.at >= 1 else ""
    what = "causes" if state == "buried" else "kinds"
    lines: list[PartLine] = [[(f"{what} of {read}{old}", "$muted")]]
    digits = max(len(f"{number:,}") for number, _ in causes.groups)
    for number, text in causes.groups:
        share = f"{100 * number / causes.read:3.0f}% "
        room = width - digits - len(share) - 1
        cut = text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
        lines.append([(f"{number:>{digits},} ", f"bold ${state}"), (share, "$muted"), (cut, "")])
    rest = causes.read - sum(number for number, _ in causes.groups)
    if rest:
        lines.append([(f"{rest:>{digits},} ", f"${state}"), (f"     other {what}", "$muted")])
    return lines


def causes_in_line(row: Seen, causes: TubeCauses | None, width: int) -> PartLine:
    """Return the most frequent causes in one line, each with as much of it as there is room for."""
    state = state_read(row.stats)
    if causes is None or causes.state != state:
        return []
    if causes.error:
        return [(f"causes could not be read: {causes.error}", "$muted")]
    room = width
    parts: PartLine = []
    for place, (number, text) in enumerate(causes.groups):
        written = f"{count(number, 6)} "
        each = room // (len(causes.groups) - place) - len(written) - 2
        cut = text if len(text) <= each else f"{text[: max(1, each - 1)]}…"
        parts += [(written, f"bold ${state}"), (f"{cut}  ", "")]
        room -= len(written) + len(cut) + 2
    return parts


def next_lines(row: Seen, causes: TubeCauses | None) -> list[PartLine]:
    """Return the job that would be taken next, then its error or the beginning of its body."""
    job = causes.next if causes is not None and causes.state == state_read(row.stats) else None
    if job is None:
        return []
    tries = f", reserved {job.reserves:,} times" if job.reserves > 1 else ""
    head: PartLine = [
        (f"next {job.state}: ", "$muted"),
        (f"job {job.id}", f"bold ${job.state}"),
        (f" put {lasted(job.age)} ago{tries}", "$muted"),
    ]
    return [head, [(job.line, "")]]


def next_in_line(row: Seen, causes: TubeCauses | None) -> PartLine:
    """Return the job that would be taken next in one line."""
    lines = next_lines(row, causes)
    if not lines:
        return []
    (label, job, _), said = lines
    return [label, job, ("  ", ""), *said]


def member_lines(row: Seen, known: Sequence[Seen]) -> list[PartLine]:
    """Return the tubes that a row sums up, the ones with most jobs first."""

    def jobs(one: Seen) -> int:
        return one.stats.current_jobs_buried + one.stats.current_jobs_ready

    ranked = sorted(known, key=lambda one: (-jobs(one), one.name))
    lines: list[PartLine] = [
        [(f"{count(jobs(one), 7):>7} ", "$ready"), (safe_text(one.name), "")] for one in ranked[:LISTED]
    ]
    if len(row.members) > LISTED:
        lines.append([(f"        and {len(row.members) - LISTED:,} more", "$muted")])
    return lines
