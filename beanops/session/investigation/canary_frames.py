"""A canary as a frame, one row per job. Importing this module imports pandas, which costs half a second."""

from __future__ import annotations

import pandas as pd

from beanops.frames import Source, frame
from beanops.session.investigation.canary import CanaryRun
from beanops.session.investigation.verdicts import COUNTERS, VERDICTS


def _counter(name: str) -> Source:
    return "int64", lambda job: job.counters[name]


_COLUMNS: dict[str, Source] = {
    "id": ("uint64", "id"),
    "tube": ("str", "ref.tube"),
    "wave": ("int64", "wave"),
    "verdict": (pd.CategoricalDtype([*VERDICTS]), "verdict"),
    **{name: _counter(name) for name in COUNTERS},
    "instance": ("str", "ref.instance"),
}


def canary_frame(found: CanaryRun) -> pd.DataFrame:
    """Return what became of jobs as a frame; see `Session.canary` for its columns."""
    jobs = [job for wave in found.waves for job in wave.jobs]
    rows = frame(jobs, _COLUMNS)
    micros = [None if job.seconds is None else round(job.seconds * 1e6) for job in jobs]
    rows.insert(4, "seconds", pd.to_timedelta(pd.array(micros, dtype="Int64"), unit="us").as_unit("us"))
    rows.attrs |= {"run": found.run.id, "verdict": found.summary, "passed": found.passed, "left": found.left}
    return rows
