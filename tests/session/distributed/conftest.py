"""A cluster of Dask: two processes, started once for the tests of its group, whose workers are killed and come back."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.needs import missing
from tests.waits import PATIENCE, until


class Pickling(ThreadPoolExecutor):
    """Carries tasks and results as another process would get them."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a task that was pickled, and pickle its result."""
        carried = pickle.dumps((function, arguments))

        def run() -> Any:
            called, given = pickle.loads(carried)
            return pickle.loads(pickle.dumps(called(*given)))

        return super().submit(run)


@pytest.fixture
def executor() -> Iterator[Executor]:
    """Start threads that work as other processes would."""
    with Pickling(3) as threads:
        yield threads


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which a file has a worker killed."""
    return tmp_path_factory.mktemp("orders")


@pytest.fixture(scope="module")
def cluster(orders: Path) -> Iterator[Any]:
    """Start a cluster of two worker processes, and connect to it."""
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        missing("Dask is not installed")
    from tests.session.distributed.killer import Killer

    with (
        config.set({"temporary-directory": str(orders)}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            worker_dashboard_address=None,
            silence_logs=logging.CRITICAL,
            local_directory=str(orders / "dask"),
        ) as cluster,
        Client(cluster) as client,
    ):
        client.register_plugin(Killer(orders))
        yield client


@pytest.fixture
def dask_client(cluster: Any) -> Any:
    """Give the client of a cluster with two workers: one that is killed while it starts is not started again."""
    until(lambda: len(cluster.nthreads()) == 2 or _start_another(cluster))
    return cluster


def _start_another(client: Any) -> bool:
    with suppress(TimeoutError):
        client.wait_for_workers(2, timeout=PATIENCE / 8)
        return True
    client.cluster.scale(len(client.cluster.workers) + 1)
    return False
