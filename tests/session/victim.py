"""A process to be killed: ``python -m tests.session.victim ADDRESS JOURNAL [BATCH]`` forks an actor for each line.

A line is a verb and ids; the answer is the actor's process id and, once it is gone, a line more. Forking costs a
hundredth of what a new interpreter does.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import beanops.journal.journal
import beanops.session.job_verbs  # before the forks, not in each
from beanops.session.connect import connect
from beanops.session.execution import targets
from beanops.session.execution.run import Run
from beanops.session.session import Session

VERBS = ("delete", "kick", "bury", "release", "move", "copy", "edit")


def act(session: Session, verb: str, ids: list[int], **options: Any) -> Run:
    """Do one of `VERBS` to jobs."""
    to: dict[str, Any] = {"to": "post"} if verb in ("move", "copy") else {}
    if verb == "bury":
        to = {"priority": 9}
    if verb == "edit":
        return session.edit(ids, edited, **options)
    return getattr(session, verb)(ids, **to, **options)  # type: ignore[no-any-return]


def edited(body: str) -> bytes:
    """Return what an edit makes of a body."""
    return f"edited {body}".encode()


def main(address: str, url: str, batch: str = "7") -> None:
    """Serve until standard input ends."""
    beanops.journal.journal.Journal(url).close()
    with connect(address, journal=url) as session:
        session.kick([1], dry_run=True)  # imports what acts before the forks, not in each
    for line in sys.stdin:
        verb, *ids = line.split()
        pid = os.fork()
        if pid == 0:
            targets.BATCH = targets._HELD_BATCH = int(batch)
            with connect(address, journal=url) as session:
                act(session, verb, [int(id) for id in ids])
            os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
