"""A server is asked again and again: when it is retried, how old the values are, and what a close leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from beanops.embedded.process import Beanstalkd
from beanops.monitor.past import Past
from beanops.protocol.errors import ConnectFailed
from beanops.session.connect import connect
from beanops.session.session import Session
from beanops.ui.defaults import LAST_RETRY, LATE
from beanops.ui.poller import Poller


class Time:
    def __init__(self) -> None:
        self.seconds = 100.0

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def nobody() -> Session:
    raise ConnectFailed("no answer")


def test_a_lost_server_is_retried_less_and_less_often() -> None:
    time = Time()
    poller = Poller(nobody, time.clock, time.now)
    pauses = []
    for tries in range(1, 8):
        assert poller.due
        lost = poller.look().lost
        assert lost is not None
        assert (lost.tries, lost.since.timestamp(), lost.error) == (tries, 100.0, "no answer")
        pauses.append(lost.retry_in)
        time.seconds += lost.retry_in - 0.5
        assert not poller.due
        still = poller.wait().lost
        assert still is not None
        assert still.retry_in == pytest.approx(0.5)
        time.seconds += 0.5
    assert pauses == [1, 2, 4, 8, LAST_RETRY, LAST_RETRY, LAST_RETRY]


def test_what_was_known_stays_with_its_age_and_the_server_comes_back(
    beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    time = Time()
    with connect(beanstalkd.address) as session:
        poller = Poller(lambda: session, time.clock, time.now)
        first = poller.look(lambda session: session.server().version)
        assert (first.stale, first.age, first.lost) == (False, 0, None)
        assert first.looked.startswith("1.")
        assert set(first.tubes) == {"default"}
        beanstalkd.stop(kill=True)
        time.seconds += 7
        lost = poller.look(lambda session: session.server().version)
        assert (lost.stale, lost.age, lost.looked) == (True, 7, None)
        assert lost.survey is first.survey
        start_beanstalkd(port=beanstalkd.port)
        assert not poller.look().stale


def test_close_ends_the_session_and_the_next_look_opens_another(beanstalkd: Beanstalkd) -> None:
    opened: list[Session] = []

    def open_one() -> Session:
        opened.append(connect(beanstalkd.address, read_only=True))
        return opened[-1]

    poller = Poller(open_one)
    for _ in range(2):
        poller.look()
    assert len(opened) == 1
    poller.close()
    assert poller.wait().survey is None
    assert poller.look().survey is not None
    poller.close()
    assert len(opened) == 2


def test_an_answer_that_is_late_makes_the_values_stale(beanstalkd: Beanstalkd) -> None:
    time = Time()
    with connect(beanstalkd.address) as session:
        poller = Poller(lambda: session, time.clock, time.now)
        assert poller.begin()
        poller.look()
        assert not poller.end()
        assert poller.begin()
        assert poller.busy
        time.seconds += LATE - 0.1
        assert not poller.wait().stale
        time.seconds += 0.1
        assert poller.wait().waiting == pytest.approx(LATE)
        assert not poller.begin()
        assert poller.end(), "another look was asked for"
        assert not poller.wait().stale


def test_what_was_seen_is_kept_over_sessions_with_a_gap_while_the_server_was_lost(beanstalkd: Beanstalkd) -> None:
    time, past = Time(), Past()
    poller = Poller(lambda: connect(beanstalkd.address, read_only=True), time.clock, time.now, past)
    for up in (True, True, False, True, True):
        time.seconds += 1
        if up:
            poller.look()
        else:
            poller.lose("it is gone")
            poller.close()
    poller.close()
    cells = past.tubes["default"].cells(0, time.seconds)
    assert sum(cell.seconds for cell in cells) == 2.0, "two of the four seconds between the looks were seen"
    assert (cells[0].at - cells[0].seconds, cells[-1].at) == (101, 105)
