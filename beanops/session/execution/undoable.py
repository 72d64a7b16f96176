"""Whether a run can be undone: the rule for all faces, which offer undo only where `Session.undo` accepts it.

`beanops.session.past_runs.undo` undoes a run, and reports per job what has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beanops.journal.journal import Journal
    from beanops.journal.records import RunRow

#: Why `kick_next` cannot be undone.
CHOSEN_BY_SERVER = "the server chose the jobs that it kicked, and does not report their ids"
#: Why a drain without bodies cannot be undone.
TRUNCATED = "the server deleted the jobs of a whole tube at once, and nothing kept their bodies"
#: Why a delete without bodies cannot be undone.
NO_BODIES = "the bodies of its jobs are not in the journal, so they cannot be put again"
#: Actions that change no job, or nothing lasting.
_LEAVE_NOTHING = ("reserve", "touch", "prune")
#: Runs that delete jobs or edit them; an undo does where it reverts a put or an edit.
_DELETE = ("delete", "drain", "export", "edit", "undo")


def why_lasting(
    action: str,
    request: Mapping[str, Any],
    *,
    done: int,
    bodies: bool = True,
    undone: int = 0,
    server: str = "",
) -> str | None:
    """Return why a run cannot be undone, None if it can.

    Parameters
    ----------
    action : str
        Name of the run's verb.
    request : mapping
        The arguments of the run.
    done : int
        Number of its actions that were done.
    bodies : bool
        Whether the journal has the bodies of the jobs that it deleted, where it did nothing else.
    undone : int
        Number of its actions that other runs have undone.
    server : str
        Address of the server where to undo it; empty for that of the run.
    """
    if action in _LEAVE_NOTHING or action.startswith("verify"):
        return f"a {action.partition(' ')[0]} leaves nothing to undo"
    if action == "kick" and "tube" in request:
        return CHOSEN_BY_SERVER
    if action == "drain" and request.get("bodies") is False:
        return TRUNCATED
    if not done:
        return "it did nothing"
    if not bodies:
        return NO_BODIES
    if undone >= done:
        return "it is undone already"
    there = request.get("server", server)
    return f"its jobs are on {there}: undo it there" if server and there != server else None


def lasting(journal: Journal, runs: Sequence[RunRow], server: str) -> dict[str, str | None]:
    """Return for each run of the journal why it cannot be undone on a server, None if it can."""
    undoing = _undoing(journal, runs)
    counts = journal.counts([run.id for run in (*runs, *undoing)])
    undone = _undone(undoing, {id: of_run.get("done", 0) for id, of_run in counts.items()})
    without = journal.without_bodies(run.id for run in runs if run.action in _DELETE)
    return {
        run.id: why_lasting(
            run.action,
            {"server": run.server, **run.request},
            done=counts[run.id].get("done", 0),
            bodies=run.id not in without,
            undone=undone.get(run.id, 0),
            server=server,
        )
        for run in runs
    }


def _undoing(journal: Journal, runs: Iterable[RunRow]) -> list[RunRow]:
    """Return the runs that undid some of these, the runs that undid those, and so on."""
    found: list[RunRow] = []
    asked = [run.id for run in runs]
    while asked:
        more = journal.undoing(*asked)
        found += more
        asked = [run.id for run in more]
    return found


def _undone(undoing: Sequence[RunRow], done: Mapping[str, int]) -> dict[str, int]:
    """Return for each run how many of its actions are undone now; an undo that was undone does not count."""
    undone: dict[str, int] = {}
    for run in reversed(undoing):
        assert run.undoes is not None
        undone[run.undoes] = undone.get(run.undoes, 0) + max(0, done[run.id] - undone.get(run.id, 0))
    return undone
