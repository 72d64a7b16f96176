"""How the estimates of job times are written."""

from __future__ import annotations

import pytest

from beanops.monitor.times.durations import Percentiles
from beanops.monitor.times.job_times import JobTimes
from beanops.session.watching.timing import Timed
from beanops.ui.columns.times import TIME_COLUMNS


@pytest.mark.parametrize(("longest", "written"), [(None, "–"), (0.5, "–"), (90.0, ">1m30s")])
def test_a_lower_bound_is_written_where_it_says_something(longest: float | None, written: str) -> None:
    times = JobTimes(wait=Percentiles(longest=longest, jobs=1))
    cells = {column.name: column.text(Timed("mail", times), 20) for column in TIME_COLUMNS}
    assert cells["wait_p50"] == written
