"""A cluster of Dask: two processes, started once for the tests of its group, whose workers are killed and come back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import missing


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which a file has a worker killed."""
    return tmp_path_factory.mktemp("orders")


@pytest.fixture(scope="module")
def dask_client(orders: Path) -> Iterator[Any]:
    """Start a cluster of two worker processes, and connect to it."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        missing("Dask is not installed")
    from tests.session.distributed.killer import Killer

    with (
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
