"""Problems as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from beanops.frames import frame
from beanops.session.watching.problems_now import DatedProblem


def problems_frame(found: Sequence[DatedProblem]) -> pd.DataFrame:
    """Return problems as a frame; see `Session.problems` for its columns."""
    return frame(
        found,
        {
            "severity": ("str", "problem.severity"),
            "problem": ("str", "problem.name"),
            "tube": ("str", "problem.tube"),
            "reason": ("str", "problem.reason"),
            "since": ("moment", lambda row: row.since.timestamp()),
            "look_at": ("str", "problem.look_at"),
        },
    )
