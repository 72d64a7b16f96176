"""What the workers of a cluster are made to do in tests: small batches, and to be killed at a chosen moment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

from beanops.journal.journal import Journal
from beanops.session.execution import targets

#: Jobs of a batch, and of a task.
BATCH, TASK = 10, 100


class Killer(WorkerPlugin):
    """Kills a worker in the middle of a task, once for each file in a folder.

    Parameters
    ----------
    orders : Path
        The folder. The text of a file says when: ``claimed`` is before a batch is sent, ``sent`` is before the outcomes
        of one are recorded.
    """

    name = "killer"

    def __init__(self, orders: Path) -> None:
        self._orders = orders

    def setup(self, worker: Any) -> None:
        """Have the worker record its batches here."""
        targets.BATCH = targets._HELD_BATCH = BATCH
        write = Journal.write
        self._write = write

        def recorded(journal: Journal, *arguments: Any, **options: Any) -> None:
            middle = len(arguments) > 3 and arguments[3] % TASK == TASK // 2
            if middle:
                self._look("sent")
            write(journal, *arguments, **options)
            if middle:
                self._look("claimed")

        Journal.write = recorded  # type: ignore[method-assign]

    def teardown(self, worker: Any) -> None:
        """Restore what was there."""
        Journal.write = self._write  # type: ignore[method-assign]

    def _look(self, moment: str) -> None:
        for order in self._orders.glob("kill-*"):
            if order.read_text() == moment:
                try:
                    order.unlink()
                except FileNotFoundError:
                    continue  # another worker was first
                os.kill(os.getpid(), signal.SIGKILL)
