"""Completion of ``%beans``: its commands, and the tubes, runs and paths of bodies that the session knows."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress

from beanops.jobs.sql.jobs_table import TABLE
from beanops.protocol.errors import BeanopsError
from beanops.session.investigation.last_shown import last_paths
from beanops.session.session import Session

#: Seconds that a completion may take: somebody waits with a finger on the key.
PATIENCE = 0.5
#: Most runs offered, the newest.
_RUNS = 20


def completions(session: Session | None, line: str, commands: Iterable[str]) -> list[str]:
    """Return what can come next on a line of ``%beans``, before the cursor; nothing if the server is too slow.

    Parameters
    ----------
    session : Session or None
        The session of the notebook, if there is one.
    line : str
        The line up to the cursor, with the name of the magic.
    commands : iterable of str
        The words that the magic takes first.
    """
    words = line.split()
    if line[-1:].isspace() or not words:
        words.append("")
    _, *before, last = words
    if not before:
        return [command for command in commands if command.startswith(last)]
    if session is None:
        return []
    found: list[str] = []
    known = session

    def look() -> None:
        try:
            found.extend(word for word in _offers(known, before) if word.startswith(last))
        except BeanopsError:  # a completion never complains
            found.clear()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return [] if thread.is_alive() else found


def _offers(session: Session, before: list[str]) -> Iterable[str]:
    command, *given = before
    match command:
        case "undo":
            return ["parked", "ready"] if given else [run.id for run in session._context.runs[::-1][:_RUNS]]
        case "jobs" if given:
            return _in_predicate(session, given[0])
        case "move":
            return _tubes(session) if given else []
        case "jobs" | "browse" | "problems" | "sql":
            return [] if given else _tubes(session)
    return []


def _tubes(session: Session) -> list[str]:
    return session._lookups.looking().list_tubes()


def _in_predicate(session: Session, tube: str) -> list[str]:
    """Return columns, and the paths in the next jobs of the tube and in its last facets."""
    from beanops.jobs.facets.collector import FacetCounter

    counter = FacetCounter(session._context.reader)
    with suppress(BeanopsError):  # a glob, or a tube that does not exist
        counter.add([job for job in session._lookups.next_jobs(tube).values() if job is not None])
    paths = [path.sql for path in counter.result(1).paths if path.sql is not None]
    return [*TABLE, *dict.fromkeys((*paths, *(path.sql for path in last_paths(session.address, tube))))]
