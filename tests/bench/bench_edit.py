"""Edits on record against a raw socket that puts a job for each, and deletes the old one."""

from __future__ import annotations

import tempfile
import time
from functools import partial

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.session.connect import connect
from tests.bench import raw
from tests.bench.figures import Figure, rates_in_turn, show

JOBS = 100_000
#: 110 bytes, as of the other figures, with a value to change.
BODY = (
    b'{"customer": 42, "order": 1%06d, "error": "card declined by the bank", "email": "somebody@example.com", "n": 1}'
)
#: States of the jobs, and what an edit does to them.
CASES = {"ready jobs": False, "buried jobs, to ready": True}


def _fill(address: str, jobs: int, buried: bool) -> None:
    with Client(address) as client:
        puts = (commands.put(BODY % n) for n in range(jobs))
        for id in client.pipeline(puts):
            assert isinstance(id, int)
        if buried:
            for start in range(1, jobs + 1, 1000):
                ids = range(start, min(start + 1000, jobs + 1))
                for _ in client.pipeline(
                    two for id in ids for two in (commands.reserve_job(id), commands.bury(id, priority=65536))
                ):
                    pass


def raw_rates(jobs: int) -> dict[str, float]:
    """Put and delete, all commands made beforehand."""
    rates = {}
    for case, buried in CASES.items():
        with Beanstalkd() as server, raw.connected(server.address) as peer:
            _fill(server.address, jobs, buried)
            new = BODY.replace(b"42", b"7")
            asked = (one for n in range(jobs) for one in (commands.put(new % n), commands.delete(n + 1)))
            rates[case] = jobs / raw.seconds(peer, asked, 2 * jobs)
    return rates


def edit_rates(jobs: int) -> dict[str, float]:
    """Edit all jobs of a tube."""
    rates = {}
    for case, buried in CASES.items():
        with Beanstalkd() as server, tempfile.TemporaryDirectory() as folder:
            _fill(server.address, jobs, buried)
            with connect(server.address, journal=f"{folder}/journal.sqlite") as session:
                session._context.journal()
                start = time.perf_counter()
                run = session.edit(range(1, jobs + 1), {"$.customer": 7}, kick=buried)
                rates[case] = jobs / (time.perf_counter() - start)
                assert run.done == jobs, run.summary
    return rates


def main(rounds: int = 3, jobs: int = JOBS) -> None:
    """Print the rates of edits beside the raw socket's."""
    rates, limits = rates_in_turn(rounds, partial(edit_rates, jobs), partial(raw_rates, jobs))
    figures = [Figure(case, rates[case], limits[case], 0.4) for case in CASES]
    show(f"Edits on record against a put and a delete of each from a raw socket, {jobs:,} jobs", figures)
