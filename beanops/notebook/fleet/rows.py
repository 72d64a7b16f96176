"""The rows of servers and of the tubes of all of them. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from beanops.monitor.survey import Survey
from beanops.notebook import tube_rows
from beanops.notebook.page_values import cells_of, page_value
from beanops.notebook.static import StaticTable
from beanops.notebook.tube_rows import TubeFilter, TubeRows
from beanops.notebook.widgets.table import Cells
from beanops.text import plural
from beanops.ui.columns.column import Column
from beanops.ui.columns.servers import worst_text
from beanops.ui.server_pollers import ServerState


def _server(field: str) -> Callable[[ServerState], Any]:
    # The numbers of a server that is lost are not those that it has now.
    return lambda state: getattr(state.live.survey.server, field) if answers(state) else None  # type: ignore[union-attr]


def answers(state: ServerState) -> bool:
    """Whether a server answers."""
    return state.live.survey is not None and not state.silence


def _state(state: ServerState) -> str:
    return state.silence or ("up" if answers(state) else "connecting ...")


def _problem(state: ServerState) -> str:
    if state.silence:
        return state.silence_text()
    survey = state.live.survey
    return "" if survey is None else worst_text(state, survey.problems, lambda: survey.at)


def _tone(state: ServerState) -> str:
    survey = state.live.survey
    if state.silence:
        return "buried"
    problems = () if survey is None else survey.problems
    return "" if not problems else "buried" if problems[0].severity == "critical" else "delayed"


SERVERS: tuple[Column[Any], ...] = (
    Column("server", "server", lambda state: state.profile.name, "text", em=9),
    Column("state", "state", _state, "text", em=7, toned="state_tone"),
    Column("problem", "worst problem", _problem, "text", em=22, toned="tone"),
    *(
        Column(state, state, _server(f"current_jobs_{state}"), tone=state, em=6)
        for state in ("ready", "reserved", "delayed", "buried")
    ),
    Column("workers", "workers", _server("current_workers"), em=6),
    Column(
        "version", "version", lambda state: state.live.survey.server.version if answers(state) else "", "text", em=6
    ),
    Column("up", "up", _server("uptime"), "seconds", em=6),
    Column("tone", "", _tone, "text", em=0),
    Column("state_tone", "", lambda state: "buried" if state.silence else "ready", "text", em=0),
)
_VALUES = [page_value(column) for column in SERVERS]

#: The columns of tubes of one server, after the server.
TUBES: tuple[Column[Any], ...] = (Column("server", "server", lambda row: "", "text", em=8), *tube_rows.COLUMNS)
_WORST = [column.name for column in TUBES].index("worst")
_STATIC = [place for place, column in enumerate(TUBES) if column.em and column.drawn != "spark"]


class FleetRows:
    """The rows of servers and of their tubes, from look to look.

    Parameters
    ----------
    pattern : str or None
        Only tubes that match this name or glob.
    """

    def __init__(self, pattern: str | None) -> None:
        self.filter = TubeFilter(pattern)
        self._rows: dict[str, TubeRows] = {}
        #: Server and tube of each row of tubes, by its key.
        self.places: dict[str, tuple[str, str]] = {}

    def servers(self, states: Sequence[ServerState]) -> dict[str, Cells]:
        """Return a row for each server, by its name."""
        return {state.profile.name: cells_of(state, _VALUES) for state in states}

    def tubes(self, states: Sequence[ServerState], selected: Collection[str]) -> dict[str, Cells]:
        """Return a row for each tube of the servers that answer, by server and tube."""
        rows: dict[str, Cells] = {}
        places: dict[str, tuple[str, str]] = {}
        for state in states:
            survey, server = state.live.survey, state.profile.name
            if survey is None or state.silence:
                continue
            mine = {
                tube for key in selected if (place := self.places.get(key)) and place[0] == server for tube in place[1:]
            }
            for tube, cells in self._of(server, self.filter.narrowed(survey), mine).items():
                key = f"{server} {tube}"
                rows[key], places[key] = (server, *cells), (server, tube)
        self.places = places
        return rows

    def _of(self, server: str, survey: Survey, selected: Collection[str]) -> dict[str, Cells]:
        return self._rows.setdefault(server, TubeRows()).of(survey, selected)


def worst_first(rows: Mapping[str, Cells]) -> dict[str, Cells]:
    """Return the rows of tubes in the order of problems, as the page shows them."""
    return dict(sorted(rows.items(), key=lambda row: row[1][_WORST]))


def static_table(title: str, rows: Mapping[str, Cells]) -> StaticTable:
    """Return the table of a notebook without a kernel."""
    kept = [[cells[place] for place in _STATIC] for cells in worst_first(rows).values()]
    return StaticTable(title, [TUBES[place] for place in _STATIC], kept, len(rows))


def heading(states: Sequence[ServerState]) -> tuple[str, str]:
    """Return how many servers there are and which do not answer, and the tone of that."""
    silent = [state for state in states if state.silence]
    text = plural(len(states), "server")
    if not silent:
        return text, ""
    named = ", ".join(f"{state.profile.name} {state.silence_text()}" for state in silent)
    return f"{text} · {len(silent):,} without an answer: {named}", "lost"
