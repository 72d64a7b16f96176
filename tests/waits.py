"""Waiting for what another process is about to do, where no clock can be injected."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds to wait for what another process or thread does. A wait ends as soon as that is done, so that only a failure
#: takes so long, while on a busy machine a process may need many seconds to start or to end.
PATIENCE = 120.0


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail when it does not within `PATIENCE`."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"it did not happen within {PATIENCE:.0f} seconds"
        time.sleep(0.005)
