"""What a surveyor asks for, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beanops import Client, commands
from beanops.embedded.process import Beanstalkd
from beanops.monitor import survey
from beanops.monitor.survey import Surveyor


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def worker(beanstalkd: Beanstalkd) -> Iterator[Client]:
    with Client(beanstalkd.address) as client:
        yield client


def put(client: Client, *tubes: str) -> None:
    for result in client.pipeline(one for name in tubes for one in (commands.use(name), commands.put(b"x"))):
        assert not isinstance(result, Exception)
    client.use("default")


def test_rates_ages_and_trails_of_the_tubes(client: Client, worker: Client) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    put(worker, "mail")
    first = surveyor.look(client, {"mail"})
    assert list(first.tubes) == ["default", "mail"]
    assert first.tubes["mail"].rates == (None, None)
    assert first.tubes["mail"].age in (0, 1)
    assert first.tubes["default"].age is None
    put(worker, "mail", "mail")
    clock.seconds += 2
    second = surveyor.look(client, {"mail"})
    assert second.tubes["mail"].rates == (1.0, 0.0)
    assert second.rates == (1.0, 0.0)
    assert second.cpu is not None
    assert len(second.tubes["mail"].trail) == 2
    assert first.tubes["mail"].stats.current_jobs_ready == 1  # what was given stays as it was


def test_looking_leaves_no_tube_behind_and_counts_nowhere(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock())
    put(worker, "mail")
    surveyor.look(client, {"mail", "nowhere"})
    assert worker.stats_tube("mail").current_using == 0
    worker.delete(worker.reserve_job(1))
    assert "mail" not in surveyor.look(client, {"mail"}).tubes
    assert worker.list_tubes() == ["default"]


def test_a_taken_job_is_followed_until_it_is_past_its_ttr(client: Client, worker: Client) -> None:
    surveyor = Surveyor(Clock())
    put(worker, "mail")
    surveyor.look(client, {"mail"})
    worker.reserve_job(1)
    seen = surveyor.look(client, {"mail"}).tubes["mail"]
    assert seen.age is None
    assert not seen.flags  # it is in time
    assert seen.stats.current_jobs_reserved == 1


def test_many_tubes_are_asked_for_in_turn_and_those_in_sight_always(
    client: Client, worker: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FULL", 20)
    monkeypatch.setattr(survey, "IN_TURN", 10)
    names = [f"tube-{number:02}" for number in range(40)]
    put(worker, *names)
    clock = Clock()
    surveyor = Surveyor(clock)
    assert not surveyor.look(client).full
    asked = worker.stats().cmd_stats_tube
    for _ in range(5):
        clock.seconds += 1
        seen = surveyor.look(client, {"tube-39"})
        assert seen.tubes["tube-39"].at == clock.seconds
    assert worker.stats().cmd_stats_tube - asked <= 5 * 11
    ages = {clock.seconds - tube.at for tube in seen.tubes.values()}
    assert ages == {0, 1, 2, 3, 4}  # each tube has its turn
    put(worker, "a-new-one")
    clock.seconds += 1
    assert "a-new-one" in surveyor.look(client).tubes


def test_another_server_process_starts_anew(client: Client, worker: Client, beanstalkd: Beanstalkd) -> None:
    clock = Clock()
    surveyor = Surveyor(clock)
    put(worker, "mail")
    surveyor.look(client)
    clock.seconds += 1
    with Beanstalkd() as other, Client(other.address) as elsewhere:
        seen = surveyor.look(elsewhere)
    assert list(seen.tubes) == ["default"]
    assert seen.rates == (None, None)
