"""New jobs as DataFrames. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from beanops.jobs.frames import job_columns, jobs_frame
from beanops.jobs.read import BodyForm
from beanops.session.investigation.tail import Tail


def tail_frames(
    tail: Tail, bodies: BodyForm, decoded: bool, columns: str | Iterable[str] | None
) -> Iterator[pd.DataFrame]:
    """Return an iterator of frames, one for each look that found something; see `Session.tail`."""
    wanted = job_columns(bodies, decoded=decoded, columns=columns)

    def frames() -> Iterator[pd.DataFrame]:
        reported = 0
        for batch in tail:
            frame = jobs_frame(batch.jobs, wanted)
            reported = tail.counts.missed
            frame.attrs |= {"missed": reported, "notes": batch.notes}
            yield frame
        if tail.counts.missed != reported:
            frame = jobs_frame([], wanted)
            frame.attrs |= {"missed": tail.counts.missed, "notes": []}
            yield frame

    return frames()
