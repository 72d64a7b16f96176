"""Searches over several connections, and verbs in the tasks of an executor, beside one connection and one process."""

from __future__ import annotations

import importlib
import logging
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from beanops import Fleet, connect
from beanops.embedded.process import Beanstalkd
from tests.bench.bench_jobs import IDS, fill, scan_seconds
from tests.bench.figures import Figure, in_turn, show
from tests.proxies import at_distance

#: Jobs on each of so many servers, and ids that are looked at from a distance of so many milliseconds.
JOBS, SERVERS = 50_000, 4
FAR_IDS, DISTANCE = 50_000, 100


def connections(rounds: int = 3) -> None:
    """Print how fast one server is searched over two connections and over one."""
    with Beanstalkd() as server:
        fill(server.address, IDS, keep_every=10)
        found = IDS // 10
        one, two = in_turn(
            rounds,
            lambda: scan_seconds(server.address, found, bodies=False),
            lambda: scan_seconds(server.address, found, bodies=False, connections=2),
        )
        with at_distance(server, DISTANCE) as far:
            ids = range(1, FAR_IDS + 1)
            far_one, far_four = in_turn(
                rounds,
                lambda: scan_seconds(far, FAR_IDS // 10, bodies=False, ids=ids),
                lambda: scan_seconds(far, FAR_IDS // 10, bodies=False, ids=ids, connections=4),
            )
    figures = [
        Figure("2 connections, beside 1", IDS / two, IDS / one, 1.0),
        Figure("4 connections, 100 ms away, beside 1", FAR_IDS / far_four, FAR_IDS / far_one, 2.0),
    ]
    show(f"Searching {IDS:,} ids over several connections, median of {rounds}", figures)


@contextmanager
def cluster() -> Iterator[Any]:
    """Give a client of a Dask cluster of two worker processes."""
    distributed: Any = importlib.import_module("distributed")
    quiet = {"dashboard_address": ":0", "worker_dashboard_address": None, "silence_logs": logging.CRITICAL}
    with tempfile.TemporaryDirectory(prefix="beanops-bench-") as folder:
        how = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "local_directory": folder}
        with distributed.LocalCluster(**how, **quiet) as two, distributed.Client(two) as client:
            yield client


def delete_seconds(addresses: list[str], executor: Any) -> float:
    """Delete all jobs of some servers, and compare what the journal says with what the servers have."""
    for address in addresses:
        fill(address, JOBS)
    with tempfile.TemporaryDirectory(prefix="beanops-bench-") as folder:
        fleet = connect(addresses, journal=str(Path(folder) / "journal.sqlite"))
        assert isinstance(fleet, Fleet)
        with fleet:
            start = time.perf_counter()
            run = fleet.delete("mail", state="ready", executor=executor)
            taken = time.perf_counter() - start
            assert run.complete, run.summary
            counts = [one.done for one in run.runs.values()]
            assert counts == [JOBS] * len(addresses), counts
            assert not sum(fleet.server()["current_jobs_ready"])
    return taken


def deletes(rounds: int = 3) -> None:
    """Print how fast jobs of several servers are deleted, with their bodies on record, by tasks and by one process."""
    with ExitStack() as opened:
        addresses = [opened.enter_context(Beanstalkd()).address for _ in range(SERVERS)]
        dask = opened.enter_context(cluster())
        pool = opened.enter_context(ProcessPoolExecutor(2, get_context("spawn")))
        alone, in_dask, in_pool = in_turn(
            rounds,
            lambda: delete_seconds(addresses, None),
            lambda: delete_seconds(addresses, dask),
            lambda: delete_seconds(addresses, pool),
        )
    jobs = SERVERS * JOBS
    figures = [
        Figure("Dask, 2 workers", jobs / in_dask, jobs / alone, 0.3),
        Figure("a pool of 2 processes", jobs / in_pool, jobs / alone, 0.3),
    ]
    show(f"Deleting {jobs:,} jobs of {SERVERS} servers, beside one process, median of {rounds}", figures)


def facets_seconds(address: str, executor: Any) -> float:
    """Read all bodies of a server, and count what they have in common."""
    with connect(address) as session:
        start = time.perf_counter()
        found = session.facets("mail", executor=executor)
        taken = time.perf_counter() - start
        assert found.facets.jobs == JOBS * 2
    return taken


def facets(rounds: int = 3) -> None:
    """Print how fast the bodies of one server are read and counted by tasks and by one process."""
    with Beanstalkd() as server, cluster() as dask:
        fill(server.address, JOBS * 2)
        alone, in_dask = in_turn(
            rounds, lambda: facets_seconds(server.address, None), lambda: facets_seconds(server.address, dask)
        )
    figures = [Figure("Dask, 2 workers", JOBS * 2 / in_dask, JOBS * 2 / alone, 0.3)]
    show(f"Facets of {JOBS * 2:,} jobs of one server, beside one process, median of {rounds}", figures)


def main() -> None:
    """Take all of them."""
    connections()
    deletes()
    facets()


if __name__ == "__main__":
    main()
