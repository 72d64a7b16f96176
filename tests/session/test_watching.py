"""Watching a server from Python: frames while it goes on, and the past ready to plot."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pandas as pd
import pytest

from beanops import Client, Session, commands
from beanops.embedded.process import Beanstalkd
from beanops.monitor.frames import trend_frame
from beanops.protocol.errors import ArgumentError, NotFound
from beanops.session.watching.looks import looks, trend


def put(client: Client, tube: str, jobs: int) -> None:
    client.use(tube)
    for result in client.pipeline([commands.put(b"x")] * jobs):
        assert isinstance(result, int)
    client.use("default")


class Time:
    """A clock that a sleep moves on, and what happens while it sleeps."""

    def __init__(self, meanwhile: Callable[[int], None]) -> None:
        self.now = 1000.0
        self.naps: list[float] = []
        self._meanwhile = meanwhile

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self._meanwhile(len(self.naps))
        self.now += seconds


def test_frames_come_while_it_goes_on_with_rates(session: Session, worker: Client) -> None:
    put(worker, "mail", 5)
    frames = list(islice(session.watch(0.6, pattern="mail*"), 2))
    assert [list(one.tube) for one in frames] == [["mail"], ["mail"]]
    assert pd.isna(frames[0].puts_per_s[0])
    assert frames[1].puts_per_s[0] == 0.0
    assert frames[1].growth[0] == 0.0
    assert {*session.tubes().columns} < {*frames[0].columns}
    assert frames[0].dtypes.equals(frames[1].dtypes)
    assert frames[1].seen[0] == pd.Timedelta(0)
    assert frames[0].attrs["time"] < frames[1].attrs["time"]
    trend = session.trend("mail")
    assert trend.ready.iloc[-1] == 5
    assert session.trend().index[-1] <= pd.Timestamp.now("UTC")


def test_the_looks_keep_their_interval_and_the_past_keeps_what_they_saw(session: Session, worker: Client) -> None:
    time = Time(lambda nap: put(worker, "mail", 10))
    put(worker, "mail", 10)
    surveys = looks(session._lookups, session._context, 5.0, time.clock, time.sleep)
    seen = [survey.tubes["mail"].stats.current_jobs_ready for survey in islice(surveys, 4)]
    assert seen == [10, 20, 30, 40]
    assert time.naps == [5.0, 5.0, 5.0]
    past = trend(session._lookups, session._context, "mail", 3600, time.now + 5)
    assert past.step == 1.0
    known = [(cell.ready.high, cell.rates.puts) for cell in past.spans if cell is not None]
    assert known == [*[(20, 2.0)] * 5, *[(30, 2.0)] * 5, *[(40, 2.0)] * 5, *[(40, 0.0)] * 5]


def test_a_trend_shows_a_gap_where_nobody_looked(session: Session, worker: Client) -> None:
    put(worker, "mail", 1)
    time = Time(lambda nap: None)
    list(islice(looks(session._lookups, session._context, 5.0, time.clock, time.sleep), 2))
    time.now += 100
    frame = trend_frame(*trend(session._lookups, session._context, "mail", 3600, time.now), time.now)
    assert len(frame) == 105
    known = frame.ready.dropna()
    assert list(known) == [1.0] * 6
    assert list(known.index.diff().total_seconds().round()[1:]) == [1.0, 1.0, 1.0, 1.0, 100.0]


def test_a_tube_that_never_was_is_said_and_a_vanished_one_has_its_past(session: Session, worker: Client) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        session.trend("nowhere")
    put(worker, "mail", 1)
    next(session.watch(1))
    worker.delete(worker.reserve_job(1))
    assert list(session.trend("mail").ready) == [1.0]
    with pytest.raises(ArgumentError, match="seconds"):
        next(session.watch(0))


def test_the_past_is_told_though_the_server_is_gone(
    start_beanstalkd: Callable[..., Beanstalkd], open_session: Callable[..., Session]
) -> None:
    server = start_beanstalkd()
    session = open_session(server.address)
    next(session.watch(1))
    server.stop(kill=True)
    assert list(session.trend().ready) == [0.0]
    assert not session.trend().puts_per_s.notna().any()
