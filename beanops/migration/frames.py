"""Migrations as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from beanops.frames import frame

_BEFORE = ("ready", "delayed", "buried", "reserved", "bytes", "largest", "too_large")
_CONNECTED = ("using", "watching", "there", "watching_there")
_AFTER = ("moved", "same", "taken", "different", "twice", "unknown", "left", "reserved")


def tubes_frame(rows: Sequence[Any]) -> pd.DataFrame:
    """Return the tubes of a migration before it, each a `TubeToMove`."""
    counts = {name: ("int64", name) for name in _BEFORE}
    connected = {name: ("int64", name) for name in _CONNECTED}
    return frame(rows, {"tube": ("str", "tube"), **counts, "pause_left": ("seconds", "pause_left"), **connected})


def moved_frame(rows: Sequence[Any]) -> pd.DataFrame:
    """Return the tubes of a migration after it, each a `MovedTube`."""
    return frame(rows, {"tube": ("str", "tube"), **{name: ("int64", name) for name in _AFTER}})
