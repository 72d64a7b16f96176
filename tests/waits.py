"""Waiting for what another process is about to do, where no clock can be injected."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as `condition` holds; fail when it does not within 30 seconds, enough on a busy machine."""
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up, "it did not happen within 30 seconds"
        time.sleep(0.005)
