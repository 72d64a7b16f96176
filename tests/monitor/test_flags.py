"""What is wrong with a tube is told with its reason, and nothing is made up."""

from __future__ import annotations

from typing import Any

import pytest

from beanops.monitor.flags import flags
from beanops.monitor.rates import Trail, grown, point
from beanops.protocol import JobStats, TubeStats


def tube(**fields: int) -> TubeStats:
    known: dict[str, Any] = {**dict.fromkeys(TubeStats._fields[1:-1], 0), **fields}
    return TubeStats("mail", **known)


def trail_of(*tubes: TubeStats) -> Trail:
    trail: Trail = ()
    for at, one in enumerate(tubes):
        trail = grown(trail, point(at * 10.0, one), 120)
    return trail


@pytest.mark.parametrize(
    ("stats", "told"),
    [
        (tube(current_jobs_ready=3), ["no workers: 3 jobs ready and no worker watches it"]),
        (tube(current_jobs_ready=3, current_watching=1), []),
        (tube(current_watching=0), []),
        (
            tube(current_jobs_ready=1, current_watching=1, pause_time_left=90),
            ["paused: 1 job ready, held back for 1m30s more"],
        ),
        (tube(current_watching=1, pause_time_left=90), []),
    ],
)
def test_backlog_without_workers_and_under_a_pause(stats: TubeStats, told: list[str]) -> None:
    assert [f"{flag.name}: {flag.reason}" for flag in flags(stats, trail_of(stats))] == told


def test_buried_jobs_are_told_of_when_they_became_more() -> None:
    now = tube(current_jobs_buried=5)
    (flag,) = flags(now, trail_of(tube(current_jobs_buried=2), now))
    assert flag == ("burying", "3 jobs buried in the last 10 s, 5 in all")
    assert not flags(now, trail_of(now, now))


def test_a_job_that_is_known_to_be_past_its_ttr_is_told_of() -> None:
    late = JobStats(7, "mail", "reserved", 0, 100, 0, 60, -12, 0, 1, 0, 0, 0, 0)
    assert [flag.reason for flag in flags(tube(), (), late)] == ["job 7 is reserved 12s longer than its TTR"]
    assert not flags(tube(), (), late._replace(time_left=3))
