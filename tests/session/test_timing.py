"""How long jobs wait and run, measured from Python."""

from __future__ import annotations

import pandas as pd
import pytest

from beanops import Client, Session
from beanops.protocol.errors import ArgumentError, NotFound
from beanops.session.watching.time_frames import classes_frame, times_frame
from beanops.session.watching.timing import classified, measure, timed


class Time:
    """A clock that a sleep moves on, in which jobs are put and some are worked on."""

    def __init__(self, client: Client) -> None:
        self.now = 1000.0
        self._client = client
        self._ids: list[int] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self._ids += [self._client.put(b'{"task": "shop.charge"}', tube="billing") for _ in range(3)]
        for id in self._ids[:-3]:
            self._client.delete(self._client.reserve_job(id))
        self._ids = self._ids[-3:]
        self.now += seconds


def test_times_and_classes_of_tubes(session: Session, worker: Client) -> None:
    worker.put(b"x", tube="mail")
    time = Time(worker)
    survey = measure(
        session._lookups, None, 20, classify=session._context.reader.job_class, clock=time.clock, sleep=time.sleep
    )
    found = times_frame(timed(survey, None))
    assert [*found.tube.fillna("")] == ["billing", ""], "the last row is the server, and nothing is known of mail"
    assert found.jobs[0] == 60
    for name in ("wait_p50", "wait_p95", "run_p50", "resolution"):
        assert found[name].dtype == "timedelta64[us]"
        assert pd.Timedelta(0) <= found[name][0] <= pd.Timedelta(seconds=2)
    assert pd.isna(found.wait_p99[0]), "of 60 jobs it is not known"
    classes = classes_frame(classified(survey, "bill*"))
    assert [*classes.job_class] == ["shop.charge"]
    assert classes.puts_per_s[0] == pytest.approx(3)


def test_empty_frames_have_the_same_columns(session: Session, worker: Client) -> None:
    worker.put(b"x", tube="mail")
    times = session.job_times("mail", seconds=0.01, every=0.01)
    assert times.empty
    assert times.dtypes["wait_p50"] == "timedelta64[us]"
    assert session.job_classes(seconds=0.01, every=0.01).dtypes["puts_per_s"] == "float64"


def test_arguments_are_checked(session: Session) -> None:
    with pytest.raises(NotFound, match="mail"):
        session.job_times("mail")
    with pytest.raises(ArgumentError, match="seconds"):
        session.job_times(seconds=0)
    with pytest.raises(ArgumentError, match="every"):
        session.job_classes(every=0)
