"""The columns of several servers, and of the tubes of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from beanops.monitor.problems.problem import Problem, rank
from beanops.monitor.problems.server_rules import restarted_text
from beanops.monitor.survey import Seen
from beanops.ui.columns.column import Column
from beanops.ui.columns.tubes import SEEN, tube_columns
from beanops.ui.columns.why import MARKS, lasted
from beanops.ui.server_pollers import ServerState


class ServerRow(NamedTuple):
    """One server, and the number of its alerts; None where no alert daemon has run."""

    state: ServerState
    alerts: int | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.state.profile.name

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Its problems, the worst first."""
        survey = self.state.live.survey
        return survey.problems if survey is not None else ()


class FleetRow(NamedTuple):
    """A tube of one of several servers; without `seen` the server itself."""

    state: ServerState
    seen: Seen | None

    @property
    def key(self) -> tuple[str, str | None]:
        """The server's name and the tube's; None for the server."""
        return self.state.profile.name, None if self.seen is None else self.seen.name


def own_problems(state: ServerState) -> tuple[Problem, ...]:
    """Return the problems of the server itself, without those of its tubes."""
    survey = state.live.survey
    return tuple(one for one in survey.problems if one.tube is None and not one.tubes) if survey is not None else ()


def worst_text(state: ServerState, problems: tuple[Problem, ...], clock: Callable[[], float]) -> str:
    """Return in short words why a server is silent, else the worst of some problems with its place."""
    live = state.live
    if state.silence:
        seconds = live.waiting if live.lost is None else max(0.0, clock() - live.survey.at) if live.survey else 0.0
        return f"{MARKS['critical']} {state.silence}{f', {lasted(seconds)}' if seconds >= 1 else ''}"
    if not problems:
        return ""
    worst = problems[0]
    if worst.name == "restarted" and live.survey is not None:
        return f"{MARKS[worst.severity]} {restarted_text(live.survey.server.uptime, live.survey.fewer)}"
    place = "" if worst.tube is None else f"{worst.tube}: "
    return f"{MARKS[worst.severity]} {place}{worst.title}, {lasted(clock() - worst.since)}"


def _tone(state: ServerState, problems: tuple[Problem, ...]) -> str:
    if state.silence or (problems and problems[0].severity == "critical"):
        return "warn"
    return "delayed" if problems else ""


def _badness(state: ServerState, problems: tuple[Problem, ...]) -> tuple[int, int]:
    return (-1, 0) if state.silence else (rank(problems), -len(problems))


def _state(row: ServerRow) -> str:
    survey = row.state.live.survey
    if row.state.silence:
        return row.state.silence
    if survey is None:
        return "..."
    return "draining" if survey.server.draining else "up"


def _stat(field: str) -> Callable[[ServerRow], int | None]:
    # The numbers of a server that is lost are not those that it has now.
    return lambda row: getattr(row.state.live.survey.server, field) if _answers(row) else None  # type: ignore[union-attr]


def _answers(row: ServerRow) -> bool:
    return row.state.live.survey is not None and not row.state.silence


def _jobs(state: str, short: str, narrow: int, optional: int = 0) -> Column[ServerRow]:
    field = f"current_jobs_{state}"
    return Column(state, state, _stat(field), narrow=narrow, short=short, tone=state, optional=optional)


