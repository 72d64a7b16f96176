"""The runs of a call on several servers in the journal, and the server on which each is undone or resumed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from beanops.journal.filters import Filter
from beanops.journal.journal import Journal
from beanops.journal.records import Refused, RunRow
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.session.arguments import run_id_of


class PastRun(NamedTuple):
    """A run of the journal.

    Attributes
    ----------
    server : str
        Name of the server that it acted on.
    on : str
        Name of the server on which it is undone: of a copy to another server that one.
    id : str
        Its id.
    """

    server: str
    on: str
    id: str


class PastRuns(NamedTuple):
    """The runs of one call.

    Attributes
    ----------
    runs : list of PastRun
        Those on the servers that were asked for.
    errors : dict of str to BeanopsError
        The others, by server: why nothing is done there.
    """

    runs: list[PastRun]
    errors: dict[str, BeanopsError]


def rows_of(journal: Journal, run: Any) -> list[RunRow]:
    """Return the runs that a fleet run, a run, the id of either or a row of a frame means, oldest first.

    Raises
    ------
    JournalError
        There is no such run.
    """
    id = run_id_of(run)
    rows = journal.find_runs(Filter(fleets=[id]))[::-1]
    return rows or [journal.run(id)]


def past_runs(
    rows: Collection[RunRow], names: Mapping[str, str], servers: Collection[str] | None, *, back: bool
) -> PastRuns:
    """Return which runs are undone or resumed, and where.

    Parameters
    ----------
    rows : collection of RunRow
        The runs.
    names : mapping of str to str
        The name of each server by its address.
    servers : collection of str or None
        Names of the servers whose runs are wanted; None is all.
    back : bool
        Whether they are undone: a copy then on the server that it put jobs into.

    Raises
    ------
    UsageError
        There is none on these servers, or none can be resumed.
    """
    runs: list[PastRun] = []
    errors: dict[str, BeanopsError] = {}
    lasting = [row.at_its_end for row in rows if row.at_its_end is not None]
    if not back and len(lasting) == len(rows):
        raise UsageError(lasting[0])
    for row in rows:
        server = names.get(row.server, row.server)
        if (servers is not None and server not in servers) or (not back and row.at_its_end is not None):
            continue
        address = row.request.get("server", row.server) if back else row.server
        if address in names:
            runs.append(PastRun(server, names[address], row.id))
        else:
            errors[server] = Refused(f"run {row.id} is on {address}, which is not in this fleet")
    if not runs and not errors:
        there = dict.fromkeys(names.get(row.server, row.server) for row in rows)
        raise UsageError(f"no run of it is on {', '.join(servers or ())}, but on {', '.join(there)}")
    places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
    return PastRuns(sorted(runs, key=lambda one: places.get(one.server, len(places))), errors)
