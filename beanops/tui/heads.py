"""One look at a tube's jobs: the heads of its states, those held here, and the one under the cursor, bodies decoded.

It runs in the sampling thread. A decoded body is kept as long as its job is in sight, for bodies never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from beanops.jobs.bodies import decode
from beanops.jobs.read import HEAD_STATES, FoundJob
from beanops.protocol.errors import NotFound
from beanops.session.session import Session
from beanops.tui.columns import JobRow


class Body(NamedTuple):
    """A body as it is shown.

    Attributes
    ----------
    raw : bytes
        As the server gave it.
    kind : str
        What decoded it, such as ``"gzip, json"``, with notes.
    text : str
        Safe to show, in lines.
    summary : str
        Safe to show, in one line.
    structured : bool
        Whether the text is indented JSON.
    """

    raw: bytes
    kind: str
    text: str
    summary: str
    structured: bool

    @classmethod
    def of(cls, raw: bytes) -> Body:
        """Decode a body."""
        decoded = decode(raw)
        kind = "; ".join([", ".join(decoded.chain) or "not decoded", *decoded.notes])
        text = decoded.text
        structured = not isinstance(decoded.data, str) and decoded.chain[-1:] != ("hex",)
        return cls(raw, kind, text, decoded.summary, structured)


class TubeLook(NamedTuple):
    """What one look found.

    Attributes
    ----------
    tube : str
        The tube.
    rows : tuple of JobRow
        Its jobs in sight.
    bodies : Mapping of int to Body
        By id.
    gone : bool
        Whether there is no such tube.
    """

    tube: str
    rows: tuple[JobRow, ...]
    bodies: Mapping[int, Body]
    gone: bool = False


def look_at(session: Session, tube: str, seen: JobRow | None, known: Mapping[int, Body]) -> TubeLook:
    """Look at a tube; `seen` is the row under the cursor, which stays in sight whatever became of its job."""
    try:
        heads = session.heads(tube)
        gone = False
    except NotFound:
        heads, gone = {}, True
    found = {head.id: (state, head) for state in HEAD_STATES if (head := heads.get(state)) is not None}
    for id in sorted(session.held):
        job = _job(session, id)
        if job is not None and job.stats.tube == tube and job.stats.state == "reserved":
            found[id] = ("held", job)
    if seen is not None and seen.id not in found and (job := _job(session, seen.id)) is not None:
        found[seen.id] = ("seen", job)
    bodies = {id: _body(job, known.get(id)) for id, (_, job) in found.items()}
    rows = [JobRow(id, place, job.stats, bodies[id].summary) for id, (place, job) in found.items()]
    if seen is not None and seen.id not in found:
        rows.append(seen._replace(place="seen", stats=None))
        if seen.id in known:
            bodies[seen.id] = known[seen.id]
    return TubeLook(tube, tuple(rows), bodies, gone)


def _job(session: Session, id: int) -> FoundJob | None:
    try:
        return session.job(id)
    except NotFound:
        return None


def _body(job: FoundJob, known: Body | None) -> Body:
    assert job.body is not None, "heads and single jobs come with their bodies"
    # The same id is another job on a server that was started anew.
    return known if known is not None and known.raw == job.body else Body.of(job.body)
