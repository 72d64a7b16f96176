"""The content of the views: columns and buttons, and rows made of records. No widgets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from beanops.jobs.read import FoundJob
from beanops.jobs.search.progress import Progress
from beanops.jobs.select import Selection
from beanops.journal import records
from beanops.monitor.survey import Survey
from beanops.notebook.page_values import cells_of, page_value
from beanops.notebook.widgets.table import Cells, ToolButton
from beanops.protocol import JobStats
from beanops.protocol.states import EVERY_STATE, STATES
from beanops.session.execution.verbs import ALL
from beanops.session.session import Session
from beanops.text import plural, safe_text, span
from beanops.ui.actions import CATALOGUE
from beanops.ui.columns.jobs import ShownJob, job_columns
from beanops.ui.columns.journal import DoneAction, action_columns
from beanops.ui.columns.tubes import WINDOW
from beanops.ui.formatting import rate

#: Most problems that are listed.
MOST_PROBLEMS = 20
#: Most characters of an open body.
OPENED = 16_384

JOBS = job_columns("notebook")
ACTIONS = action_columns("notebook")

UNDO = ToolButton("undo", CATALOGUE["undo"].label, arms=True, offered=True)

TUBE_BUTTONS = [
    ToolButton("kick_next", CATALOGUE["kick-next"].label, arms=True, amount=100, unit="jobs"),
    ToolButton("pause", CATALOGUE["pause"].label, amount=60, unit="seconds"),
    ToolButton("unpause", CATALOGUE["unpause"].label),
    UNDO,
]

#: Verbs for a reserved job.
RESERVED_VERBS = ("touch", "release", "bury", "delete")


def _on_jobs(name: str) -> ToolButton:
    action = CATALOGUE[name]
    return ToolButton(name, action.label, sorted(ALL[name].states), text="to tube" if "to" in action.settings else None)


JOB_BUTTONS = [_on_jobs(name) for name in ("kick", "bury", "release", "delete", "move")]

RESERVED_BUTTONS = [
    *(ToolButton(name, CATALOGUE[name].label, offered=True) for name in RESERVED_VERBS),
    UNDO,
    ToolButton("reserve", CATALOGUE["reserve"].label, offered=True),
]

REFRESH = ToolButton("refresh", "Scan again", offered=True)
FOUND_BUTTONS = [*JOB_BUTTONS, UNDO, REFRESH]


def title(session: Session, survey: Survey) -> str:
    """Return the header line of a server that answers."""
    server = survey.server
    puts, deletes = survey.rates
    parts = [
        str(session.address),
        f"beanstalkd {server.version}",
        f"up {span(server.uptime)}",
        "rates not yet known" if puts is None else f"{rate(puts)} puts/s, {rate(deletes)} deletes/s over {WINDOW}",
        plural(server.current_tubes, "tube"),
        plural(server.current_connections, "connection"),
        plural(server.current_workers, "worker"),
    ]
    if server.draining:
        parts.append("draining: accepts no new jobs")
    can = session._lookups.known_capabilities(server.id)
    if can is not None and can.in_short:
        parts.append(can.in_short)
    if session.read_only:
        parts.append("read-only")
    return " · ".join(parts)


def problem_lines(survey: Survey) -> str:
    """Return the problems of the server and its tubes, one a line, the worst first."""
    lines = [
        f"{one.severity}: {one.title}, {safe_text(one.place)}: {safe_text(one.reason)}"
        for one in survey.problems[:MOST_PROBLEMS]
    ]
    more = len(survey.problems) - len(lines)
    if more:
        lines.append(f"and {more:,} more: session.problems() lists them")
    return "\n".join(lines) or "no problems"


_JOB_VALUES, _ACTION_VALUES = (list(map(page_value, columns)) for columns in (JOBS, ACTIONS))


def job_rows(session: Session, jobs: Iterable[FoundJob]) -> dict[str, Cells]:
    """Return a row for each job, by its id as text."""
    return {str(job.id): job_row(job.stats, session._context.decode(job.body or b"").summary) for job in jobs}


def job_row(stats: JobStats, body: str) -> Cells:
    """Return the cells of a job, with the summary of its body."""
    return cells_of(ShownJob(stats, body), _JOB_VALUES)


def with_body(cells: Cells, body: str) -> Cells:
    """Return the cells of a job with another summary of its body, and without columns that a user added."""
    return (*cells[: len(JOBS) - 1], body)


def action_rows(actions: Iterable[records.Action], numbers: dict[records.Action, int]) -> dict[str, Cells]:
    """Return a row for each action, by its number; `numbers` has the numbers of actions shown before."""
    before, following = dict(numbers), count(max(numbers.values(), default=0) + 1)
    numbers.clear()
    for action in actions:
        numbers[action] = before[action] if action in before else next(following)
    return {str(number): cells_of(DoneAction(number, action), _ACTION_VALUES) for action, number in numbers.items()}


def asked(selection: Selection) -> str:
    """Return a selection in words."""
    parts = [
        "jobs" if selection.tube is None else f"jobs of {safe_text(selection.tube)}",
        "" if selection.states >= set(STATES) else " or ".join(s for s in EVERY_STATE if s in selection.states),
        f"where {safe_text(selection.where, limit=80)}" if selection.where else "",
    ]
    return ", ".join(part for part in parts if part)


def scanning(progress: Progress) -> str:
    """Return the progress of a scan in words."""
    of = "" if progress.expected is None else f" of {progress.expected:,}"
    left = "" if progress.seconds_left is None else f", at most {progress.seconds_left:.0f} s left"
    return f"{progress.found:,}{of} found, {progress.remaining:,} ids to check{left}"


def opened(session: Session, job: FoundJob) -> str:
    """Return the decoded body of a job, redacted and cut."""
    return cut(session._context.decode(job.body or b"").text)


def cut(text: str) -> str:
    """Return a text, cut to the characters of an open body."""
    return text if len(text) <= OPENED else f"{text[:OPENED]}\n…[{len(text):,} chars]"
