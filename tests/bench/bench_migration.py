"""A migration on record against two raw sockets that send the same commands, one server after the other."""

from __future__ import annotations

import tempfile
import time

from beanops import Client, commands
from beanops.accessors import connect
from beanops.embedded.process import Beanstalkd
from beanops.session.options import Options
from beanops.session.transfer.passes import migrate
from beanops.session.transfer.steps import new_mark
from tests.bench import raw
from tests.bench.figures import Figure, in_turn, show

JOBS = 30_000
#: 110 bytes, as of the other figures.
BODY = (
    b'{"customer": 42, "order": 1%06d, "error": "card declined by the bank", "email": "somebody@example.com", "n": 1}'
)


def _fill(address: str) -> None:
    with Client(address) as client:
        for id in client.pipeline(commands.put(BODY % n) for n in range(JOBS)):
            assert isinstance(id, int)


def raw_rate() -> float:
    """Hold, put, delete and kick all jobs, each step for all of them, with commands made beforehand."""
    mark = new_mark()
    ids = range(1, JOBS + 1)
    with (
        Beanstalkd() as old,
        Beanstalkd() as new,
        raw.connected(old.address) as here,
        raw.connected(new.address) as there,
    ):
        _fill(old.address)
        holds = (one for id in ids for one in (commands.reserve_job(id), commands.release(id, priority=0, delay=mark)))
        seconds = raw.seconds(here, holds, 3 * JOBS)  # a reserve answers with the body too
        seconds += raw.seconds(there, (commands.put(BODY % id, delay=mark) for id in ids), JOBS)
        seconds += raw.seconds(here, map(commands.delete, ids), JOBS)
        seconds += raw.seconds(there, map(commands.kick_job, ids), JOBS)
    return JOBS / seconds


def migration_rate() -> float:
    """Migrate all jobs."""
    with Beanstalkd() as old, Beanstalkd() as new, tempfile.TemporaryDirectory() as folder:
        _fill(old.address)
        journal = f"{folder}/journal.sqlite"
        with connect(old.address, journal=journal) as here, connect(new.address, journal=journal) as there:
            here._context.journal()
            start = time.perf_counter()
            run = migrate(here._executor, there._executor, ["*"], Options())
            seconds = time.perf_counter() - start
            assert run.done == JOBS
    return JOBS / seconds


def main() -> None:
    """Print the figure."""
    limit, figure = in_turn(3, raw_rate, migration_rate)
    figures = [Figure("jobs to another server", figure, limit, 0.15)]
    show(f"A migration on record against the same commands from raw sockets, {JOBS:,} jobs", figures)


if __name__ == "__main__":
    main()
