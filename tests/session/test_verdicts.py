"""What has become of a job, told by its statistics."""

from __future__ import annotations

from typing import Any

import pytest

from beanops.jobs.identity import JobRef
from beanops.protocol import JobStats
from beanops.session.investigation.verdicts import VERDICTS, KickedJob

#: A job that has failed for long, before it was kicked.
BEFORE = JobStats(7, "mail", "buried", 10, 900, 0, 60, 0, 0, 5, 4, 3, 9, 8)


def kicked() -> KickedJob:
    return KickedJob(JobRef(7, "a", "mail"), BEFORE, 1, 100.0)


def now(state: str, **grown: int) -> JobStats:
    """Return its statistics after the kick, with what was counted since."""
    facts: dict[str, Any] = {name: getattr(BEFORE, name) + more for name, more in grown.items() if name != "time_left"}
    facts["kicks"] = BEFORE.kicks + 1 + grown.get("kicks", 0)
    return BEFORE._replace(state=state, time_left=grown.get("time_left", 0), **facts)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([now("ready")], "waiting"),
        ([now("reserved", reserves=1, time_left=50)], "reserved"),
        ([now("reserved", reserves=1, time_left=-1)], "timed_out"),
        ([now("ready", reserves=1, timeouts=1)], "timed_out"),
        ([now("reserved", reserves=2, timeouts=1, time_left=9)], "timed_out"),
        ([now("ready", reserves=1, releases=1)], "released"),
        ([now("delayed", reserves=1, releases=1)], "released"),
        ([now("reserved", reserves=1), now("ready", reserves=1)], "released"),
        ([now("buried", reserves=1, buries=1)], "buried"),
        ([now("ready", reserves=1, buries=1, kicks=1)], "buried"),
        ([now("ready"), None], "unseen"),
        ([None], "unseen"),
        ([now("reserved", reserves=1), None], "done"),
        ([now("ready", reserves=1, timeouts=1), None], "done"),
        # A restored job: the log knows of no reserve, and of one bury more for a buried job.
        ([now("reserved", reserves=1), now("ready")], "released"),
        ([now("ready"), now("buried", buries=2)], "buried"),
        ([now("ready"), BEFORE._replace(buries=10)], "lost"),
    ],
)
def test_a_verdict_is_told_by_what_was_counted_since_the_kick(seen: list[JobStats | None], verdict: str) -> None:
    job = kicked()
    for second, stats in enumerate(seen, 101):
        if stats is None:
            job.is_gone(second)
        else:
            job.seen(stats, second)
    assert job.verdict == verdict
    assert job.verdict in VERDICTS
    assert job.is_final == (verdict in ("done", "unseen", "buried", "lost"))
    if verdict == "waiting":
        assert job.seconds is None
    elif job.verdict != "released":
        assert job.seconds == len(seen)


def test_counters_are_those_since_the_kick() -> None:
    job = kicked()
    job.seen(now("reserved", reserves=2, timeouts=1, kicks=3), 101.0)
    assert job.counters == {"reserves": 2, "timeouts": 1, "releases": 0, "buries": 0, "kicks": 3}


def test_a_job_is_unknown_where_the_server_is() -> None:
    job = kicked()
    job.seen(now("reserved", reserves=1), 101.0)
    job.is_out_of_sight()
    assert (job.verdict, job.seconds) == ("unknown", None)
