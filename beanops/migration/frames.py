"""Migrations as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from beanops.frames import frame

_KINDS = {"tube": "str", "pause_left": "seconds"}


def tubes_frame(rows: Sequence[Any], fields: Sequence[str]) -> pd.DataFrame:
    """Return the tubes of a migration with the fields of a `TubeToMove` before it, or of a `MovedTube` after it."""
    return frame(rows, {name: (_KINDS.get(name, "int64"), name) for name in fields})