def server_columns(clock: Callable[[], float]) -> tuple[Column[ServerRow], ...]:
    """Return the columns of servers in a live face.

    Parameters
    ----------
    clock : callable
        The clock of the surveys.

    Examples
    --------
    >>> [column.name for column in server_columns(lambda: 0.0)][:4]
    ['name', 'state', 'problem', 'problems']
    """
    return (
        Column(
            "name", "server", lambda row: row.name, "text", 16, 14, grows=True,
            write=lambda row, width: f"{row.name}{' ←' if row.state.here else ''}",
            colour=lambda row: "loud" if row.state.profile.label or row.state.profile.color else "strong",
        ),
        Column(
            "state", "state", _state, "state", 9,
            colour=lambda row: "ready" if _state(row) == "up" else "muted" if _state(row) == "..." else "warn",
        ),
        Column(
            "problem", "worst problem", lambda row: _badness(row.state, row.problems), "text", 38, 20, "problem",
            write=lambda row, width: worst_text(row.state, row.problems, clock) if not row.state.silence else "",
            colour=lambda row: _tone(row.state, row.problems),
        ),
        Column(
            "problems", "problems", lambda row: len(row.problems) if _answers(row) else None, width=8, narrow=4,
            short="all", tone="buried", optional=9,
        ),
        Column("alerts", "alerts", lambda row: row.alerts, width=6, tone="buried", blank=True, optional=4),
        _jobs("ready", "ready", 6),
        _jobs("buried", "buried", 6),
        _jobs("reserved", "resvd", 5, 3),
        _jobs("delayed", "delay", 5, 5),
        Column("workers", "workers", _stat("current_workers"), width=8, narrow=5, short="work", optional=6),
        Column("up", "up", _stat("uptime"), "seconds", 8, 6, optional=7, colour=lambda row: "muted"),
        Column("label", "label", lambda row: row.state.profile.label, "text", 14, 10, tone="loud"),
        Column(
            "access", "access", lambda row: "read-only" if row.state.profile.read_only else "", "text", 9,
            tone="delayed", optional=8,
        ),
    )  # fmt: skip


def fleet_columns(clock: Callable[[], float]) -> tuple[Column[FleetRow], ...]:
    """Return the columns of the tubes of all servers: the server, then those of the tubes of one.

    Parameters
    ----------
    clock : callable
        The clock of the surveys.

    Examples
    --------
    >>> [column.name for column in fleet_columns(lambda: 0.0)][:3]
    ['server', 'tube', 'problem']
    """
    made: dict[str, Mapping[str, Column[Seen]]] = {}  # trends are remembered by tube, so each server has its own

    def of(row: FleetRow, name: str) -> Column[Seen]:
        server = row.state.profile.name
        if server not in made:
            made[server] = {column.name: column for column in tube_columns("tui", clock)}
        return made[server][name]

    server: Column[FleetRow] = Column(
        "server", "server", lambda row: (row.state.profile.name, row.key[1] or ""), "text", 14, 10,
        write=lambda row, width: f"{row.state.profile.name}{' ←' if row.state.here else ''}",
        colour=lambda row: (
            "warn" if row.state.silence else "loud" if row.state.profile.label or row.state.profile.color else ""
        ),
    )  # fmt: skip
    return (server, *(_of_fleet(column, of, clock) for column in tube_columns("tui", clock) if column.name != SEEN))


def _of_fleet(
    column: Column[Seen], of: Callable[[FleetRow, str], Column[Seen]], clock: Callable[[], float]
) -> Column[FleetRow]:
    """Return a column of tubes for the tubes of several servers, whose rows are dim while the server is silent."""
    name = column.name

    def value(row: FleetRow) -> Any:
        if row.seen is not None:
            return of(row, name).value(row.seen)
        if name == "problem":
            return _badness(row.state, own_problems(row.state))
        return "" if name == "tube" else None

    def write(row: FleetRow, width: int) -> str:
        if row.seen is not None:
            return of(row, name).text(row.seen, width)
        if name == "problem":
            return worst_text(row.state, own_problems(row.state), clock) or "connecting ..."
        return "(server)" if name == "tube" else ""

    def colour(row: FleetRow) -> str:
        if row.seen is None:
            return _tone(row.state, own_problems(row.state)) or "muted"
        return "stale" if row.state.silence else of(row, name).style(row.seen)

    return Column(
        name, column.title, value, column.unit, column.width, column.narrow, column.short, optional=column.optional,
        grows=column.grows, write=write, colour=colour,
    )  # fmt: skip
