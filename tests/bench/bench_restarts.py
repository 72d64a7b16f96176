"""A server that is killed in the middle of runs and filled by others at once: how many of their jobs are touched."""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import BeanopsError
from beanops.session.connect import connect
from beanops.session.execution.run import Run
from beanops.session.session import Session

#: Jobs of a run, and those that others put after the restart: among them all of its ids.
JOBS, OTHERS = 2000, 4500
#: The server is killed within so many seconds of the start of a run, which then has not come to its end.
_WITHIN = 0.25


def _cancel(run: Run) -> None:
    if run.done:
        run.cancel()


def _delete(session: Session, jobs: Any, kill: Callable[[], None]) -> None:
    kill()
    session.delete(jobs)


def _move(session: Session, jobs: Any, kill: Callable[[], None]) -> None:
    kill()
    session.move(jobs, "post")


def _undo(session: Session, jobs: Any, kill: Callable[[], None]) -> None:
    run = session.release(jobs, delay=1000)
    kill()
    session.undo(run)


def _resume(session: Session, jobs: Any, kill: Callable[[], None]) -> None:
    run = session.delete(range(1, JOBS + 1), progress=_cancel)
    kill()
    session.resume(run)


ACTS = (_delete, _move, _undo, _resume)


def _others() -> Iterator[Any]:
    for n in range(OTHERS):
        yield commands.put(b"theirs %d" % n, delay=1000 * (n % 2))


def _touched(address: str) -> int:
    """Return how many jobs of others are not as they were put."""
    with Client(address) as client:
        stats: list[Any] = list(client.pipeline(map(commands.stats_job, range(1, OTHERS + 1))))
        bodies: list[Any] = list(client.pipeline(map(commands.peek, range(1, OTHERS + 1))))
    return sum(
        getattr(body, "body", None) != b"theirs %d" % n
        or (one.tube, one.state) != ("mail", "delayed" if n % 2 else "ready")
        or any((one.reserves, one.releases, one.buries, one.kicks))
        for n, (one, body) in enumerate(zip(stats, bodies, strict=True))
    )


def touched(rounds: int, seed: int = 1) -> int:
    """Kill the server in the middle of so many runs, go on after the restart, and count what others lost by it."""
    chance, found = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for n in range(rounds):
            found += _round(ACTS[n % len(ACTS)], chance.random() * _WITHIN, f"{folder}/{n}.sqlite")
    return found


def _round(act: Callable[..., None], after: float, journal: str) -> int:
    with Beanstalkd() as server, connect(server.address, journal=journal) as session:
        with Client(server.address) as client:
            client.use("mail")
            for _ in client.pipeline(commands.put(b"ours %d" % n) for n in range(JOBS)):
                pass
        jobs = session.jobs("mail")
        killer = threading.Timer(after, server.stop, kwargs={"kill": True})
        try:
            with suppress(BeanopsError):
                act(session, jobs, killer.start)
        finally:
            killer.join() if killer.ident else killer.cancel()
            server.stop(kill=True)
        with Beanstalkd(port=server.port) as again:
            with Client(again.address) as client:
                client.use("mail")
                for _ in client.pipeline(_others()):
                    pass
            _go_on(session, [row.id for row in session._context.journal().runs(str(session.address))], jobs)
            return _touched(again.address)


def _go_on(session: Session, runs: list[str], jobs: Any) -> None:
    """Do all that somebody may do whose run was cut off; the first call says that the connection was lost."""
    with suppress(BeanopsError):
        session.server()
    for run in runs:
        for go_on in (session.journal.verify, session.resume, session.undo):
            with suppress(BeanopsError):
                go_on(run)
    for _ in range(2):
        with suppress(BeanopsError):
            session.delete(jobs)
    with suppress(BeanopsError):
        session.move(jobs, "post")


def main(rounds: int = 100) -> None:
    """Print how many jobs of others were touched."""
    found = touched(rounds)
    print(f"\n{rounds} restarts in the middle of delete, move, undo and resume, the ids given out again")
    print(f"  jobs of others that were touched: {found:,}, limit 0{'   MISSED' if found else ''}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100)
